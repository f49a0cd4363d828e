"""Recognises what is lost and found again and again, so that it is told once."""

from __future__ import annotations

from collections import deque
from typing import Final

_KEPT: Final = 100


class Flapping:
    """Counts how often each device was lost or found. Pure: the clock is given.

    Args:
        times: so many within `window_ns` is flapping, until nothing happened for `window_ns`.
    """

    def __init__(self, times: int, window_ns: int) -> None:
        self._times = min(times, _KEPT)
        self._window_ns = window_ns
        self._moments: dict[int, deque[int]] = {}
        self._flapping: dict[int, int] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._flapping

    def resume(self, index: int, now_ns: int) -> None:
        """It was flapping when the hub last ran."""
        self._flapping[index] = now_ns

    def note(self, index: int, now_ns: int) -> bool:
        """A device was lost or found; return whether it is flapping from now on."""
        if index in self._flapping:
            self._flapping[index] = now_ns
            return False
        moments = self._moments.setdefault(index, deque(maxlen=self._times))
        moments.append(now_ns)
        if len(moments) < self._times or now_ns - moments[0] > self._window_ns:
            return False
        del self._moments[index]
        self._flapping[index] = now_ns
        return True

    def steady(self, now_ns: int) -> list[int]:
        """Return who has stopped flapping, and forget what was long ago."""
        old = [index for index, moments in self._moments.items() if now_ns - moments[-1] > self._window_ns]
        for index in old:
            del self._moments[index]
        ended = [index for index, last in self._flapping.items() if now_ns - last > self._window_ns]
        for index in ended:
            del self._flapping[index]
        return ended

    def forget(self, index: int) -> None:
        """A device is followed no longer."""
        self._moments.pop(index, None)
        self._flapping.pop(index, None)
