"""`make bench-modbus`: what a thousand meters cost that are polled every second, in one JSON object on standard output.

meters              simulated TCP meters of sixty registers each, on connections of their own
polls_due           polls that a perfect hub would have made while it was measured
polls_on_time       those that reached their meter within a tenth of a second of their due time
lateness_p99_ms     how long after its due time a poll reached its meter; one that never came counts as an interval
requests_per_meter  requests that a meter received for each poll
requests_fewest     the fewest that can read its registers
cpu_percent         user and system time of the hub's process, of one core

Everything but the last is counted by the meters, not by the hub. The hub is the whole `cityhub up`, which stores what
it reads in InfluxDB; it is kept on one core, and meters and servers on the others where there are any.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from provisioning.records import NewDevice
from tests.bench.meters import LOOPBACK, REGISTERS, Counted
from tests.rig import rig

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

INTERVAL_S = 1.0
SETTLING = 20
"""Looks at whether all meters are polled, before it is measured all the same."""
PROFILE = "bench_meter"
MOST_IN_A_REQUEST = 125


def profile(interval_s: float) -> str:
    """Return the profile of a meter of so many registers, all of them wanted: a float32 in each two."""
    numbers = range(REGISTERS // 2)
    own = ", ".join(f'r{n}: {{type: float, unit: "1", min: 0, max: 1000, about: Register {2 * n}}}' for n in numbers)
    readings = ", ".join(f"r{n}: {{at: {2 * n}, type: float32}}" for n in numbers)
    return f"""
vendor: Bench
model: meter
kind: meter
about: A meter of {REGISTERS} registers
manual: {{title: none, edition: none}}
interval_s: {interval_s}
own: {{{own}}}
modbus:
  groups:
    all: {{every_s: {interval_s}, table: input, readings: {{own: {{{readings}}}}}}}
"""


@dataclass
class Figures:
    """The keys of the JSON object."""

    meters: int
    polls_due: int
    polls_on_time: int
    lateness_p99_ms: float
    requests_per_meter: float
    requests_fewest: int
    cpu_percent: float


class Child:
    """A process that answers lines with lines of JSON, and ends when its standard input does."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        self._stdin: StreamWriter = process.stdin
        self._stdout: StreamReader = process.stdout

    async def hear(self) -> Any:  # noqa: ANN401 - each process says something else
        """Return what it says next."""
        line = await self._stdout.readline()
        if not line:
            raise SystemExit("a process of the measurement ended early")
        return json.loads(line)

    def say(self, line: str = "") -> None:
        """Send it a line."""
        self._stdin.write(f"{line}\n".encode())


@asynccontextmanager
async def child(module: str, *arguments: object) -> AsyncIterator[Child]:
    """Run a module beside the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments), stdin=pipe, stdout=pipe, limit=2**20
    )
    try:
        yield Child(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def measure(meters: int, seconds: float, folder: Path) -> Figures:
    """Let a hub poll so many meters, and ask the meters how it went."""
    (folder / "profiles" / PROFILE).mkdir(parents=True)
    (folder / "profiles" / PROFILE / "profile.yaml").write_text(profile(INTERVAL_S))
    async with AsyncExitStack() as stack:
        field = await stack.enter_async_context(child("tests.bench.meters", meters, INTERVAL_S))
        planned = [_device(number, port) for number, port in enumerate(await field.hear())]
        overrides = {"profiles": {"folder": folder / "profiles"}}
        made = await stack.enter_async_context(rig(folder, planned, overrides=overrides))
        _say(f"{meters} meters are listening; the hub connects to them ...")
        hub = await made.start_hub()
        _apart(hub.pid, [field.pid, *(one.pid for one in (made.broker, made.influx) if one.pid)])
        await _all_polled(field, meters)
        _say(f"measuring for {seconds:.0f} seconds ...")
        field.say()
        before = cpu_s(hub.pid)
        await asyncio.sleep(seconds)
        used = cpu_s(hub.pid) - before
        field.say()
        counted = Counted(**await field.hear())
    return _figures(meters, seconds, counted, used)


def _device(number: int, port: int) -> NewDevice:
    return NewDevice(id=f"meter-{number:04}", profile=PROFILE, modbus=f"tcp://{LOOPBACK}:{port}", unit=1)


async def _all_polled(field: Child, meters: int) -> None:
    """Wait until all are polled, as far as they ever will: then InfluxDB knows their series as well."""
    for _ in range(SETTLING):
        field.say()
        await asyncio.sleep(3 * INTERVAL_S)
        field.say()
        if Counted(**await field.hear()).polls >= 2 * meters:
            return


def _figures(meters: int, seconds: float, counted: Counted, used_s: float) -> Figures:
    return Figures(
        meters=meters,
        polls_due=counted.due,
        polls_on_time=counted.on_time,
        lateness_p99_ms=counted.lateness_p99_ms,
        requests_per_meter=round(counted.requests / max(counted.polls, 1), 3),
        requests_fewest=ceil(REGISTERS / MOST_IN_A_REQUEST),
        cpu_percent=round(100 * used_s / seconds, 1),
    )


def _apart(hub: int, others: list[int]) -> None:
    """Give the hub one core, and all others the other cores, where there are any."""
    first, *rest = sorted(os.sched_getaffinity(0))
    for pid, cores in ((hub, [first]), *((pid, rest or [first]) for pid in others)):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def cpu_s(pid: int) -> float:
    """Return the user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-modbus", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--meters", type=int, default=1000, help="simulated meters")
    parser.add_argument("--seconds", type=float, default=30, help="of the measurement")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with TemporaryDirectory(prefix="cityhub-bench-") as folder:
        figures = asyncio.run(measure(options.meters, options.seconds, Path(folder)))
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
