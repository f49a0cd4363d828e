"""What is remembered of one counter, so that its readings may come late, twice, or in any order. Pure.

A track holds the newest reading, and the readings on both sides of each recent gap: when a late one falls into a gap,
the amount of the whole gap is withdrawn and those of its two parts take its place. A gap counts as such when it is
longer than a device's interval promises; between readings that are closer, a late one would change nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hub.status.counters import SECOND, Reading, Width, counted, estimated

DAY_NS: Final = 86_400 * SECOND
"""How late a reading may come; an older one is bridged by the next."""
MOST_KNOTS: Final = 16
"""Readings kept around gaps; of the oldest gaps the whole amount stands as it is."""


class Span(NamedTuple):
    """An amount of bytes and the time in which it flowed, in nanoseconds; what is withdrawn is negative."""

    start_ns: int
    end_ns: int
    amount: int
    estimate: bool
    withdrawn: bool = False


Measure = Callable[[Reading, Reading], Span]
"""What flowed between two readings, the earlier one first."""


def measure_counter(width: Width | None) -> Measure:
    """Return how a counter of this width is read; None: it is not known to wrap."""

    def measure(before: Reading, after: Reading) -> Span:
        return Span(before.time_ns, after.time_ns, counted(before, after, width)[0], estimate=False)

    return measure


def measure_rate(most_ns: int) -> Measure:
    """Return how a rate is read, which stands for its own interval but for no more than `most_ns`."""

    def measure(before: Reading, after: Reading) -> Span:
        start_ns, amount = estimated(before, after, most_ns)
        return Span(start_ns, after.time_ns, amount, estimate=True)

    return measure


class Knot(NamedTuple):
    """A reading, and whether the time before it may still be split by a late one."""

    reading: Reading
    open: bool


class Track:
    """The readings of one counter of one device that can still matter.

    Args:
        gap_ns: a longer time between two readings is a gap.
    """

    __slots__ = ("_gap_ns", "_knots")

    def __init__(self, gap_ns: int) -> None:
        self._gap_ns = gap_ns
        self._knots: list[Knot] = []

    def __bool__(self) -> bool:
        """Whether it has a reading."""
        return bool(self._knots)

    @property
    def newest(self) -> Reading:
        """The newest reading of a track that has one."""
        return self._knots[-1].reading

    def take(self, reading: Reading, measure: Measure) -> list[Span]:
        """Take a reading in and return what it adds and withdraws; nothing for one that is known, or a day late."""
        knots, time_ns = self._knots, reading.time_ns
        if time_ns <= reading.received_ns - DAY_NS:
            return []
        if knots and 0 < time_ns - knots[-1].reading.time_ns <= self._gap_ns:
            return self._follow(reading, measure)
        at = len(knots)
        if knots and time_ns <= knots[-1].reading.time_ns:
            at = bisect_left(knots, time_ns, key=lambda knot: knot.reading.time_ns)
            if knots[at].reading.time_ns == time_ns or not knots[at].open:
                return []
        before = knots[at - 1].reading if at else None
        after = knots[at].reading if at < len(knots) else None
        self._insert(at, reading, before, after)
        return _changes(before, reading, after, measure)

    def advance(self, reading: Reading) -> None:
        """Take in the end of a stretch of readings without a gap whose bytes are counted already."""
        knots = self._knots
        kept = knots if knots[-1].open else knots[:-1]
        self._knots = [*kept, Knot(reading, open=False)]
        if kept and kept[0].reading.time_ns <= reading.received_ns - DAY_NS:
            self._knots = _needed(self._knots, reading.received_ns - DAY_NS)

    def snapshot(self) -> list[Knot]:
        """Return the state as it is now, which nobody changes afterwards."""
        return self._knots

    @classmethod
    def restored(cls, gap_ns: int, saved: list[list[Any]]) -> Track:
        """Return the track whose snapshot `plain` wrote down."""
        track = cls(gap_ns)
        track._knots = [Knot(Reading(*values), is_open) for *values, is_open in saved]
        return track

    def _follow(self, reading: Reading, measure: Measure) -> list[Span]:
        """Take in what nearly all readings are: the next one, in time."""
        before = self.newest
        self.advance(reading)
        return [_recent(measure(before, reading), reading)]

    def _insert(self, at: int, reading: Reading, before: Reading | None, after: Reading | None) -> None:
        knots = [*self._knots]
        knots.insert(at, Knot(reading, self._is_gap(before, reading)))
        if after is not None:
            knots[at + 1] = Knot(after, self._is_gap(reading, after))
        self._knots = _needed(knots, reading.received_ns - DAY_NS)

    def _is_gap(self, before: Reading | None, after: Reading) -> bool:
        return before is None or after.time_ns - before.time_ns > self._gap_ns


def plain(knots: list[Knot]) -> list[list[Any]]:
    """Return a snapshot as JSON can say it."""
    return [[*knot.reading, knot.open] for knot in knots]


def _needed(knots: list[Knot], horizon_ns: int) -> list[Knot]:
    """Close what is too old or too much, and drop the readings that no open gap needs; the newest one stays."""
    last, excess = len(knots) - 1, len(knots) - MOST_KNOTS
    opens = [knot.open and knot.reading.time_ns > horizon_ns and index >= excess for index, knot in enumerate(knots)]
    return [
        Knot(knot.reading, opens[index])
        for index, knot in enumerate(knots)
        if index == last or opens[index] or opens[index + 1]
    ]


def _changes(before: Reading | None, new: Reading, after: Reading | None, measure: Measure) -> list[Span]:
    """What lies between the three: the whole goes, its parts come."""
    spans: list[Span] = []
    if before is not None and after is not None:
        whole = _recent(measure(before, after), after)
        spans.append(whole._replace(amount=-whole.amount, withdrawn=True))
    if before is not None:
        spans.append(_recent(measure(before, new), new))
    if after is not None:
        spans.append(_recent(measure(new, after), after))
    return spans


def _recent(span: Span, after: Reading) -> Span:
    """What has flowed for more than a day when it is first heard of counts as of the last day."""
    horizon_ns = after.received_ns - DAY_NS
    return span if span.start_ns >= horizon_ns else span._replace(start_ns=horizon_ns)
