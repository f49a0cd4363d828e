"""What the simulation's processes have in common: one argument, lines on standard output, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

from hub.errors import CityhubError, ungrouped
from hub.sim.report import Happening, Line, PolledTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.sim.units import Event

REPORT_S: Final = 1.0


def run(name: str, arguments: list[str], simulate: Callable[[Path, asyncio.Event], Awaitable[None]]) -> int:
    """Simulate the plan that is named until SIGTERM or SIGINT; return the exit code: 0 well, 1 failed, 2 wrong usage.

    Args:
        simulate: plays the plan in a file until the event is set; raises CityhubError when it cannot be used.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {name} PLAN.json", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 2
    try:
        asyncio.run(_until_signalled(Path(arguments[0]), simulate))
    except CityhubError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


async def _until_signalled(file: Path, simulate: Callable[[Path, asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ungrouped(CityhubError):
        await simulate(file, stop)


async def report(totals: Callable[[], Totals | PolledTotals]) -> None:
    """Say the totals once a second, until cancelled."""
    while True:
        say(totals())
        await asyncio.sleep(REPORT_S)


def tell(device: str, event: Event) -> None:
    """Say that something happened to a device."""
    say(Happening(at_ns=time_ns(), device=device, name=event.name, severity=event.severity, text=event.text))


def say(line: Line) -> None:
    """Write a line on standard output."""
    print(line.model_dump_json(), flush=True)  # noqa: T201 - this is what the processes are for
