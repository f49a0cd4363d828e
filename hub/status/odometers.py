"""The newest counters of all devices, in columns: an ordinary sample costs a microsecond, and leaves no object behind.

Ordinary is what goes on from the sample before: later, without a gap between them, in the same hour, of the same boot,
no counter lower. What it adds is a difference. Everything else is for the device's meter to judge, which then stays
until its newest counters can be laid here again.
"""

from __future__ import annotations

from array import array
from operator import le, lt
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.status.counters import SECOND, was_rebooted
from hub.status.tracks import DAY_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self._grow(index)
        self._time[index] = self._since[index] = mark.time_ns
        self._hour_end[index] = hour_end_ns
        self._rx[index] = self._rx_then[index] = _known(mark.rx)
        self._tx[index] = self._tx_then[index] = _known(mark.tx)
        self._uptime[index] = _known(mark.uptime_s)
        self._boot[index] = _known(mark.boot)

    def lift(self, index: int) -> None:
        """Have them elsewhere; what they added must have been taken."""
        self._grow(index)
        self._time[index] = self._since[index] = 0

    def mark(self, index: int) -> Mark | None:
        """Return the newest counters of a device; None when they are not here."""
        if index >= len(self._time) or not self._time[index]:
            return None
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
        return index < len(self._time) and self._time[index] > self._since[index]

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

    def _grow(self, index: int) -> None:
        missing = index + 1 - len(self._time)
        if missing > 0:
            for column in (self._time, self._hour_end, self._since, self._rx, self._rx_then, self._tx, self._tx_then,
                           self._uptime, self._boot):  # fmt: skip
                column.extend([0] * missing)


def _known(value: int | None) -> int:
    return ABSENT if value is None else value


def thinned(samples: Sequence[Vitals], gauge: Gauge) -> Sequence[Vitals]:
    """Return samples that add up to the same: of a stretch in which counters only rose, its two ends.

    A device may send many between two looks at it. The stretch must lie within one hour, which the caller sees to.
    """
    first, last = samples[0], samples[-1]
    if len(samples) <= len((first, last)) or not gauge.counts:
        return samples
    if not 0 < last[0] - first[0] <= gauge.gap_ns or was_rebooted(gauge.reading(first, 0), gauge.reading(last, 0)):
        return samples
    rising = [0, *gauge.counters.values(), *(place for place in (gauge.uptime, gauge.boot) if place is not None)]
    return (first, last) if all(_rises(samples, place) for place in rising) else samples


def _rises(samples: Sequence[Vitals], place: int) -> bool:
    """Whether what stands at a place never falls, or is nowhere; a time must rise, or two samples would be one."""
    column = [sample[place] for sample in samples]
    if None in column:
        return not any(value is not None for value in column)
    return all(map(lt if place == 0 else le, column, column[1:]))
