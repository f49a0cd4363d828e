"""Where devices are, how long their certificates hold, which limits are set: every five minutes, for dashboards.

measurement `inventory`: the telemetry's tags and `kind`; `lat` and `lon` (floats, degrees WGS 84) where the device or
its site has a place, `certificate_days` (int, whole days left, negative once it has ended) where it has a certificate,
`warning_m` and `critical_m` (floats, metres above the gauge's zero) where the settings have limits for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from hub.decode.line import tag_set
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hub.model import Clock
    from hub.status.options import LevelOptions
    from provisioning.inventory import InventoryEntry

EVERY_S: Final = 300.0
RETRY_S: Final = 10.0
AT_ONCE: Final = 1_000
"""Devices whose lines are written together, so that a batch of telemetry has room beside them."""
_DAY_NS: Final = 86_400 * 10**9

log = logging.getLogger(__name__)


def inventory_lines(
    entries: Iterable[InventoryEntry], kinds: Mapping[str, str], levels: Mapping[str, LevelOptions], now_ns: int
) -> str:
    """Return a line a device of which there is something to say; `kinds` by profile, `levels` by device."""
    return "".join(_line(entry, kinds.get(entry.profile, ""), levels.get(entry.device), now_ns) for entry in entries)


def _line(entry: InventoryEntry, kind: str, level: LevelOptions | None, now_ns: int) -> str:
    fields: list[str] = []
    if entry.lat is not None and entry.lon is not None:
        fields += [f"lat={entry.lat}", f"lon={entry.lon}"]
    if entry.certificate_ends_ns is not None:
        fields.append(f"certificate_days={(entry.certificate_ends_ns - now_ns) // _DAY_NS}i")
    if level is not None:
        fields += [f"warning_m={level.warning_m}", f"critical_m={level.critical_m}"]
    return f"inventory{_tags(entry, kind)} {','.join(fields)} {now_ns}\n" if fields else ""


def _tags(entry: InventoryEntry, kind: str) -> str:
    return tag_set(
        [
            ("agency", entry.agency or ""),
            ("device", entry.device),
            ("kind", kind),
            ("profile", entry.profile),
            ("site", entry.site or ""),
            ("zone", "+".join(entry.zones)),
        ]
    )


class InventoryWriter:
    """Writes the inventory again and again.

    Args:
        read: reads so many entries after a device; called in a thread of its own, for it waits for the registry.
        kinds: the kind of device by profile.
        levels: the limits of river gauges by device.
        write: takes whole lines; False when there is no room, then they are offered again a little later.
    """

    def __init__(
        self,
        read: Callable[[str, int], Sequence[InventoryEntry]],
        kinds: Mapping[str, str],
        levels: Mapping[str, LevelOptions],
        write: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._read = read
        self._kinds = kinds
        self._levels = levels
        self._write = write
        self._clock = clock

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            written = await self._once()
            await asyncio.sleep(EVERY_S if written else RETRY_S)

    async def _once(self) -> bool:
        now, last = self._clock(), ""
        try:
            while entries := await asyncio.to_thread(self._read, last, AT_ONCE):
                await self._put(inventory_lines(entries, self._kinds, self._levels, now))
                last = entries[-1].device
        except ProvisioningError as error:  # who follows the registry tells of it; here it is not told twice
            log.debug("no inventory: %s", error)
            return False
        return True

    async def _put(self, text: str) -> None:
        while text and not self._write(text):  # noqa: ASYNC110 - whether there is room can only be tried
            await asyncio.sleep(RETRY_S)
