"""One account a device: how it is measured, under whose name its bytes are booked, what came since its last line."""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING, Final

from hub.decode.line import tag_set
from hub.status.bookings import Series
from hub.status.uplinks import Carried, bps

if TYPE_CHECKING:
    from hub.directory import Entry
    from hub.profiles.schema import Profile
    from hub.status.meters import Flow, Meter
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
        series: under which its bytes are booked: its own, or its uplink's when it is that uplink's router.
        link: the uplink that it is the router of, or hangs on.
        router: whether it is the router.
        tags: of its `bandwidth` line.
    """

    entry: Entry
    version: int
    meter: Meter
    series: Series
    link: Link | None
    router: bool
    tags: str
    tally: Tally


def device_series(entry: Entry, profile: Profile, link: Link | None) -> Series:
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
