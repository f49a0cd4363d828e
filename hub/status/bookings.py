"""What goes from the loop's tables into the ledger: amounts by series and hour, and the state they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Series(NamedTuple):
    """Whose bytes they are; a device that changes its site begins another series.

    Attributes:
        measurement: `bandwidth` of devices, `uplink` of uplinks.
        tags: line protocol's tag set of the series itself.
        group: that of the group in which hours are kept: the tags without those of the single device.
        uplink: over which it goes; empty: over none.
        agency: who is charged; empty: nobody.
    """

    measurement: str
    tags: str
    group: str
    uplink: str
    agency: str


@dataclass(slots=True)
class Sums:
    """Bytes: received, sent, kept at the site (a local recorder's), and how many of these are only estimated."""

    rx: int = 0
    tx: int = 0
    local: int = 0
    estimated: int = 0
    peak_bps: float = 0.0

    def add(self, other: Sums) -> None:
        """Add what came later."""
        self.rx += other.rx
        self.tx += other.tx
        self.local += other.local
        self.estimated += other.estimated
        self.peak_bps = max(self.peak_bps, other.peak_bps)


@dataclass(slots=True)
class Bookings:
    """What has not been written down yet.

    Attributes:
        sums: (series, beginning of the hour) -> what came to it.
        meters: device -> its meter as it is after these sums, as text: the position that they cover.
        states: (part, device) -> other state that must survive, as text.
    """

    sums: dict[tuple[Series, int], Sums] = field(default_factory=dict)
    meters: dict[str, str] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)

    def at(self, series: Series, hour_ns: int) -> Sums:
        """Return the sums of a series and an hour, to be added to."""
        sums = self.sums.get((series, hour_ns))
        if sums is None:
            sums = self.sums[series, hour_ns] = Sums()
        return sums

    def merge(self, later: Bookings) -> None:
        """Take in what came later."""
        for key, sums in later.sums.items():
            self.at(*key).add(sums)
        self.meters.update(later.meters)
        self.states.update(later.states)
