"""Keeps one server program running: starts it, watches it, starts it again when it ends, and stops it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hub.local.child import start, stop
from hub.local.errors import LocalServerFailed
from hub.local.logfile import last_words, size, trim

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from hub.local.child import Program

_log = logging.getLogger(__name__)

_FAILED_STARTS = 3
"""So many in a row, before it was ever ready, tell that waiting will not help."""


class State(StrEnum):
    """What a supervised program is doing."""

    STARTING = "starting"
    RUNNING = "running"
    NOT_ANSWERING = "not answering"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a supervisor is; everything in seconds.

    Attributes:
        first_pause: before the first restart; it doubles with each fault, up to `longest_pause`.
        longest_pause: the most it waits before a restart.
        settled: running so long, it is well again, and the pauses start over.
        overdue: a start that takes longer is reported, but not ended: loading a month of data takes its time.
        poll: between questions whether it is ready, while it is not.
        check: between the same questions, while it is.
        answer: how long an answer may take.
        stop: how long it may take to end when asked, before it is killed.
    """

    first_pause: float = 0.2
    longest_pause: float = 30.0
    settled: float = 30.0
    overdue: float = 30.0
    poll: float = 0.05
    check: float = 5.0
    answer: float = 5.0
    stop: float = 15.0


_USUAL_PACE = Pace()


def pause_before_restart(faults: int, jitter: float, pace: Pace = _USUAL_PACE) -> float:
    """Return seconds to wait after the given number of faults in a row (1 and more); `jitter` in 0..1 spreads them."""
    doublings = min(faults - 1, 20)  # 2.0 ** 1024 would overflow
    return min(pace.first_pause * 2.0**doublings, pace.longest_pause) * (0.5 + jitter / 2)


class Supervisor:
    """Runs one program for as long as `run` runs.

    A program that ends is started again; one that merely does not answer is reported and left alone, since a
    restart would cost it what it holds in memory.

    Attributes:
        state: what the program is doing.
        restarts: how often it was started again.
    """

    def __init__(
        self, program: Program, *, pace: Pace = _USUAL_PACE, jitter: Callable[[], float] = random.random
    ) -> None:
        self.state = State.STOPPED
        self.restarts = 0
        self._program = program
        self._pace = pace
        self._jitter = jitter
        self._process: Process | None = None
        self._changed = asyncio.Event()
        self._entered = 0.0
        self._was_ready = False
        self._faults = 0
        self._last_fault = ""
        self._reload_wanted = False

    @property
    def pid(self) -> int | None:
        """The process id of the program; None while it is not running."""
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Keep the program running until cancelled, then stop it; returns when nothing of it is left."""
        try:
            while True:
                self._note_fault(await self._live())
                self._enter(State.BACKING_OFF)
                await asyncio.sleep(pause_before_restart(self._faults, self._jitter(), self._pace))
                self.restarts += 1
        finally:
            self._enter(State.STOPPED)

    async def ready(self) -> None:
        """Wait until the program serves; returns at once when it does.

        Raises:
            LocalServerFailed: it failed three times in a row and never served; quotes its log.
        """
        while self.state is not State.RUNNING:
            if self._faults >= _FAILED_STARTS and not self._was_ready:
                raise LocalServerFailed(self._last_fault)
            await self._changed.wait()

    def reload(self) -> None:
        """Have the program read its files again (SIGHUP): now, or once it serves if it does not yet.

        Only for programs that know the signal; others end from it.
        """
        self._reload_wanted = True
        if self.state is State.RUNNING:
            self._send_reload()

    async def _live(self) -> str:
        """Start the program and stay with it to its end; returns what ended it, for a person to read."""
        self._enter(State.STARTING)
        log_start = size(self._program.log_file)
        try:
            process = await start(self._program, self._pace.stop)
        except (LocalServerFailed, OSError) as error:
            return str(error)
        self._process = process
        try:
            await self._watch(process)
        finally:
            await stop(process, self._pace.stop)
            self._process = None
        return self._obituary(process.returncode, log_start)

    async def _watch(self, process: Process) -> None:
        """Follow the program's health until it ends."""
        async with asyncio.TaskGroup() as group:
            name = self._program.name
            beside = [group.create_task(self._follow_health(), name=f"health of {name}")]
            if self._program.save_every_s:
                beside.append(group.create_task(self._keep_saving(process), name=f"saving of {name}"))
            await process.wait()
            for task in beside:
                task.cancel()

    async def _follow_health(self) -> None:
        while True:
            self._note_answer(answers=await self._answers())
            with contextlib.suppress(OSError):  # a full disk is reported by those who keep data on it
                trim(self._program.log_file)
            await asyncio.sleep(self._pace.check if self.state is State.RUNNING else self._pace.poll)

    async def _keep_saving(self, process: Process) -> None:
        while True:
            await asyncio.sleep(self._program.save_every_s)
            if self.state is State.RUNNING:  # before that it may not know the signal yet
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    process.send_signal(signal.SIGUSR1)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._pace.answer):
                return await self._program.ready()
        except TimeoutError:
            return False

    def _note_answer(self, *, answers: bool) -> None:
        name, spent = self._program.name, asyncio.get_running_loop().time() - self._entered
        match self.state, answers:
            case State.STARTING, True:
                self._enter(State.RUNNING)
            case State.STARTING, False if spent > self._pace.overdue:
                self._enter(State.NOT_ANSWERING)
                _log.warning("%s has not become ready in %.0f s. See %s", name, spent, self._program.log_file)
            case State.RUNNING, False:
                self._enter(State.NOT_ANSWERING)
                _log.warning("%s does not answer. See %s", name, self._program.log_file)
            case State.NOT_ANSWERING, True:
                self._enter(State.RUNNING)
                _log.info("%s answers again after %.0f s", name, spent)
            case State.RUNNING, True if self._faults and spent > self._pace.settled:
                self._faults = 0
                _log.info("%s is well again", name)

    def _note_fault(self, fault: str) -> None:
        self._faults += 1
        self._last_fault = fault
        if self._faults == 1:
            _log.warning("%s is being started again: %s", self._program.name, fault)

    def _obituary(self, returncode: int | None, log_start: int) -> str:
        name, log_file = self._program.name, self._program.log_file
        said = last_words(log_file, log_start) or "(nothing)"
        return f"{name} {_ending(returncode)}. The last it wrote to {log_file}:\n{said}"

    def _enter(self, state: State) -> None:
        self.state = state
        self._entered = asyncio.get_running_loop().time()
        if state is State.RUNNING:
            self._was_ready = True
            if self._reload_wanted:
                self._send_reload()
        self._changed.set()
        self._changed = asyncio.Event()

    def _send_reload(self) -> None:
        self._reload_wanted = False
        with contextlib.suppress(ProcessLookupError):  # it has just ended; it reads its files at the next start
            if self._process:
                self._process.send_signal(signal.SIGHUP)


def _ending(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"
