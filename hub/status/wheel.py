"""Deadlines of many devices: one visit each, and a second costs only the visits that are due in it."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import Final

SECOND: Final = 1_000_000_000
_NEVER: Final = -1


class Wheel:
    """Holds at most one visit for each index; planning another one replaces it."""

    def __init__(self) -> None:
        self._slots: defaultdict[int, list[int]] = defaultdict(list)
        self._planned = array("q")
        self._done = 0

    def plan(self, index: int, at_ns: int) -> None:
        """Plan the visit of `index`: within the second after `at_ns`, never before it."""
        planned = self._planned
        if index >= len(planned):
            planned.extend([_NEVER] * (index + 1 - len(planned)))
        second = max(-(-at_ns // SECOND), self._done + 1)
        planned[index] = second
        self._slots[second].append(index)

    def cancel(self, index: int) -> None:
        """Forget the visit of `index`, if there is one."""
        if index < len(self._planned):
            self._planned[index] = _NEVER

    def due(self, now_ns: int) -> list[int]:
        """Return the indices whose time has come, once each."""
        planned, came = self._planned, []
        for second in self._past(now_ns // SECOND):
            for index in self._slots.pop(second):
                if planned[index] == second:
                    planned[index] = _NEVER
                    came.append(index)
        return came

    def _past(self, now: int) -> list[int]:
        """Usually one second; after a leap of the clock all that are over, in their order."""
        first, self._done = self._done + 1, max(now, self._done)
        if now - first < len(self._slots):
            return [second for second in range(first, now + 1) if second in self._slots]
        return sorted(second for second in self._slots if second <= now)
