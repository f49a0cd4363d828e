"""How long from publishing to a point that a query finds, measured from outside."""

from __future__ import annotations

import asyncio
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Final

from hub.errors import Retryable
from hub.sim.reader import Reader, times_ns

if TYPE_CHECKING:
    from hub.model import Clock

LATE_NS: Final = 10_000_000_000
"""A point that appears when others are already so much newer is not looked for any more."""
KEPT: Final = 50_000


class LatencyProbe:
    """Polls the database for points that it has not seen, and compares their device time with the clock.

    The device time must be the time of publishing, on the same machine's clock. A figure is never too low: it is too
    high by up to one poll (`period_s` and the time a query takes) and, as devices send whole milliseconds, by up to
    one of those. Points published before `run` are not counted.

    Args:
        where: InfluxQL condition on tags that picks devices which publish at once what they measure; few, because
            every poll reads their last ten seconds.
        measurement: where they are stored.
        field: one that every such point has.

    Attributes:
        period_s: from one poll to the next.
    """

    period_s: float = 0.02

    def __init__(
        self,
        reader: Reader,
        clock: Clock,
        where: str,
        *,
        measurement: str = "cctv",
        field: str = "seq",
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._select = f'SELECT "{field}" FROM "{measurement}" WHERE ({where})'  # noqa: S608 - the caller's own words
        self._seen: set[tuple[str, int]] = set()
        self._from_ns = 0
        self._latencies_ns: deque[int] = deque(maxlen=KEPT)

    @property
    def points(self) -> int:
        """How many points the figures rest on: the latest 50,000 at most."""
        return len(self._latencies_ns)

    async def run(self) -> None:
        """Measure until cancelled; goes on while the database is away, which then shows in the figures."""
        self._from_ns = self._clock()
        while True:
            try:
                await self._poll()
            except Retryable:
                await asyncio.sleep(10 * self.period_s)
            await asyncio.sleep(self.period_s)

    def percentile_ms(self, part: float) -> float | None:
        """Return what `part` (0 to 1) of the points did not exceed, by nearest rank, in ms; None without any."""
        if not self._latencies_ns:
            return None
        ranked = sorted(self._latencies_ns)
        return round(ranked[max(0, ceil(part * len(ranked)) - 1)] / 1e6, 1)

    async def _poll(self) -> None:
        tables = await self._reader.query(f'{self._select} AND time >= {self._from_ns} GROUP BY "device"')
        now = self._clock()
        found = {(table.tags.get("device", ""), time) for table in tables for time in times_ns(table)}
        self._latencies_ns.extend(now - time for _, time in found - self._seen)
        if found:
            self._from_ns = max(self._from_ns, max(time for _, time in found) - LATE_NS)
            self._seen = {one for one in self._seen | found if one[1] >= self._from_ns}
