"""The simulated city as child processes, and what they say."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Final, cast

from hub.errors import CityhubError
from hub.local.child import tied_to_us
from hub.sim.report import Answers, End, Happening, Ledger, PolledTotals, Totals, parse_line

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hub.sim.report import Line

LONGEST_LINE: Final = 2**26
"""Bytes. A ledger holds the whole run of a device: some 20 kB an hour at one message a second."""


class Simulation:
    """A running simulation: of devices that speak MQTT (hub.sim), or of units that are polled (hub.sim.modbus).

    Attributes:
        totals: the latest that it told of devices ...
        polled: ... or of units.
        complete: set once every device has connected.
        ledgers: of devices; there once it has finished.
        answers: likewise, of units.
    """

    def __init__(self, process: Process, log_file: Path, tell: Callable[[Happening], None]) -> None:
        self.totals: Totals | None = None
        self.polled: PolledTotals | None = None
        self.complete = asyncio.Event()
        self.ledgers: list[Ledger] = []
        self.answers: list[Answers] = []
        self._process = process
        self._stdout = cast("StreamReader", process.stdout)  # it is a pipe
        self._log_file = log_file
        self._tell = tell
        self._finishing = False

    async def follow(self) -> None:
        """Take in what it says, to its end; it may say nothing when it is ended while it starts.

        Raises:
            CityhubError: it ended without having been asked to, or without its last line.
        """
        spoke = ended = False
        async for line in self._stdout:
            said, spoke = parse_line(line), True
            ended = isinstance(said, End)
            self._take(said)
        code = await self._process.wait()
        if not self._finishing or (spoke and not ended):
            words = self._log_file.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
            raise CityhubError(f"the simulated city ended by itself with code {code}: {words or 'it said nothing'}")

    def _take(self, said: Line) -> None:
        match said:
            case Totals():
                self.totals = said
                if said.seen == said.devices:
                    self.complete.set()
            case PolledTotals():
                self.polled = said
            case Happening():
                self._tell(said)
            case Ledger():
                self.ledgers.append(said)
            case Answers():
                self.answers.append(said)
            case End(totals=totals):
                self._take(totals)

    def finish(self) -> None:
        """Ask it to send what its devices still hold, and to end; `follow` returns when it has."""
        self._finishing = True
        if self._process.returncode is None:
            self._process.terminate()


@dataclass(frozen=True, slots=True)
class Sims:
    """The two that make a city: its devices that speak MQTT, and its units that are polled."""

    devices: Simulation
    units: Simulation

    def finish(self) -> None:
        """Ask both to end."""
        self.devices.finish()
        self.units.finish()


@asynccontextmanager
async def simulation(
    module: str, plan_file: Path, log_file: Path, tell: Callable[[Happening], None]
) -> AsyncIterator[Simulation]:
    """Run a module that plays a plan; when the block ends before it has finished, it is killed.

    It has a session of its own, so that Ctrl-C in a terminal does not reach it before its turn, and the kernel ends it
    when this process dies (prctl(2), PR_SET_PDEATHSIG).
    """
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tied_to_us(),
            *(sys.executable, "-m", module, str(plan_file)),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
    try:
        yield Simulation(process, log_file, tell)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
