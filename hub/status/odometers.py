"""The newest counters of all devices, in columns: an ordinary sample costs a microsecond, and leaves no object behind.

Ordinary is what goes on from the sample before: later, without a gap between them, in the same hour, of the same boot,
no counter lower. What it adds is a difference. Everything else is for the device's meter to judge, which then stays
until its newest counters can be laid here again.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.status.counters import SECOND
from hub.status.tracks import DAY_NS

if TYPE_CHECKING:
    from hub.decode.watch import Vitals
    from hub.status.gauges import Gauge

ABSENT: Final = 2**63 - 1
"""Stands for what a device does not say; a value that is not below it is left to the meter."""
ELSEWHERE: Final = -1


class Mark(NamedTuple):
    """What a device's counters showed at one time; None: it has no such counter, or does not say."""

    time_ns: int
    rx: int | None
    tx: int | None
    uptime_s: int | None
    boot: int | None


class Rise(NamedTuple):
    """What was counted in a stretch of time, in bytes; None: there is no such counter."""

    since_ns: int
    until_ns: int
    rx: int | None
    tx: int | None


class Odometers:
    """Indexed by `Watch.index`; a device whose counters are not here has the time 0."""

    def __init__(self) -> None:
        self._time = array("q")
        self._hour_end = array("q")
        self._since = array("q")
        self._rx, self._rx_then = array("q"), array("q")
        self._tx, self._tx_then = array("q"), array("q")
        self._uptime = array("q")
        self._boot = array("q")
        self._sides = {"rx": self._rx, "tx": self._tx}

    def lay(self, index: int, mark: Mark, hour_end_ns: int) -> None:
        """Put the newest counters of a device here; what they add from now on may reach to the end of their hour."""
        self._time[index] = self._since[index] = mark.time_ns
        self._hour_end[index] = hour_end_ns
        self._rx[index] = self._rx_then[index] = _known(mark.rx)
        self._tx[index] = self._tx_then[index] = _known(mark.tx)
        self._uptime[index] = _known(mark.uptime_s)
        self._boot[index] = _known(mark.boot)

    def lift(self, index: int) -> None:
        """Have them elsewhere; what they added must have been taken."""
        self._time[index] = self._since[index] = 0

    def mark(self, index: int) -> Mark:
        """Return the newest counters of a device that has them here."""
        columns = self._rx, self._tx, self._uptime, self._boot
        return Mark(self._time[index], *[None if (value := column[index]) == ABSENT else value for column in columns])

    def advance(self, index: int, sample: Vitals, gauge: Gauge) -> int:
        """Take in a sample that goes on from the one before.

        Returns:
            The bytes that it adds; ELSEWHERE: it does not go on, or the device's counters are not here.
        """
        time_ns, before = sample[0], self._time[index]
        if not before < time_ns <= before + gauge.gap_ns or time_ns > self._hour_end[index]:
            return ELSEWHERE
        if time_ns <= sample[1] - DAY_NS:
            return ELSEWHERE
        if not self._same_boot(index, sample, gauge, time_ns - before):
            return ELSEWHERE
        added, sides = 0, self._sides
        for side, place in gauge.counters.items():
            value, known = sample[place], sides[side][index]
            if value is not None and known <= value < ABSENT:
                added += value - known
            elif value is not None or known != ABSENT:
                return ELSEWHERE
        for side, place in gauge.counters.items():
            sides[side][index] = _known(sample[place])
        self._time[index] = time_ns
        if gauge.uptime is not None:
            self._uptime[index] = _known(sample[gauge.uptime])
        return added

    def _same_boot(self, index: int, sample: Vitals, gauge: Gauge, elapsed_ns: int) -> bool:
        """Whether a device is sure not to have started anew, or says nothing by which that could be known."""
        if gauge.boot is not None and _known(sample[gauge.boot]) != self._boot[index]:
            return False
        if gauge.uptime is None:
            return True
        uptime, before = sample[gauge.uptime], self._uptime[index]
        if uptime is None or before == ABSENT:
            return uptime is None and before == ABSENT
        return bool(before <= uptime < ABSENT and uptime * SECOND > elapsed_ns)

    def has_risen(self, index: int) -> bool:
        """Whether there is something to take."""
        return self._time[index] > self._since[index]

    def take(self, index: int) -> Rise:
        """Return what was added since this was last called; all of it lies within one hour."""
        rise = Rise(
            self._since[index],
            self._time[index],
            None if self._rx[index] == ABSENT else self._rx[index] - self._rx_then[index],
            None if self._tx[index] == ABSENT else self._tx[index] - self._tx_then[index],
        )
        self._since[index] = self._time[index]
        self._rx_then[index], self._tx_then[index] = self._rx[index], self._tx[index]
        return rise

    def reserve(self, index: int) -> None:
        """Have room for a device, before anything else is asked of it."""
        missing = index + 1 - len(self._time)
        if missing > 0:
            for column in (self._time, self._hour_end, self._since, self._rx, self._rx_then, self._tx, self._tx_then,
                           self._uptime, self._boot):  # fmt: skip
                column.extend([0] * missing)


def _known(value: int | None) -> int:
    return ABSENT if value is None else value
