"""What one device carries, from its samples: a track for each counter and rate that it has. Pure.

A counter wins over a rate: a device that has ever shown its counter is not measured by its rate again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from hub.status.counters import Reading
from hub.status.odometers import ABSENT, Mark
from hub.status.tracks import Measure, Span, Track, measure_counter, measure_rate, plain

if TYPE_CHECKING:
    from hub.decode.watch import Vitals
    from hub.status.gauges import Gauge

_SIDES: Final = {"rx", "tx"}


class Flow(NamedTuple):
    """Bytes in one direction: rx towards the device, tx from it."""

    direction: str
    span: Span


@dataclass(frozen=True, slots=True)
class Method:
    """How the devices of a profile are measured."""

    gauge: Gauge
    count: Measure
    rate: Measure
    packets: Measure

    @classmethod
    def of(cls, gauge: Gauge) -> Method:
        """Return the method for a gauge."""
        return cls(gauge, measure_counter(gauge.width), measure_rate(gauge.held_ns), measure_counter(None))


class Meter:
    """The tracks of one device."""

    __slots__ = ("_method", "_tracks")

    def __init__(self, method: Method) -> None:
        self._method = method
        self._tracks: dict[str, Track] = {}

    def take(self, sample: Vitals) -> list[Flow]:
        """Take a sample in and return what it adds and withdraws."""
        gauge = self._method.gauge
        flows: list[Flow] = []
        for direction, place in gauge.counters.items():
            if sample[place] is not None:
                track = self._track(direction)
                spans = track.take(gauge.reading(sample, sample[place]), self._method.count)
                flows += [Flow(direction, span) for span in spans]
        for direction, place in gauge.rates.items():
            if sample[place] is not None and direction not in self._tracks:
                track = self._track(f"{direction}_rate")
                spans = track.take(gauge.reading(sample, round(sample[place])), self._method.rate)
                flows += [Flow(direction, span) for span in spans]
        return flows

    def mark(self) -> Mark | None:
        """Return the newest counters; None when they are not of one time, or there is more to it than counters."""
        sides = self._tracks.keys() & _SIDES
        others = {name.removesuffix("_rate") for name in self._tracks.keys() - sides}
        if not self._method.gauge.counts or not sides or not others <= sides:
            return None  # a rate is not looked at any more where there is a counter
        if not all(self._tracks[side] for side in sides):
            return None
        newest = {side: self._tracks[side].newest for side in sides}
        if len({(one.time_ns, one.uptime_s, one.boot) for one in newest.values()}) > 1:
            return None
        one, rx, tx = next(iter(newest.values())), newest.get("rx"), newest.get("tx")
        mark = Mark(one.time_ns, rx and rx.value, tx and tx.value, one.uptime_s, one.boot)
        return mark if all((value or 0) < ABSENT for value in mark) else None

    def advance(self, mark: Mark) -> None:
        """Take in newest counters that went on from those that it has, and whose bytes are counted already."""
        for side, value in (("rx", mark.rx), ("tx", mark.tx)):
            if value is not None:
                self._tracks[side].advance(Reading(mark.time_ns, mark.time_ns, value, mark.uptime_s, mark.boot))

    def lost(self, sample: Vitals) -> int:
        """Return how many packets the device threw away since the sample before, as far as it counts them."""
        gauge = self._method.gauge
        values = [sample[place] for place in gauge.lost if sample[place] is not None]
        if len(values) < len(gauge.lost) or not values:
            return 0
        spans = self._track("lost").take(gauge.reading(sample, sum(values)), self._method.packets)
        return sum(span.amount for span in spans)

    def loss(self, sample: Vitals) -> float:
        """Return the share of packets in percent that the device says are lost; 0 when it says nothing."""
        place = self._method.gauge.loss
        return 0.0 if place is None else float(sample[place] or 0)

    def saved(self) -> str:
        """Return the state as it is now, as text."""
        return orjson.dumps({name: plain(track.snapshot()) for name, track in self._tracks.items()}).decode()

    @classmethod
    def restored(cls, method: Method, saved: str) -> Meter:
        """Return the meter whose state was saved; empty: it is new."""
        meter = cls(method)
        for name, knots in orjson.loads(saved or "{}").items():
            meter._tracks[name] = Track.restored(method.gauge.gap_ns, knots)
        return meter

    def _track(self, name: str) -> Track:
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = Track(self._method.gauge.gap_ns)
        return track
