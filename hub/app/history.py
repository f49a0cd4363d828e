"""The books of bytes and trips, and the way to the history database: the pipeline's own classes a second time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub.app.database import opened
from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.spool.sqlite import SqliteSpool
from hub.status.bandwidth import Bandwidth
from hub.status.bookkeeper import Bookkeeper
from hub.status.ledger import Ledger
from hub.status.periods import Periods
from hub.status.trips import PART as TRIPS
from hub.status.trips import Trips

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.directory import Directory
    from hub.settings import Settings
    from hub.sinks.options import SinkOptions
    from hub.status.core import Status
    from provisioning.registry import Registry


@dataclass
class History:
    """The books of bytes and trips, and the way to the history database."""

    books: Bookkeeper
    bandwidth: Bandwidth
    spool: SqliteSpool
    delivery: Delivery

    def troubles(self) -> dict[str, str]:
        """Return what is wrong: part -> a sentence."""
        outage = f"history: {self.delivery.outage}" if self.delivery.outage else ""
        said = {"ledger": self.books.trouble, "history-spool": self.spool.full, "history": outage}
        return {part: text for part, text in said.items() if text}


@asynccontextmanager
async def open_books(
    settings: Settings, database: SinkOptions, directory: Directory, registry: Registry, status: Status
) -> AsyncIterator[History]:
    """Open the books; status shows their parts what devices report."""
    periods = Periods(ZoneInfo(settings.city.timezone))
    ledger = Ledger(settings.ledger_file, periods)
    bandwidth = Bandwidth(directory, periods, ledger.meters(), status.incidents)
    trips = Trips(directory, ledger.states(TRIPS))
    status.add(bandwidth)
    status.add(trips)
    async with (
        SqliteSpool(settings.history_file, settings.spool) as spool,
        opened(database.history(), 1) as sink,
    ):
        options = settings.pipeline.model_copy(update={"writers": 1})
        books = Bookkeeper(
            bandwidth, trips, ledger=ledger, periods=periods, spool=spool, registry=registry, clock=time_ns
        )
        try:
            await books.load()
            yield History(books, bandwidth, spool, Delivery(spool, sink, options, Counters(), time_ns))
        finally:
            books.close()
