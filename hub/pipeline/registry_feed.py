"""Keeps the directory true to the registry, whoever changes it: this hub, the command line, or another hub."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from hub.directory import Directory
    from provisioning.directory import DirectoryEntry
    from provisioning.registry import Registry

EVERY_S: Final = 0.5
"""A change is served within two seconds of its commit; this leaves room for a slow disk."""

_Result = TypeVar("_Result")
log = logging.getLogger(__name__)


class Follower(Protocol):
    """Who wants to know what the directory has just learnt."""

    def follow(self, entries: Sequence[DirectoryEntry], changed: Collection[str]) -> None:
        """Take in `entries` as they are now; a device of `changed` that is not among them is gone."""


class RegistryFeed:
    """Reads the registry in one worker thread and hands what changed to the directory. `trouble` is empty when well.

    Attributes:
        followers: are told after the directory; one that comes before `load` misses nothing.
    """

    def __init__(self, registry: Registry, directory: Directory) -> None:
        self.trouble = ""
        self.followers: list[Follower] = []
        self._registry = registry
        self._directory = directory
        self._seen = 0
        self._contested: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registry")

    async def load(self) -> None:
        """Read the whole registry, once, before anything is received."""
        self._seen = await self.call(self._registry.latest_change)
        self._learn(await self.call(self._registry.entries), ())

    async def run(self) -> None:
        """Follow the changes until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._follow()
            except ProvisioningError as error:
                if not self.trouble:
                    log.warning("cannot read the registry, going on with what is known: %s", error)
                self.trouble = str(error)
            else:
                if self.trouble:
                    log.info("reading the registry again")
                self.trouble = ""

    async def _follow(self) -> None:
        seen, changed = await self.call(lambda: self._registry.changes_since(self._seen))
        if changed:
            self._learn(await self.call(lambda: self._registry.entries(changed)), changed)
            log.info("registry: %d devices changed", len(changed))
        self._seen = seen

    def _learn(self, entries: Sequence[DirectoryEntry], changed: Collection[str]) -> None:
        self._tell(self._directory.update(entries, changed))
        self._tell_contested()
        for follower in self.followers:
            follower.follow(entries, changed)

    def _tell_contested(self) -> None:
        """Say once of each topic that two devices claim it."""
        for topic in sorted(self._directory.contested.keys() - self._contested):
            others = ", ".join(sorted(self._directory.contested[topic]))
            log.warning("%s is another device's already, so %s is not heard there: compare the serials", topic, others)
        self._contested = set(self._directory.contested)

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Do some work on the registry in its thread; raises what the work raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @staticmethod
    def _tell(unserved: list[str]) -> None:
        if unserved:
            first = ", ".join(unserved[:5])
            log.warning("%d devices name a profile that this hub does not have: %s", len(unserved), first)
