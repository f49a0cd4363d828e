"""What each device and each link carries: from samples to bookings for the ledger, and the minute's lines. Pure.

A device's line is due once a minute, in the second of the minute that its index gives, so that a hundred thousand of
them are no burst; a link's at the full minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from hub.decode.line import tag_set
from hub.status.accounts import Account, Tally, device_series, device_tags
from hub.status.bookings import Bookings
from hub.status.gauges import gauge_of
from hub.status.meters import Meter, Method
from hub.status.uplinks import SILENT_NS, Uplinks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.decode.watch import Watch
    from hub.directory import Entry
    from hub.profiles.schema import Profile
    from hub.status.base import Alarms
    from hub.status.meters import Flow
    from hub.status.periods import Periods
    from hub.status.uplinks import Link

SECOND: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND


class Places(Protocol):
    """What must be known of devices; the directory has it."""

    @property
    def entries(self) -> Mapping[str, Entry]: ...  # noqa: D102

    def profile_of(self, device: str) -> Profile | None: ...  # noqa: D102


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
        self._accounts: dict[str, Account] = {}
        self._methods: dict[str, tuple[Profile, Method | None]] = {}
        self._bookings = Bookings()
        self._due: list[set[str]] = [set() for _ in range(60)]
        self._attributed: dict[str, int] = {}
        self._second = 0
        self._said: list[str] = []

    def observe(self, watch: Watch, samples: Sequence[tuple[Any, ...]], now_ns: int) -> None:
        """See `Part.observe`."""
        account = self._account(watch.device)
        if account is None:
            return
        for sample in samples if account.router else self._thinned(account, samples):
            for flow in account.meter.take(sample):
                self._book(account, flow)
                self._due[watch.index % 60].add(watch.device)
            if account.router:
                self._watch_losses(account, sample)
        self._bookings.meters[watch.device] = account.meter.snapshot()
        if account.router and account.link is not None:
            account.link.heard_ns = now_ns

    def _thinned(self, account: Account, samples: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        start = self._periods.start
        within = len(samples) > 1 and start("hour", samples[0][0]) == start("hour", samples[-1][0] - 1)
        return account.meter.thinned(samples) if within else samples

    def tick(self, now_ns: int) -> str:
        """See `Part.tick`."""
        second = now_ns // SECOND
        first = max(self._second + 1, second - 59) if self._second else second
        self._second = second
        lines, self._said = self._said, []
        for due in range(first, second + 1):
            lines += self._device_lines(due % 60, now_ns)
            if due % 60 == 0:
                lines += self._uplink_lines(now_ns)
        return "".join(lines)

    def say(self, lines: str) -> None:
        """Write these with the next tick."""
        self._said.append(lines)

    @property
    def pending(self) -> int:
        """How many sums wait to be written down."""
        return len(self._bookings.sums)

    def take_bookings(self) -> Bookings:
        """Return what has come since this was last called."""
        bookings, self._bookings = self._bookings, Bookings()
        return bookings

    def prune(self) -> None:
        """Let go of devices that are no longer registered."""
        for device in self._accounts.keys() - self._places.entries.keys():
            del self._accounts[device]

    def _account(self, device: str) -> Account | None:
        entry = self._places.entries.get(device)
        account = self._accounts.get(device)
        if account is not None and account.entry is entry and self._still_true(account):
            return account
        profile = self._places.profile_of(device)
        method = None if profile is None else self._method(profile, "" if entry is None else entry.profile)
        if entry is None or profile is None or method is None:
            self._accounts.pop(device, None)
            return None
        fresh = self._opened(entry, profile, method, account)
        self._accounts[device] = fresh
        return fresh

    def _still_true(self, account: Account) -> bool:
        """Whether an account fits the uplinks as they are now; most changes concern few devices."""
        if account.version != self.uplinks.version and self._link(account.entry) == (account.link, account.router):
            account.version = self.uplinks.version
        return account.version == self.uplinks.version

    def _link(self, entry: Entry) -> tuple[Link | None, bool]:
        """Return the uplink of a device, and whether it is its router."""
        own = self.uplinks.by_router.get(entry.device)
        return (self.uplinks.of(entry), False) if own is None else (own, True)

    def _opened(self, entry: Entry, profile: Profile, method: Method, known: Account | None) -> Account:
        """Open an account; a device that only moved keeps its meter and what has been tallied."""
        link, router = self._link(entry)
        series = link.series if router and link is not None else device_series(entry, profile, link)
        same = known is not None and known.entry.profile == entry.profile
        return Account(
            entry, self.uplinks.version,
            known.meter if same and known is not None else self._meter(entry.device, method),
            series, link, router,
            tag_set(device_tags(entry, profile)),
            known.tally if same and known is not None else Tally(),
        )  # fmt: skip

    def _meter(self, device: str, method: Method) -> Meter:
        saved = self._saved.pop(device, None)
        return Meter(method) if saved is None else Meter.restored(method, orjson.loads(saved))

    def _method(self, profile: Profile, name: str) -> Method | None:
        known = self._methods.get(name)
        if known is None or known[0] is not profile:
            gauge = gauge_of(profile)
            known = self._methods[name] = (profile, None if gauge is None else Method.of(gauge))
        return known[1]

    def _book(self, account: Account, flow: Flow) -> None:
        span = flow.span
        local = account.entry.local_recording and not account.router
        account.tally.add(flow, local=local)
        if not local and not account.router and account.link is not None:
            uplink = account.link.uplink.id
            self._attributed[uplink] = self._attributed.get(uplink, 0) + span.amount
        for hour, part in self._periods.split(span.start_ns, span.end_ns, span.amount):
            sums = self._bookings.at(account.series, hour)
            if local:
                sums.local += part
            elif flow.direction == "rx":
                sums.rx += part
            else:
                sums.tx += part
            if span.estimate:
                sums.estimated += part

    @staticmethod
    def _watch_losses(account: Account, sample: tuple[Any, ...]) -> None:
        account.tally.lost += account.meter.lost(sample)
        account.tally.loss = max(account.tally.loss, account.meter.loss(sample))

    def _device_lines(self, bucket: int, now_ns: int) -> list[str]:
        due, self._due[bucket] = self._due[bucket], set()
        lines = []
        for device in sorted(due):
            account = self._accounts.get(device)
            if account is not None and not account.router:  # a router's link has a line of its own
                lines.append(f"bandwidth{account.tags} {account.tally.fields()} {now_ns}\n")
                account.tally = Tally()
        return lines

    def _uplink_lines(self, now_ns: int) -> list[str]:
        return [line for link in self.uplinks.links.values() if (line := self._uplink_line(link, now_ns))]

    def _uplink_line(self, link: Link, now_ns: int) -> str:
        """Nothing while a router that is polled seldom has nothing new to say."""
        router = self._accounts.get(link.uplink.router or "")
        measured = router is not None and max(router.tally.rx_ns, router.tally.tx_ns) > 0
        if router is not None and measured:
            carried = router.tally.carried
            router.tally = Tally()
            link.judge(carried, now_ns)
            if self.alarms is not None:
                link.alarm(self.alarms, now_ns)
            hour = self._periods.start("hour", now_ns - 1)
            peak = max(carried.rx_bps, carried.tx_bps)
            sums = self._bookings.at(link.series, hour)
            sums.peak_bps = max(sums.peak_bps, peak)
            return link.line(carried, self._attributed.pop(link.uplink.id, 0), now_ns)
        if now_ns - link.heard_ns < max(SILENT_NS, self._patience_ns(router)):
            return ""
        link.miss(now_ns)
        return link.line(None, self._attributed.pop(link.uplink.id, 0), now_ns)

    def _patience_ns(self, router: Account | None) -> int:
        return 0 if router is None else 2 * router.meter.gap_ns
