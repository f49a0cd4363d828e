"""The hub's own health: whether it can hear its devices at all, and what is wrong with it. Pure: times are given.

It is deaf to what comes over the broker while the link is down, while what the broker kept meanwhile comes in, and
while its spool takes nothing; and to everything for the moment when it was away or its clock was set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hub.status.base import Alarms, Cause, Severity, Trouble
from hub.status.presence import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLE_NS: Final = 3 * SECOND
"""After the link is made: what the broker kept begins to arrive within that time."""
LONGEST_BACKLOG_NS: Final = 600 * SECOND
ABSENT_NS: Final = 10 * SECOND
"""A tick that comes so late means that the machine slept, or that the hub was stuck."""
STEP_NS: Final = 5 * SECOND
REMEMBERED_NS: Final = 600 * SECOND
"""What happens in a moment stays an incident for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What the hub's rooms say of themselves.

    Attributes:
        linked: whether the link to the broker stands; `link` says why not.
        messages: received in all.
        expected_per_s: messages a second, if every device keeps its promise.
        database: why nothing can be written; empty when it can.
        spool_full: why the spool takes nothing; empty when it does.
        spool_percent: how full it is.
        registry: why it cannot be read; empty when it can.
        others: part -> what is wrong with it.
        dropped: messages that the broker dropped since it started; None: it does not say.
    """

    linked: bool
    link: str = ""
    messages: int = 0
    expected_per_s: float = 0.0
    database: str = ""
    spool_full: str = ""
    spool_percent: float = 0.0
    registry: str = ""
    others: Mapping[str, str]
    dropped: int | None = None


class Hearing:
    """Tells whether the hub hears what comes over the broker; asked once a second."""

    def __init__(self) -> None:
        self._since_ns = 0
        self._messages = 0
        self._most = 0

    def judge(self, vitals: Vitals, now_ns: int) -> bool:
        """Return whether what arrives now is news."""
        arrived, self._messages = vitals.messages - self._messages, vitals.messages
        if not vitals.linked or vitals.spool_full:
            self._since_ns = self._most = 0
            return False
        if self._since_ns == 0:
            self._since_ns = now_ns
        self._most = max(self._most, arrived)
        since_ns = now_ns - self._since_ns
        return since_ns >= SETTLE_NS and (since_ns > LONGEST_BACKLOG_NS or not self._is_backlog(vitals, arrived))

    def _is_backlog(self, vitals: Vitals, arrived: int) -> bool:
        """Far more than the devices say by themselves, and no less than at the beginning."""
        return self._most > 0 and arrived > 3 * vitals.expected_per_s + 200 and arrived > self._most / 2


class Wellness:
    """Turns what is wrong with the hub into incidents.

    Args:
        alarms: where they go.
        settle_ns: how long something must be wrong.
    """

    def __init__(self, alarms: Alarms, settle_ns: int) -> None:
        self._alarms = alarms
        self._settle_ns = settle_ns
        self._since: dict[str, int] = {}
        self._raised: set[str] = set()
        self._moments: dict[str, tuple[int, str]] = {}
        self._dropped: int | None = None
        self._restored: dict[str, int] = {}

    def restore(self, parts: set[str], now_ns: int) -> None:
        """Take up what was wrong when the hub last ran: it is over unless it is found again."""
        self._restored = dict.fromkeys(parts, now_ns)
        self._raised |= parts

    def happened(self, part: str, text: str, now_ns: int) -> None:
        """Something went wrong in a moment."""
        self._moments[part] = now_ns, text

    def tick(self, vitals: Vitals, now_ns: int) -> dict[str, str]:
        """Raise and clear; return what is wrong, by part."""
        self._watch_drops(vitals, now_ns)
        ill = _illnesses(vitals)
        self._moments = {part: one for part, one in self._moments.items() if now_ns - one[0] < REMEMBERED_NS}
        moments = {part: text for part, (_, text) in self._moments.items()}
        for part, text in (ill | moments).items():
            if now_ns - self._since.setdefault(part, now_ns) >= (0 if part in moments else self._settle_ns):
                self._restored.pop(part, None)
                self._raised.add(part)
                trouble = Trouble(Cause.HUB_UNWELL, f"hub/{part}", text, Severity.CRITICAL)
                self._alarms.raised(trouble, now_ns)
        for part in [part for part in self._raised | self._since.keys() if part not in ill | moments]:
            self._recover(part, now_ns)
        return ill | moments

    def _recover(self, part: str, now_ns: int) -> None:
        """What was wrong when the hub last ran is given the time that it would take to be found again."""
        self._since.pop(part, None)
        if part in self._raised and now_ns - self._restored.get(part, 0) > self._settle_ns:
            self._raised.discard(part)
            self._restored.pop(part, None)
            self._alarms.cleared(Cause.HUB_UNWELL, f"hub/{part}", now_ns)

    def _watch_drops(self, vitals: Vitals, now_ns: int) -> None:
        """The broker counts from its own start: a smaller number is a new beginning."""
        before, self._dropped = self._dropped, vitals.dropped
        if before is not None and vitals.dropped is not None and vitals.dropped > before:
            lost = vitals.dropped - before
            self.happened("broker-drops", f"the broker dropped {lost} messages: its queue for somebody is full", now_ns)


def _illnesses(vitals: Vitals) -> dict[str, str]:
    found = {
        "broker": "" if vitals.linked else f"not connected to the broker: {vitals.link}",
        "influxdb": vitals.database and f"cannot write to the database: {vitals.database}",
        "spool": vitals.spool_full,
        "registry": vitals.registry and f"cannot read the registry: {vitals.registry}",
    }
    if not vitals.spool_full and vitals.spool_percent >= 50:  # noqa: PLR2004 - half full is worth a look
        found["spool"] = "the spool is filling: more than half of its bound is in use"
    return {part: text for part, text in (found | dict(vitals.others)).items() if text}


class Clocks:
    """Compares the wall clock with one that only goes forward, to tell when the hub was away or its clock was set."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def judge(self, now_ns: int, steady_ns: int) -> str:
        """Return what happened to time since the last call, in words; nothing when it went on as it should."""
        last, self._last = self._last, (now_ns, steady_ns)
        if last is None:
            return ""
        passed, wall = steady_ns - last[1], now_ns - last[0]
        if abs(wall - passed) > STEP_NS:
            return f"the clock of the hub was set by {(wall - passed) / SECOND:+.0f} s"
        if passed > ABSENT_NS:
            return f"the hub was stuck, or its machine asleep, for {passed / SECOND:.0f} s"
        return ""
