"""`make bench-gateway`: what dead and slow units cost their neighbours on one bus, in one JSON object.

units               on the gateway: three are dead, one answers after two seconds
every_s             the interval
good                the sixteen others
polls_due           of the sixteen, had all been kept
polls_made          of them that were made
late_p50_ms         how long after its due time a poll of them was read (its own due times: they lie the interval apart)
late_p99_ms         likewise
longest_gap_s       between two polls of one of them
good_failed         of them that the hub ever gave up on
slow_polls          of the slow unit that were read
dead_asked          requests that reached the dead units, all in all
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.cli.demo.process import simulation
from tests.integration.modbus.twenty import GOOD, SLOW, UNITS, gateway_plan, name, twenty
from tests.polled import Kept, polling
from tests.ports import free_ports

SETTLE = 2
"""Intervals before the measurement."""


@dataclass
class Figures:
    """The keys of the JSON object."""

    units: int
    every_s: float
    good: int
    polls_due: int
    polls_made: int
    late_p50_ms: float
    late_p99_ms: float
    longest_gap_s: float
    good_failed: int
    slow_polls: int
    dead_asked: int


async def measure(every_s: float, timeout_ms: int, intervals: int, folder: Path) -> Figures:
    """Poll the gateway for so many intervals."""
    port, kept = free_ports(1)[0], Kept()
    (folder / "units.json").write_text(gateway_plan(port).model_dump_json())
    source = twenty(folder / "profiles", port, kept, every_s, timeout_ms)
    async with (
        simulation("hub.sim.modbus", folder / "units.json", folder / "units.log", lambda _: None) as units,
        asyncio.TaskGroup() as tasks,
    ):
        following = tasks.create_task(units.follow())
        while units.polled is None:
            await asyncio.sleep(0.05)
        async with polling(source):
            await asyncio.sleep(SETTLE * every_s)
            kept.points.clear()
            await asyncio.sleep(intervals * every_s)
        units.finish()
        await following
    assert units.polled is not None
    times = {unit: _times(kept, unit) for unit in (*GOOD, SLOW)}
    late_s = sorted(late for unit in GOOD for late in _late(times[unit], every_s))
    failed = [unit for unit in GOOD if (state := source.state(name(unit))) and state.failed_ns]
    return Figures(
        units=len(UNITS),
        every_s=every_s,
        good=len(GOOD),
        polls_due=intervals * len(GOOD),
        polls_made=sum(len(times[unit]) for unit in GOOD),
        late_p50_ms=_ms(late_s[len(late_s) // 2]),
        late_p99_ms=_ms(late_s[ceil(0.99 * len(late_s)) - 1]),
        longest_gap_s=round(max(b - a for unit in GOOD for a, b in pairwise(times[unit])), 2),
        good_failed=len(failed),
        slow_polls=len(times[SLOW]),
        dead_asked=units.polled.requests - units.polled.answers - units.polled.exceptions,
    )


def _times(kept: Kept, unit: int) -> list[float]:
    """Return when a unit was read, in seconds."""
    return [
        point.time / 1e9 for point in kept.points if point.tags["device"] == name(unit) and "voltage_v" in point.fields
    ]


def _late(times: list[float], every_s: float) -> list[float]:
    """Return how late each poll was, measured from the one that was least so."""
    offsets = [time - round((time - times[0]) / every_s) * every_s for time in times]
    return [offset - min(offsets) for offset in offsets]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-gateway", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--every", type=float, default=5, help="seconds between two polls of a unit")
    parser.add_argument("--intervals", type=int, default=24, help="how many are measured")
    parser.add_argument(
        "--timeout", type=int, default=1000, help="ms that the profile allows for an answer; %(default)s"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)  # pymodbus tells of every answer that does not come
    with TemporaryDirectory(prefix="cityhub-bench-") as folder:
        figures = asyncio.run(measure(options.every, options.timeout, options.intervals, Path(folder)))
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
