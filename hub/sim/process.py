"""What the simulation's processes have in common: one argument, lines on standard output, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final, Protocol

from hub.errors import CityhubError, ungrouped
from hub.sim.report import End, Happening, Line, PolledTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.sim.units import Event

REPORT_S: Final = 1.0


class Simulation(Protocol):
    """What a process plays."""

    async def run(self, stop: asyncio.Event) -> None:
        """Play until `stop` is set, and come to an orderly end; raises CityhubError when it cannot."""

    def totals(self) -> Totals | PolledTotals:
        """Return the sums as they are now."""

    def ledgers(self) -> Iterator[Line]:
        """Yield what must be in the database; asked once it has ended."""


def run(name: str, arguments: list[str], simulation: Callable[[Path], Simulation]) -> int:
    """Simulate the plan that is named until SIGTERM or SIGINT; return the exit code: 0 well, 1 failed, 2 wrong usage.

    Args:
        simulation: makes it of the plan in a file; raises CityhubError when that cannot be used.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {name} PLAN.json", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 2
    try:
        asyncio.run(_until_signalled(Path(arguments[0]), simulation))
    except CityhubError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


async def _until_signalled(file: Path, simulation: Callable[[Path], Simulation]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ungrouped(CityhubError):
        await _simulate(simulation(file), stop)


async def _simulate(simulation: Simulation, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        reports = tasks.create_task(_report(simulation), name="report")
        await simulation.run(stop)
        reports.cancel()
    for ledger in simulation.ledgers():
        _say(ledger)
    _say(End(totals=simulation.totals()))


async def _report(simulation: Simulation) -> None:
    """Say the totals once a second, until cancelled."""
    while True:
        _say(simulation.totals())
        await asyncio.sleep(REPORT_S)


def tell(device: str, event: Event) -> None:
    """Say that something happened to a device."""
    _say(Happening(at_ns=time_ns(), device=device, name=event.name, severity=event.severity, text=event.text))


def _say(line: Line) -> None:
    """Write a line on standard output."""
    print(line.model_dump_json(), flush=True)  # noqa: T201 - this is what the processes are for
