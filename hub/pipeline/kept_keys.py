"""Lets go of a key that the hub made and keeps, as soon as its device is heard."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from hub.directory import Directory
    from provisioning.kept_keys import KeptKeys

EVERY_S: Final = 10.0


async def release_keys(keys: KeptKeys, directory: Directory) -> None:
    """Delete the keys of devices that speak, and those whose time is over, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        with suppress(ProvisioningError):  # the registry's feed reads the same database, and says when that is away
            kept = await asyncio.to_thread(keys.since)
            await asyncio.to_thread(keys.drop, _heard(directory, kept))


def _heard(directory: Directory, kept: dict[str, int]) -> dict[str, int]:
    """Return which of these devices spoke after their keys were made, and when."""
    watches = ((device, directory.watches.get(device)) for device in kept)
    return {device: watch.heard_ns for device, watch in watches if watch and watch.heard_ns > kept[device]}
