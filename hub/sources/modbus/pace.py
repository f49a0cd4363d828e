"""The time that polling goes by: injected, so that a test can let an hour pass in a moment."""

from __future__ import annotations

import asyncio
from time import time_ns
from typing import Final, NamedTuple, Protocol

LONGEST_SLEEP_S: Final = 3600.0


class Moment(NamedTuple):
    """Now, by both clocks of a pace."""

    elapsed: float
    utc_ns: int


class Pace(Protocol):
    """A clock to stamp with, another that never steps to plan with, and a way to sleep."""

    def now_ns(self) -> int:
        """Return nanoseconds UTC."""

    def elapsed(self) -> float:
        """Return seconds since some moment, always rising."""

    async def until(self, when: float, awake: asyncio.Event) -> None:
        """Return when `elapsed` has reached `when`, or sooner when `awake` is set; leaves it cleared."""


class RealPace:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        """See `Pace.now_ns`."""
        return time_ns()

    def elapsed(self) -> float:
        """See `Pace.elapsed`."""
        return asyncio.get_running_loop().time()

    async def until(self, when: float, awake: asyncio.Event) -> None:
        """See `Pace.until`."""
        loop = asyncio.get_running_loop()
        alarm = loop.call_at(min(when, loop.time() + LONGEST_SLEEP_S), awake.set)
        try:
            await awake.wait()
        finally:
            alarm.cancel()
        awake.clear()
