"""Writes down what `Bandwidth` has counted, and hands the history its lines: the one part of it that waits.

Once a minute, or as soon as there are many, the bookings go into the ledger, with the state that covers them; every
five minutes what is new in the ledger goes into the history's spool. All of the ledger's work is done in one thread of
its own.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from hub.errors import SpoolFull, UsageError
from hub.model import Batch
from hub.status.bookings import Bookings
from hub.status.fences import Fence, read_fence
from hub.status.history import bills, cost_lines, history_lines
from provisioning.errors import ProvisioningError
from provisioning.records import Geofence, Site, Uplink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hub.model import Clock
    from hub.spool.base import Spool
    from hub.status.bandwidth import Bandwidth
    from hub.status.ledger import Ledger, Page, Row
    from hub.status.periods import Periods
    from hub.status.trips import Trips
    from provisioning.registry import Registry

EVERY_S: Final = 5.0
KEEP_EVERY: Final = 12
"""Of so many looks at the bookings one writes them down; the others do when there are MANY."""
PUBLISH_EVERY: Final = 60
"""Of so many looks one is followed by the history's lines."""
MANY: Final = 2_000
"""So many bookings take a twentieth of a second of the processor, and some megabytes."""
CHUNK: Final = 5_000
"""Lines in one batch of the spool."""
DAY_NS: Final = 86_400 * 1_000_000_000

_Result = TypeVar("_Result")
log = logging.getLogger(__name__)


class Bookkeeper:
    """Keeps the ledger of one `Bandwidth` and one `Trips`. `trouble` is empty when well.

    Args:
        spool: of the history database.
        registry: where uplinks, sites and geofences are.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        bandwidth: Bandwidth,
        trips: Trips,
        *,
        ledger: Ledger,
        periods: Periods,
        spool: Spool,
        registry: Registry,
        clock: Clock,
    ) -> None:
        self.trouble = ""
        self._bandwidth = bandwidth
        self._trips = trips
        self._fences: list[Geofence] = []
        self._ledger = ledger
        self._periods = periods
        self._spool = spool
        self._registry = registry
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._unwritten = Bookings()
        self._charged_ns = 0

    async def load(self) -> None:
        """Learn of uplinks and geofences, once, before anything is counted.

        Raises:
            ProvisioningError: the registry cannot be read.
        """
        await self._learn()

    async def run(self) -> None:
        """Keep the books until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(EVERY_S)
            looks += 1
            if looks % KEEP_EVERY == 0:
                await self.round(publish=looks % PUBLISH_EVERY == 0)
            elif self._bandwidth.pending > MANY:
                await self._try(self.keep())

    def close(self) -> None:
        """Write down the rest and close the ledger; the hub is stopping, so its loop may wait."""
        self._bandwidth.settle()
        bookings, now_ns = self._taken(), self._clock()
        try:
            self._thread.submit(self._write_down, bookings, now_ns).result()
        except sqlite3.Error as error:
            log.warning("the ledger of bytes misses what came last; it is read again from the devices: %s", error)
        self._thread.submit(self._ledger.close).result()
        self._thread.shutdown()

    async def keep(self) -> None:
        """Write down what has been counted.

        Raises:
            sqlite3.Error: the ledger cannot be written; nothing is lost, it is tried again with the next.
        """
        bookings, now_ns = self._taken(), self._clock()
        await self._call(lambda: self._write_down(bookings, now_ns))

    async def publish(self) -> None:
        """Hand over to the history what is new in the ledger.

        Raises:
            SpoolFull: not now; what was not taken comes with the next.
        """
        for page in await self._call(self._ledger.pages):
            async for rows in self._rows(page):
                await self._spool.append(_batch(page, rows))
            await self._call(partial(self._ledger.tick_off, page))

    async def _rows(self, page: Page) -> AsyncIterator[list[Row]]:
        """Yield what the history lacks of a page, in batches: of a large city it would not fit into memory at once."""
        rows = self._ledger.rows(page)
        while some := await self._call(lambda: list(islice(rows, CHUNK))):
            yield some

    async def charge(self) -> None:
        """Write, once an hour, what the month has cost so far, and for a day what the month before has cost."""
        now_ns = self._clock()
        hour, month = self._periods.start("hour", now_ns), self._periods.start("month", now_ns)
        if hour == self._charged_ns:
            return
        self._charged_ns = hour
        await self._charge(month, hour)
        if now_ns - month < 2 * DAY_NS:
            await self._charge(self._periods.start("month", month - 1), month - 1)

    async def _charge(self, month_ns: int, at_ns: int) -> None:
        uses = await self._call(lambda: self._ledger.uses(month_ns))
        uplinks = {name: link.uplink for name, link in self._bandwidth.uplinks.links.items()}
        billed = bills(uplinks.values(), uses)
        self._bandwidth.say(cost_lines(uplinks, billed, uses, self._periods.month_name(month_ns), at_ns))

    async def round(self, *, publish: bool) -> None:
        """Do what is due once a minute; see `_try`."""
        await self._try(self._round(publish=publish))

    async def _round(self, *, publish: bool) -> None:
        await self._learn()
        await self.keep()
        await self.charge()
        if publish:
            await self.publish()
            self._bandwidth.prune()
            self._trips.prune()
            await self._call(lambda: self._ledger.prune(self._clock()))

    async def _try(self, work: Awaitable[None]) -> None:
        """What goes wrong is said once, and tried again with the next."""
        try:
            await work
        except (ProvisioningError, sqlite3.Error, SpoolFull) as error:
            if not self.trouble:
                log.warning("the ledger of bytes is behind, trying again: %s", error)
            self.trouble = f"the ledger of bytes is behind: {error}"
        else:
            if self.trouble:
                log.info("the ledger of bytes has caught up")
            self.trouble = ""

    async def _learn(self) -> None:
        uplinks = await self._call(lambda: self._registry.all(Uplink))
        sites = await self._call(lambda: self._registry.all(Site))
        self._bandwidth.uplinks.update(uplinks, {site.id: site.agency for site in sites})
        fences = await self._call(lambda: self._registry.all(Geofence))
        if fences != self._fences:
            self._trips.fences.update(_read(fences))
            self._fences = fences

    def _taken(self) -> Bookings:
        bookings = self._bandwidth.take_bookings()
        bookings.states.update(self._trips.take_states())
        return bookings

    def _write_down(self, bookings: Bookings, now_ns: int) -> None:
        """In the thread, where one follows the other: what was taken is written once, also when a task is cancelled."""
        self._unwritten.merge(bookings)
        self._ledger.book(self._unwritten, now_ns)
        self._unwritten = Bookings()

    async def _call(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(geofences: list[Geofence]) -> list[Fence]:
    fences: list[Fence] = []
    for one in geofences:
        try:
            fences.append(Fence(one.id, read_fence(one.geojson), one.agency, one.limit_kmh))
        except UsageError as error:
            log.warning("the geofence %s is not watched, its outline cannot be read: %s", one.id, error)
    return fences


def _batch(page: Page, rows: list[Row]) -> Batch:
    return Batch(history_lines(page, rows).encode(), len(rows))
