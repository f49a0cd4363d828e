"""When a group of readings is due. Pure: the time is given."""

from __future__ import annotations

from hashlib import blake2b
from math import floor
from typing import Final

SOON_S: Final = 2.0
"""The first poll comes within this time, whatever the interval: whoever adds a device wants to see it answer."""


class Turns:
    """Due times on a fixed grid, so that nothing drifts; a turn that is over when its time comes is skipped.

    Args:
        every_s: seconds between two turns.
        share: of the interval, 0 ... 1, by which the grid is shifted: it keeps devices from being due all at once.
        now: from when on.
    """

    def __init__(self, every_s: float, share: float, now: float) -> None:
        self.every_s = every_s
        self._shift = share * every_s
        self._turn = self._current(now)
        self._first: float | None = now + share * min(every_s, SOON_S)

    @property
    def due(self) -> float:
        """When the turn that is not over yet begins."""
        return self._shift + self._turn * self.every_s if self._first is None else self._first

    def skip(self, now: float) -> int:
        """Pass over the turns whose successor is due as well; return how many they were."""
        missed = max(floor((now - self.due) / self.every_s), 0)
        if missed:
            before, self._first = self._first, None
            self._turn = self._current(now) if before is not None else self._turn + missed
        return missed

    def finish(self, now: float) -> None:
        """End the turn; after the very first the grid begins, but not at once."""
        if self._first is None:
            self._turn += 1
        else:
            self._first, self._turn = None, self._current(now + self.every_s / 2) + 1

    def _current(self, now: float) -> int:
        return floor((now - self._shift) / self.every_s)


def share_of(device: str) -> float:
    """Return a number from 0 up to 1, evenly spread, that is the same for a device wherever and whenever."""
    return int.from_bytes(blake2b(device.encode(), digest_size=4).digest(), "big") / 2**32
