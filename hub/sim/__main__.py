"""`python -m hub.sim PLAN.json`: a simulated city in a process of its own.

Says on standard output what hub/sim/report.py describes, until SIGTERM or SIGINT; then the devices send what they
still hold, and the last lines are the ledgers and the end.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

from hub.errors import CityhubError, ungrouped
from hub.sim.fleet import Fleet
from hub.sim.plan import read_plan
from hub.sim.report import End, Happening, Line

if TYPE_CHECKING:
    from hub.sim.units import Event

REPORT_S: Final = 1.0


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 well, 1 failed, 2 wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m hub.sim PLAN.json", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 2
    try:
        asyncio.run(_simulate(Path(arguments[0])))
    except CityhubError as error:
        print(f"hub.sim: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


async def _simulate(file: Path) -> None:
    """Raises CityhubError: the plan, or a bundle that it names, cannot be used."""
    with ungrouped(CityhubError):
        await _run(file)


async def _run(file: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    fleet = Fleet(read_plan(file), time_ns, _tell)
    async with asyncio.TaskGroup() as tasks:
        reports = tasks.create_task(_report(fleet), name="report")
        await fleet.run(stop)
        reports.cancel()
    for ledger in fleet.ledgers():
        _say(ledger)
    _say(End(totals=fleet.totals()))


async def _report(fleet: Fleet) -> None:
    while True:
        _say(fleet.totals())
        await asyncio.sleep(REPORT_S)


def _tell(device: str, event: Event) -> None:
    _say(Happening(at_ns=time_ns(), device=device, name=event.name, severity=event.severity, text=event.text))


def _say(line: Line) -> None:
    print(line.model_dump_json(), flush=True)  # noqa: T201 - this is what the process is for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
