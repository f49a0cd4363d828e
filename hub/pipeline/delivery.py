"""From the spool to the database: concurrent writes, back-off, and the search for a line that is refused."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from hub.errors import Reason, Refused, Retryable, SpoolFull, TooLarge
from hub.model import Clock, DeadLetter

if TYPE_CHECKING:
    from hub.pipeline.counters import Counters
    from hub.pipeline.options import PipelineOptions
    from hub.sinks.base import Sink
    from hub.spool.base import Parcel, Spool

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 15.0
LONGEST_WISH_S: Final = 300.0
"""A server's Retry-After is followed up to here."""

log = logging.getLogger(__name__)


class Delivery:
    """Drains the spool into one sink. `outage` is empty, or says why nothing can be written at the moment."""

    def __init__(self, spool: Spool, sink: Sink, options: PipelineOptions, counters: Counters, clock: Clock) -> None:
        self.outage = ""
        self._spool = spool
        self._sink = sink
        self._options = options
        self._counters = counters
        self._clock = clock

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._options.writers):
                tasks.create_task(self._writer(), name=f"writer-{number}")

    async def _writer(self) -> None:
        while True:
            parcel = await self._spool.take(self._options.write_lines, self._options.write_kb * 1000)
            await self._deliver(parcel)

    async def _deliver(self, parcel: Parcel) -> None:
        refused = await self._write(parcel.lines)
        if refused:
            await self._bury(refused)
        self._spool.release(parcel)
        self._counters.points_stored += parcel.count - len(refused)

    async def _bury(self, refused: list[DeadLetter]) -> None:
        """A parcel is released only once its dead letters are on disk, however long the disk takes to recover."""
        while True:
            try:
                await self._spool.bury(refused)
            except SpoolFull as error:
                self._lost(str(error))
                await asyncio.sleep(LONGEST_WAIT_S)
            else:
                return self._recovered()

    async def _write(self, lines: bytes) -> list[DeadLetter]:
        """Write all lines; return the dead letters of those that the database refused, found by halving."""
        try:
            await self._insist(lines)
        except (Refused, TooLarge) as error:
            halves = _halves(lines)
            if halves is None:
                return [self._dead_letter(lines, error)]
            return [*await self._write(halves[0]), *await self._write(halves[1])]
        return []

    async def _insist(self, lines: bytes) -> None:
        """Write, waiting out whatever is not the lines' fault."""
        wait = FIRST_WAIT_S
        while True:
            self._counters.writes += 1
            try:
                await self._sink.write(lines)
            except Retryable as error:
                self._counters.write_failures += 1
                self._lost(str(error))
                wish = min(error.after or 0.0, LONGEST_WISH_S)
                await asyncio.sleep(max(wish, wait * random.uniform(0.5, 1)))  # noqa: S311 - jitter, not a secret
                wait = min(wait * 2, LONGEST_WAIT_S)
            else:
                return self._recovered()

    def _lost(self, why: str) -> None:
        if not self.outage:
            log.warning("cannot write to the database, keeping everything in the spool: %s", why)
        self.outage = why

    def _recovered(self) -> None:
        if self.outage:
            log.info("writing to the database again")
        self.outage = ""

    def _dead_letter(self, line: bytes, error: Refused | TooLarge) -> DeadLetter:
        self._counters.rejected[Reason.REFUSED_BY_DATABASE] += 1
        device = _tag(line, b"device")
        return DeadLetter(self._clock(), device, "", Reason.REFUSED_BY_DATABASE, str(error)[:500], line)


def _halves(lines: bytes) -> tuple[bytes, bytes] | None:
    """Cut whole lines in two near the middle; None for a single line."""
    middle = lines.rfind(b"\n", 0, len(lines) // 2)
    if middle < 0:
        middle = lines.find(b"\n", len(lines) // 2)
    if middle < 0 or middle == len(lines) - 1:
        return None
    return lines[: middle + 1], lines[middle + 1 :]


def _tag(line: bytes, key: bytes) -> str:
    _, found, rest = line.partition(b"," + key + b"=")
    return rest.replace(b" ", b",").split(b",", 1)[0].decode(errors="replace") if found else ""
