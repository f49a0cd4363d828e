"""What each device and each link carries: from samples to bookings for the ledger, and the minute's lines. Pure.

A device's turn comes once a minute, in the second of the minute that its index gives, so that a hundred thousand of
them are no burst; where there are so many, every five minutes. Then what its counters rose by is booked, and its line
is due. A link's line is due at the full minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hub.decode.line import tag_set
from hub.status.accounts import Account, device_tags
from hub.status.bookings import Bookings
from hub.status.gauges import gauge_of
from hub.status.meters import Flow, Method
from hub.status.odometers import ELSEWHERE, Odometers
from hub.status.tracks import Span
from hub.status.uplinks import SILENT_NS, Uplinks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.decode.watch import Vitals, Watch
    from hub.directory import Entry
    from hub.profiles.schema import Profile
    from hub.status.base import Alarms
    from hub.status.meters import Meter
    from hub.status.periods import Periods
    from hub.status.uplinks import Link

SECOND: Final = 1_000_000_000
TURN_S: Final = 60
LONG_TURN_S: Final = 300
MANY: Final = 20_000
"""Devices; of more of them, a line and a booking a minute would cost more than to take in what they send."""


class Places(Protocol):
    """What must be known of devices; the directory has it."""

    @property
    def entries(self) -> Mapping[str, Entry]: ...  # noqa: D102
    @property
    def profiles(self) -> Mapping[str, Profile]: ...  # noqa: D102


class Bandwidth:
    """Implements `hub.status.base.Part`.

    Args:
        places: where devices belong.
        periods: the city's hours.
        saved: device -> its meter's state as the ledger has it.
        alarms: who is told of links that are unwell.
    """

    def __init__(
        self, places: Places, periods: Periods, saved: Mapping[str, str], alarms: Alarms | None = None
    ) -> None:
        self.uplinks = Uplinks()
        self.alarms = alarms
        self._places = places
        self._periods = periods
        self._saved = dict(saved)
        self._odometers = Odometers()
        self._accounts: list[Account | None] = []
        self._routers: dict[str, Account] = {}
        gauges = {name: gauge_of(profile) for name, profile in places.profiles.items()}
        self._methods = {name: Method.of(gauge) for name, gauge in gauges.items() if gauge is not None}
        self._bookings = Bookings()
        self._second = 0
        self._said: list[str] = []

    def wants(self, profile: str) -> bool:
        """See `Part.wants`: those that tell of bytes."""
        return profile in self._methods

    def observe(self, entry: Entry, watch: Watch, samples: Sequence[Vitals], now_ns: int) -> None:
        """See `Part.observe`."""
        index = watch.index
        account = self._accounts[index] if index < len(self._accounts) else None
        if account is None or account.entry is not entry or account.version != self.uplinks.version:
            account = self._reopened(index, entry, account)
        gauge = account.method.gauge
        for sample in samples:
            added = ELSEWHERE if account.meter is not None else self._odometers.advance(index, sample, gauge)
            if added == ELSEWHERE:
                self._judge(account, index, sample)
            elif account.crosses is not None:
                account.crosses.attributed += added
        if account.router and account.link is not None:
            account.link.heard_ns = now_ns

    def _judge(self, account: Account, index: int, sample: Vitals) -> None:
        """Take in what does not simply go on; when all is plain again, its counters go to the odometers."""
        meter = self._meter(account, index)
        for flow in meter.take(sample):
            self._book(account, flow)
            if account.crosses is not None:
                account.crosses.attributed += flow.span.amount
        if account.router:
            account.watch_losses(meter, sample)
        self._book_state(account, meter)
        mark = None if account.router else meter.mark()
        if mark is None:
            account.meter = meter
            self._odometers.lift(index)
        else:
            account.rest()
            self._odometers.lay(index, mark, self._periods.end_of_hour(mark.time_ns))

    def _meter(self, account: Account, index: int) -> Meter:
        """Return the device's meter with its newest counters, and book what they rose by."""
        meter = account.awake()
        if self._odometers.has_risen(index):
            meter.advance(self._odometers.mark(index))
            rise = self._odometers.take(index)
            for direction, amount in (("rx", rise.rx), ("tx", rise.tx)):
                if amount is not None:
                    self._book(account, Flow(direction, Span(rise.since_ns, rise.until_ns, amount, estimate=False)))
        return meter

    def settle(self) -> None:
        """Book what every device has counted until now, before an orderly end."""
        for index, account in enumerate(self._accounts):
            if account is not None:
                self._settle(account, index)

    def _settle(self, account: Account, index: int) -> None:
        """Book what has risen, and the state that goes with it."""
        if self._odometers.has_risen(index):
            self._book_state(account, self._meter(account, index))

    def _book_state(self, account: Account, meter: Meter) -> None:
        account.saved = self._bookings.meters[account.entry.device] = meter.saved()

    def tick(self, now_ns: int) -> str:
        """See `Part.tick`."""
        second = now_ns // SECOND
        first = max(self._second + 1, second - self._turn_s + 1) if self._second else second
        self._second = second
        lines, self._said = self._said, []
        for due in range(first, second + 1):
            lines += self._device_lines(due, now_ns)
            if due % 60 == 0:
                lines += self._uplink_lines(now_ns)
        return "".join(lines)

    @property
    def _turn_s(self) -> int:
        """How long it takes until every device had its turn."""
        return TURN_S if len(self._accounts) <= MANY else LONG_TURN_S

    def say(self, lines: str) -> None:
        """Write these with the next tick."""
        self._said.append(lines)

    @property
    def pending(self) -> int:
        """How many sums and states wait to be written down."""
        return max(len(self._bookings.sums), len(self._bookings.meters))

    def take_bookings(self) -> Bookings:
        """Return what has come since this was last called."""
        bookings, self._bookings = self._bookings, Bookings()
        return bookings

    def prune(self) -> None:
        """Let go of devices that are no longer registered."""
        for index, account in enumerate(self._accounts):
            if account is not None and account.entry.device not in self._places.entries:
                self._closed(account, index)

    def _closed(self, account: Account, index: int) -> Meter:
        """Close an account, and return its meter."""
        self._settle(account, index)
        self._odometers.lift(index)
        self._accounts[index] = None
        self._routers.pop(account.entry.device, None)
        return account.awake()

    def _link(self, entry: Entry) -> tuple[Link | None, bool]:
        """Return the uplink of a device, and whether it is its router."""
        own = self.uplinks.by_router.get(entry.device)
        return (self.uplinks.of(entry), False) if own is None else (own, True)

    def _reopened(self, index: int, entry: Entry, known: Account | None) -> Account:
        """Open an account, unless all that has changed are others' uplinks.

        A device that only moved keeps its meter and what has been tallied.
        """
        link, router = self._link(entry)
        if known is not None and known.entry is entry and known.link is link and known.router == router:
            known.version = self.uplinks.version
            return known
        meter = None if known is None else self._closed(known, index)
        fresh = Account(entry, self.uplinks.version, self._methods[entry.profile], link, router)
        if known is None or known.entry.device != entry.device:
            fresh.saved = self._saved.pop(entry.device, "")
        elif known.entry.profile == entry.profile:
            fresh.meter, fresh.tally = meter, known.tally
        self._accounts += [None] * (index + 1 - len(self._accounts))
        self._accounts[index] = fresh
        self._odometers.reserve(index)
        if fresh.router:
            self._routers[entry.device] = fresh
        return fresh

    def _book(self, account: Account, flow: Flow) -> None:
        span = flow.span
        account.count(flow)
        series = account.series(self._places.profiles[account.entry.profile])
        for hour, part in self._periods.split(span.start_ns, span.end_ns, span.amount):
            sums = self._bookings.at(series, hour)
            if account.local:
                sums.local += part
            elif flow.direction == "rx":
                sums.rx += part
            else:
                sums.tx += part
            if span.estimate:
                sums.estimated += part

    def _device_lines(self, second: int, now_ns: int) -> Iterator[str]:
        turn_s = self._turn_s
        for index in range(second % turn_s, len(self._accounts), turn_s):
            account = self._accounts[index]
            if account is None or account.router:  # a router's link has a line of its own
                continue
            self._settle(account, index)
            tally, account.tally = account.tally, None
            if tally is not None:
                tags = tag_set(device_tags(account.entry, self._places.profiles[account.entry.profile]))
                yield f"bandwidth{tags} {tally.fields()} {now_ns}\n"

    def _uplink_lines(self, now_ns: int) -> list[str]:
        return [line for link in self.uplinks.links.values() if (line := self._uplink_line(link, now_ns))]

    def _uplink_line(self, link: Link, now_ns: int) -> str:
        """Nothing while a router that is polled seldom has nothing new to say."""
        router = self._routers.get(link.uplink.router or "")
        if router is not None and router.tally is not None and max(router.tally.rx_ns, router.tally.tx_ns) > 0:
            carried, router.tally = router.tally.carried, None
            link.judge(carried, now_ns)
            if self.alarms is not None:
                link.alarm(self.alarms, now_ns)
            hour = self._periods.start("hour", now_ns - 1)
            peak = max(carried.rx_bps, carried.tx_bps)
            sums = self._bookings.at(link.series, hour)
            sums.peak_bps = max(sums.peak_bps, peak)
            return link.line(carried, link.take_attributed(), now_ns)
        if now_ns - link.heard_ns < max(SILENT_NS, self._patience_ns(router)):
            return ""
        link.miss(now_ns)
        return link.line(None, link.take_attributed(), now_ns)

    def _patience_ns(self, router: Account | None) -> int:
        return 0 if router is None else 2 * router.method.gauge.gap_ns
