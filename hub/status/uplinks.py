"""The links of the city: which devices hang on which, what each carries, and which are unwell. Pure.

Which uplink a device hangs on: that of its gateway, when its gateway is an uplink's router; else that of its site. Of
several uplinks of one site it is the one with the largest capacity, and of equals the first by name: the others stand
by, and what they carry is shown as unattributed.

=============  ===============================================================================================
state          for five minutes without a break
=============  ===============================================================================================
dropping       the router throws away a packet a second, or says that 2 % are lost
saturated      the busier direction uses 90 % of its capacity
asymmetric     one direction carries more than 1 % of its capacity, and 10,000 times what the other does
unknown        (at once, when three of its intervals and three minutes pass) nobody has heard of the router
ok             none of these
=============  ===============================================================================================

The first that applies is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from hub.decode.line import tag_set
from hub.status.base import Cause, Trouble
from hub.status.bookings import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.directory import Entry
    from hub.status.base import Alarms
    from provisioning.records import Uplink

SECOND: Final = 1_000_000_000
LASTING_NS: Final = 300 * SECOND
SATURATED_PERCENT: Final = 90.0
BUSY_PERCENT: Final = 1.0
LOPSIDED: Final = 10_000
LOST_PER_S: Final = 1.0
LOST_PERCENT: Final = 2.0
SILENT_NS: Final = 180 * SECOND

State = Literal["ok", "saturated", "asymmetric", "dropping", "unknown"]
_IN_ORDER: Final[tuple[State, ...]] = ("dropping", "saturated", "asymmetric")


_TROUBLES: Final[dict[State, tuple[Cause, str]]] = {
    "dropping": (Cause.UPLINK_DROPPING, "loses packets"),
    "saturated": (Cause.UPLINK_SATURATED, f"is over {SATURATED_PERCENT:.0f} % full"),
    "asymmetric": (Cause.UPLINK_ASYMMETRIC, "carries one direction only"),
}


class Carried(NamedTuple):
    """What a router counted since the last line.

    Attributes:
        rx: bytes towards the site ...
        rx_ns: ... and the time in which they came.
        tx: bytes from the site ...
        tx_ns: ... and the time in which they went.
        lost: packets that it threw away.
        loss: per cent of packets lost, as it says itself.
    """

    rx: int
    rx_ns: int
    tx: int
    tx_ns: int
    lost: int = 0
    loss: float = 0.0

    @property
    def rx_bps(self) -> float:
        """Bits a second towards the site."""
        return bps(self.rx, self.rx_ns)

    @property
    def tx_bps(self) -> float:
        """Bits a second from the site."""
        return bps(self.tx, self.tx_ns)


def bps(amount: int, time_ns: int) -> float:
    """Return bytes in a time as bits a second."""
    return max(amount, 0) * 8 * SECOND / time_ns if time_ns > 0 else 0.0


@dataclass(slots=True)
class Link:
    """An uplink and how it is.

    Attributes:
        series: under which its bytes are booked.
        state: as in the table above.
        since_ns: since when; 0: since the hub started.
        used_percent: of the busier direction's capacity, lately.
        heard_ns: when its router was last heard; 0: not since the hub started.
        rates: bits a second towards the site and from it, lately; None while nobody knows.
        attributed: bytes since its last line that the devices behind it account for.
    """

    uplink: Uplink
    series: Series
    state: State = "unknown"
    since_ns: int = 0
    used_percent: float = 0.0
    heard_ns: int = 0
    rates: tuple[float, float] | None = None
    attributed: int = 0
    _began: dict[State, int] = field(default_factory=dict)

    def judge(self, carried: Carried, now_ns: int) -> None:
        """Conclude from what its router counted until now."""
        self.heard_ns = now_ns
        self.used_percent = max(self._used(carried))
        self.rates = carried.rx_bps, carried.tx_bps
        measured_ns = max(carried.rx_ns, carried.tx_ns)
        signs = self._signs(carried, measured_ns)
        for state in _IN_ORDER:
            if state in signs:
                self._began.setdefault(state, now_ns - measured_ns)
            else:
                self._began.pop(state, None)
        lasting = (state for state in _IN_ORDER if now_ns - self._began.get(state, now_ns) >= LASTING_NS)
        self._become(next(lasting, "ok"), now_ns)

    def miss(self, now_ns: int) -> None:
        """Conclude that nobody knows, once its router has been silent for too long."""
        self._began.clear()
        self.used_percent = 0.0
        self.rates = None
        self._become("unknown", now_ns)

    def take_attributed(self) -> int:
        """Return what devices account for since this was last called."""
        attributed, self.attributed = self.attributed, 0
        return attributed

    def alarm(self, alarms: Alarms, now_ns: int) -> None:
        """Tell what is wrong, and what no longer is; what has begun and not lasted yet is neither."""
        name, site = self.uplink.id, self.uplink.site
        for state, (cause, words) in _TROUBLES.items():
            subject = f"uplink/{name}"
            if state == self.state:
                text = f"uplink {name} of {site} {words}"
                trouble = Trouble(cause, subject, text, site=site, agency=self.series.agency, since_ns=self.since_ns)
                alarms.raised(trouble, now_ns)
            elif state not in self._began:
                alarms.cleared(cause, subject, now_ns)

    def line(self, carried: Carried | None, attributed: int, now_ns: int) -> str:
        """Return the `uplink` line; without `carried` nobody knows what flowed, and only the devices' word is there."""
        up = self.uplink.capacity_up_bps or self.uplink.capacity_bps
        fields = [f"capacity_bps={self.uplink.capacity_bps}i,capacity_up_bps={up}i,attributed_bytes={attributed}i"]
        if carried is not None:
            rx, tx = max(carried.rx, 0), max(carried.tx, 0)
            fields += [
                f"rx_bytes={rx}i,tx_bytes={tx}i,rx_bps={carried.rx_bps!r},tx_bps={carried.tx_bps!r}",
                f"used_percent={self.used_percent!r},unattributed_bytes={rx + tx - attributed}i",
            ]
        return f'uplink{self.series.tags} {",".join(fields)},state="{self.state}" {now_ns}\n'

    def _become(self, state: State, now_ns: int) -> None:
        if state != self.state:
            self.state, self.since_ns = state, now_ns

    def _used(self, carried: Carried) -> tuple[float, float]:
        down = self.uplink.capacity_bps
        up = self.uplink.capacity_up_bps or down
        return 100 * carried.rx_bps / down, 100 * carried.tx_bps / up

    def _signs(self, carried: Carried, measured_ns: int) -> set[State]:
        used, rates = self._used(carried), (carried.rx_bps, carried.tx_bps)
        signs: set[State] = set()
        if max(used) >= SATURATED_PERCENT:
            signs.add("saturated")
        if min(carried.rx_ns, carried.tx_ns) > 0 and max(used) > BUSY_PERCENT and max(rates) > LOPSIDED * min(rates):
            signs.add("asymmetric")
        if carried.loss >= LOST_PERCENT or carried.lost * SECOND >= LOST_PER_S * max(measured_ns, SECOND):
            signs.add("dropping")
        return signs


