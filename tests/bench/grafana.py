"""`make bench-grafana`: what the dashboards ask of the database, in one JSON object on standard output.

devices        in the city; each sent a line of telemetry and one of bandwidth every `step_s`, over the last `hours`
points         lines in the database before anything was asked
queries        asked, one after the other, each `runs` times: every panel's, over 24 hours, all variables
               at All (the page of a device: one device)
median_ms      of their times
slowest_ms     the time of the slowest, the median of its runs
slowest        which it was
slowest_rows   rows of its answer
wall_ms        all queries of the wall, one after the other: what a refresh costs the database
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, time_ns
from typing import TYPE_CHECKING, NamedTuple

from hub.sinks.query import QueryError
from tests.asked import panel_queries
from tests.integration.grafana.filled import Filled, filled
from tests.night import Night

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.asked import Asked


@dataclass
class Figures:
    """The keys of the JSON object."""

    devices: int
    hours: float
    step_s: int
    points: int
    fill_s: float
    runs: int
    queries: int
    median_ms: float
    slowest_ms: float
    slowest: str
    slowest_rows: int
    wall_ms: float


class Cost(NamedTuple):
    """What a query took."""

    ms: float
    place: str
    rows: int


class Counting(Night):
    """A night that counts its lines."""

    written = 0

    def raw(self) -> Iterator[str]:
        """See `Night`."""
        for line in super().raw():
            Counting.written += 1
            yield line


async def measure(devices: int, hours: float, step_s: int, runs: int) -> Figures:
    """Fill a database and ask it everything."""
    now, began = time_ns(), monotonic()
    night = Counting(now, bad=True, devices=devices, hours=hours, step_s=step_s)
    with TemporaryDirectory(prefix="cityhub-bench-") as folder:
        async with filled(Path(folder), night) as database:
            fill_s = monotonic() - began
            costs = [await _cost(database, asked, runs) for asked in _asked(now)]
    slowest = max(costs)
    for cost in sorted(costs, reverse=True)[:12]:
        print(f"{cost.ms:8.0f} ms  {cost.rows:7,} rows  {cost.place}", file=sys.stderr)
    return Figures(
        devices=devices, hours=hours, step_s=step_s, points=Counting.written, fill_s=round(fill_s, 1), runs=runs,
        queries=len(costs), median_ms=round(median(cost.ms for cost in costs), 1), slowest_ms=round(slowest.ms, 1),
        slowest=slowest.place, slowest_rows=slowest.rows,
        wall_ms=round(sum(cost.ms for cost in costs if cost.place.startswith("cityhub-wall")), 1),
    )  # fmt: skip


def _asked(now: int) -> Iterator[Asked]:
    """Yield every panel's queries; the page of a device shows one device."""
    for asked, of_one in zip(panel_queries(now), panel_queries(now, {"device": "cctv-0000"}), strict=True):
        yield of_one if asked.place.startswith("cityhub-device") else asked


async def _cost(database: Filled, asked: Asked, runs: int) -> Cost:
    times, rows = [], 0
    for _ in range(runs):
        started = perf_counter()
        try:
            rows = sum(len(series.values) for series in await database.ask(asked))
        except QueryError as error:  # given up by the database: the slowest of all, but not the last
            print(f"{asked.place}: {error}", file=sys.stderr)
        times.append((perf_counter() - started) * 1e3)
    return Cost(median(times), asked.place, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=5_000)
    parser.add_argument("--hours", type=float, default=24.5)
    parser.add_argument("--step", type=int, default=120, metavar="SECONDS")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(
        json.dumps(asdict(asyncio.run(measure(given.devices, given.hours, given.step, given.runs))), ensure_ascii=False)
    )


if __name__ == "__main__":
    main()
