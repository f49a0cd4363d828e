"""What one device carries, from its samples: a track for each counter and rate that it has. Pure.

A counter wins over a rate: a device that has ever shown its counter is not measured by its rate again.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import le, lt
from typing import TYPE_CHECKING, Any, NamedTuple

from hub.status.counters import was_rebooted
from hub.status.tracks import Measure, Span, Track, measure_counter, measure_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.status.gauges import Gauge
    from hub.status.tracks import Knot

Saved = dict[str, list[list[Any]]]
"""What `Meter.restored` makes a meter of: the name of a track -> its readings."""


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

    def take(self, sample: tuple[Any, ...]) -> list[Flow]:
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

    def thinned(self, samples: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Return samples that add up to the same: of a stretch in which counters only rose, its two ends.

        A device may send many between two looks at it, and each costs some ten microseconds to book. The stretch must
        lie within one hour, which the caller sees to.
        """
        first, last = samples[0], samples[-1]
        gauge = self._method.gauge
        if len(samples) <= len((first, last)) or not gauge.rates.keys() <= gauge.counters.keys():
            return samples
        if not 0 < last[0] - first[0] <= gauge.gap_ns or was_rebooted(gauge.reading(first, 0), gauge.reading(last, 0)):
            return samples
        rising = [0, *gauge.counters.values(), *(place for place in (gauge.uptime, gauge.boot) if place is not None)]
        return (first, last) if all(_rises(samples, place) for place in rising) else samples

    def lost(self, sample: tuple[Any, ...]) -> int:
        """Return how many packets the device threw away since the sample before, as far as it counts them."""
        gauge = self._method.gauge
        values = [sample[place] for place in gauge.lost if sample[place] is not None]
        if len(values) < len(gauge.lost) or not values:
            return 0
        spans = self._track("lost").take(gauge.reading(sample, sum(values)), self._method.packets)
        return sum(span.amount for span in spans)

    def loss(self, sample: tuple[Any, ...]) -> float:
        """Return the share of packets in percent that the device says are lost; 0 when it says nothing."""
        place = self._method.gauge.loss
        return 0.0 if place is None else float(sample[place] or 0)

    @property
    def gap_ns(self) -> int:
        """A longer time between two samples is a gap."""
        return self._method.gauge.gap_ns

    def snapshot(self) -> dict[str, list[Knot]]:
        """Return the state as it is now; cheap, and nobody changes it afterwards."""
        return {name: track.snapshot() for name, track in self._tracks.items()}

    @classmethod
    def restored(cls, method: Method, saved: Saved) -> Meter:
        """Return the meter whose snapshot was written down."""
        meter = cls(method)
        meter._tracks = {name: Track.restored(method.gauge.gap_ns, knots) for name, knots in saved.items()}
        return meter

    def _track(self, name: str) -> Track:
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = Track(self._method.gauge.gap_ns)
        return track


def _rises(samples: Sequence[tuple[Any, ...]], place: int) -> bool:
    """Whether what stands at a place never falls; a time must rise, or two samples would be one."""
    column = [sample[place] for sample in samples]
    if None in column:
        return False
    return all(map(lt if place == 0 else le, column, column[1:]))