class Uplinks:
    """All links. `version` changes with them."""

    def __init__(self) -> None:
        self.version = 0
        self.links: dict[str, Link] = {}
        self.by_router: dict[str, Link] = {}
        self._by_site: dict[str, Link] = {}

    def update(self, uplinks: Iterable[Uplink], agencies: Mapping[str, str | None]) -> None:
        """Take in the links as they are now; `agencies`: site -> whose it is. What is known of a link stays."""
        fresh = {uplink.id: self._link(uplink, agencies.get(uplink.site)) for uplink in uplinks}
        if fresh == self.links and self.version:
            return
        self.version += 1
        self.links = fresh
        self.by_router = {link.uplink.router: link for link in fresh.values() if link.uplink.router is not None}
        self._by_site = {}
        for link in sorted(fresh.values(), key=lambda link: (-link.uplink.capacity_bps, link.uplink.id)):
            self._by_site.setdefault(link.uplink.site, link)

    def rates(self) -> tuple[float, float] | None:
        """Return bits a second over all links, towards the sites and from them; None while nobody knows any."""
        known = [link.rates for link in self.links.values() if link.rates is not None]
        return (sum(rx for rx, _ in known), sum(tx for _, tx in known)) if known else None

    def of(self, entry: Entry) -> Link | None:
        """Return the link that a device hangs on; None when it hangs on none, as a vehicle does."""
        by_gateway = self.by_router.get(entry.parent or "")
        return by_gateway or self._by_site.get(entry.site or "")

    def _link(self, uplink: Uplink, agency: str | None) -> Link:
        known = self.links.get(uplink.id)
        tags = tag_set([("agency", agency or ""), ("site", uplink.site), ("uplink", uplink.id)])
        series = Series("uplink", tags, tags, uplink.id, agency or "")
        if known is not None and known.uplink == uplink and known.series == series:
            return known
        return Link(uplink, series)
