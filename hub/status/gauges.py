"""Which of a profile's vital signs say what a device carries: counters and rates of bytes, and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hub.profiles.carried import COUNTERS, LOSS, LOST, RATES
from hub.status.counters import SECOND, Reading, Width

if TYPE_CHECKING:
    from hub.profiles.schema import Profile

BEFORE_VITALS: Final = 2
"""A sample is (time_ns, received_ns, *vitals)."""
MISSED: Final = 1.5
"""So many intervals without a word are a gap: at least one poll was missed."""
HELD: Final = 3
"""A rate is taken to have held for at most so many intervals."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Where in a sample these stand.

    Attributes:
        counters: direction (rx: towards the device, tx: from it) -> place of the counter.
        rates: direction -> place of the rate.
        lost: places of the counters of lost packets.
        loss: place of the share of lost packets in percent.
        width: bits of the counters; None: they are not known to wrap.
        gap_ns: a longer time between two samples is a gap.
        held_ns: how long a rate holds at most.
    """

    counters: dict[str, int]
    rates: dict[str, int]
    lost: tuple[int, ...]
    loss: int | None
    uptime: int | None
    boot: int | None
    width: Width | None
    gap_ns: int
    held_ns: int

    @property
    def counts(self) -> bool:
        """Whether it measures by counters alone."""
        return self.rates.keys() <= self.counters.keys()

    def reading(self, sample: tuple[Any, ...], value: int) -> Reading:
        """Return a value of a sample with what the sample says of the device's boot."""
        uptime = None if self.uptime is None else sample[self.uptime]
        boot = None if self.boot is None else sample[self.boot]
        return Reading(sample[0], sample[1], value, uptime, boot)


def gauge_of(profile: Profile) -> Gauge | None:
    """Return where a profile's samples say what was carried; None when they do not."""
    places = _places(profile)
    counters = {direction: places[name] for name, direction in COUNTERS.items() if name in places}
    rates = {direction: places[name] for name, direction in RATES.items() if name in places}
    if not counters and not rates:
        return None
    interval_ns = round(profile.interval_s * SECOND)
    return Gauge(
        counters=counters,
        rates=rates,
        lost=tuple(places[name] for name in LOST if name in places),
        loss=places.get(LOSS),
        uptime=places.get("uptime_s"),
        boot=places.get("boot"),
        width=profile.counter_bits,
        gap_ns=round(MISSED * interval_ns),
        held_ns=HELD * interval_ns,
    )


def _places(profile: Profile) -> dict[str, int]:
    """Reading -> its place in a sample; of two of a name, the first."""
    named = [(vital.partition(".")[2], place) for place, vital in enumerate(profile.vitals, BEFORE_VITALS)]
    return dict(reversed(named))
