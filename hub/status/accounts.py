"""One account a device: how it is measured, under whose name its bytes are booked, what came since its last line."""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import TYPE_CHECKING, Final

from hub.decode.line import tag_set
from hub.status.bookings import Series
from hub.status.meters import Meter
from hub.status.uplinks import Carried, bps

if TYPE_CHECKING:
    from hub.decode.watch import Vitals
    from hub.directory import Entry
    from hub.profiles.schema import Profile
    from hub.status.meters import Flow, Method
    from hub.status.uplinks import Link

_OF_ONE_DEVICE: Final = {"device", "profile"}


@dataclass(slots=True)
class Tally:
    """Bytes since the last line, and the times in which they flowed."""

    rx: int = 0
    tx: int = 0
    local: int = 0
    estimated: int = 0
    rx_ns: int = 0
    tx_ns: int = 0
    lost: int = 0
    loss: float = 0.0

    def add(self, flow: Flow, *, local: bool) -> None:
        """Count a flow; what is withdrawn also takes its time back."""
        span = flow.span
        length = span.end_ns - span.start_ns
        time_ns = -length if span.withdrawn else length
        if local:
            self.local += span.amount
        elif flow.direction == "rx":
            self.rx += span.amount
            self.rx_ns += time_ns
        else:
            self.tx += span.amount
            self.tx_ns += time_ns
        self.estimated += span.amount if span.estimate else 0

    @property
    def carried(self) -> Carried:
        """What a router's link carried."""
        return Carried(self.rx, self.rx_ns, self.tx, self.tx_ns, self.lost, self.loss)

    def fields(self) -> str:
        """Return the fields of a `bandwidth` line."""
        return (
            f"rx_bytes={max(self.rx, 0)}i,tx_bytes={max(self.tx, 0)}i,"
            f"rx_bps={bps(self.rx, self.rx_ns)!r},tx_bps={bps(self.tx, self.tx_ns)!r},"
            f"local_bytes={max(self.local, 0)}i,estimated_bytes={max(self.estimated, 0)}i"
        )


@dataclass(slots=True)
class Account:
    """What is known of one device.

    Attributes:
        entry: what the registry says of it, as it was when the account was opened ...
        version: ... and the version of the uplinks.
        method: how it is measured.
        link: the uplink that it is the router of, or hangs on.
        router: whether it is the router.
        local: whether its bytes stay at the site, with a recorder.
        meter: judges its counters; None while these are with the odometers, as they nearly always are.
        saved: the meter as it was booked last; what the odometers have may be newer.
        tally: what came since its last line, the odometers' not included; None: nothing.
        crosses: the uplink that its bytes cross; None: none does, or it is that uplink itself.
    """

    entry: Entry
    version: int
    method: Method
    link: Link | None
    router: bool
    meter: Meter | None = None
    saved: str = ""
    tally: Tally | None = None
    local: bool = field(init=False)
    crosses: Link | None = field(init=False)
    _series: Series | None = None

    def __post_init__(self) -> None:
        self.local = self.entry.local_recording and not self.router
        self.crosses = None if self.router or self.local else self.link

    def series(self, profile: Profile) -> Series:
        """Return the series under which its bytes are booked: its own, or its uplink's when it is that one's router."""
        if self.router and self.link is not None:
            return self.link.series
        if self._series is None:
            self._series = _series(self.entry, profile, self.link)
        return self._series

    def awake(self) -> Meter:
        """Return its meter, made anew of the snapshot when there is none."""
        return self.meter or Meter.restored(self.method, self.saved)

    def rest(self) -> None:
        """Have no meter while the newest counters are with the odometers; nothing else then takes room either."""
        self.meter = self._series = None

    def count(self, flow: Flow) -> None:
        """Add a flow to the tally."""
        self.tally = self.tally or Tally()
        self.tally.add(flow, local=self.local)

    def watch_losses(self, meter: Meter, sample: Vitals) -> None:
        """Add a router's lost packets to the tally."""
        self.tally = self.tally or Tally()
        self.tally.lost += meter.lost(sample)
        self.tally.loss = max(self.tally.loss, meter.loss(sample))


def _series(entry: Entry, profile: Profile, link: Link | None) -> Series:
    """Return the series of a device's own bytes."""
    uplink = "" if link is None else link.uplink.id
    tags = [*device_tags(entry, profile), ("uplink", uplink)]
    group = [(name, value) for name, value in tags if name not in _OF_ONE_DEVICE]
    return Series("bandwidth", tag_set(tags), intern(tag_set(group)), uplink, entry.agency or "")


def device_tags(entry: Entry, profile: Profile) -> list[tuple[str, str]]:
    """Return the tags of the lines that the hub writes about a device."""
    return [
        ("agency", entry.agency or ""),
        ("device", entry.device),
        ("kind", profile.kind),
        ("profile", entry.profile),
        ("site", entry.site or ""),
        ("zone", "+".join(sorted(entry.zones))),
    ]
