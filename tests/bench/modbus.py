"""`make bench-modbus`: what a thousand meters cost that are polled every second, in one JSON object on standard output.

meters              simulated TCP meters of sixty registers each, on connections of their own
polls_due           polls that a perfect hub would have made while it was measured
polls_on_time       those that reached their meter within a tenth of a second of their due time
lateness_p99_ms     how long after its due time a poll reached its meter; one that never came counts as an interval
requests_per_meter  requests that a meter received for each poll
requests_fewest     the fewest that can read its registers
cpu_percent         user and system time of the hub's process, of one core

Everything but the last is counted by the meters, not by the hub. The hub's process decodes what it reads, keeps it in
its spool and writes it to InfluxDB; it has one core for itself where there are two.
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

from tests.bench.meters import REGISTERS, Counted
from tests.rig import rig

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

INTERVAL_S = 1.0
WARM_UP_S = 5.0
"""For a thousand connections, and for series that InfluxDB has never seen."""
MOST_IN_A_REQUEST = 125


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
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(rig(folder))
        field = await stack.enter_async_context(child("tests.bench.meters", meters, INTERVAL_S))
        ports = await field.hear()
        _say(f"{meters} meters are listening; the hub connects to them ...")
        hub = await stack.enter_async_context(child("tests.bench.polling", made.settings.file, INTERVAL_S))
        hub.say(json.dumps(ports))
        await hub.hear()
        _apart(hub.pid, field.pid)
        await asyncio.sleep(WARM_UP_S)
        _say(f"measuring for {seconds:.0f} seconds ...")
        field.say()
        before = cpu_s(hub.pid)
        await asyncio.sleep(seconds)
        used = cpu_s(hub.pid) - before
        field.say()
        counted = Counted(**await field.hear())
    return _figures(meters, seconds, counted, used)


def _figures(meters: int, seconds: float, counted: Counted, used_s: float) -> Figures:
    return Figures(
        meters=meters,
        polls_due=counted.due,
        polls_on_time=counted.on_time,
        lateness_p99_ms=counted.lateness_p99_ms,
        requests_per_meter=round(counted.requests / counted.polls, 3),
        requests_fewest=ceil(REGISTERS / MOST_IN_A_REQUEST),
        cpu_percent=round(100 * used_s / seconds, 1),
    )


def _apart(hub: int, field: int) -> None:
    """Give the hub one core, and the meters the others, where there are any."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(hub, {first})
    if others:
        os.sched_setaffinity(field, others)


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
