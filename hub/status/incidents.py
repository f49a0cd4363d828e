"""Incidents: raised, acknowledged, closed. One trouble is one incident, however often it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hub.status.base import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.status.base import Cause, Trouble

Key = tuple["Cause", str]
"""Cause and subject: what tells one trouble from another."""
Series = tuple[Severity, str, str]
"""Severity, site and agency: tags of an incident's lines that may change while it is open."""


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Event(StrEnum):
    """What can happen to an incident.

    RAISED: its trouble is told, again or for the first time.
    WORSENED: its trouble is more severe than it was.
    ACKNOWLEDGED: somebody has taken it on.
    CLEARED: its trouble is over.
    """

    RAISED = "raised"
    WORSENED = "worsened"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


TABLE: Final[dict[tuple[State, Event], State]] = {
    (State.OPEN, Event.RAISED): State.OPEN,
    (State.OPEN, Event.WORSENED): State.OPEN,
    (State.OPEN, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.OPEN, Event.CLEARED): State.CLOSED,
    (State.ACKNOWLEDGED, Event.RAISED): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Event.WORSENED): State.OPEN,
    (State.ACKNOWLEDGED, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Event.CLEARED): State.CLOSED,
    (State.CLOSED, Event.RAISED): State.OPEN,
    (State.CLOSED, Event.WORSENED): State.OPEN,
    (State.CLOSED, Event.ACKNOWLEDGED): State.CLOSED,
    (State.CLOSED, Event.CLEARED): State.CLOSED,
}

_RANK: Final = list(Severity)


@dataclass(slots=True)
class Incident:
    """An incident; times in nanoseconds UTC, 0: not yet.

    Attributes:
        raised_ns: when it was last raised, or became worse: an acknowledgement from before it holds no more.
        times: how often it was raised: one that returns soon after it closed is the same one.
        devices: ids of all that were concerned, in the order of their coming.
        of: out of so many, where that says something; otherwise 0.
        since_ns: when the trouble began, as far as is known.
        left: what its lines may have been told as before, and are no more.
    """

    id: int
    cause: Cause
    subject: str
    severity: Severity
    text: str
    site: str
    agency: str
    opened_ns: int
    raised_ns: int
    closed_ns: int = 0
    acknowledged_ns: int = 0
    acknowledged_by: str = ""
    times: int = 1
    devices: dict[str, None] = field(default_factory=dict)
    of: int = 0
    since_ns: int = 0
    left: frozenset[Series] = frozenset()

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.closed_ns:
            return State.CLOSED
        return State.ACKNOWLEDGED if self.acknowledged_ns > self.raised_ns else State.OPEN

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.cause, self.subject

    @property
    def series(self) -> Series:
        """What its lines are told as."""
        return self.severity, self.site, self.agency


class IncidentBook:
    """Implements `hub.status.base.Alarms`. Pure: the clock is given, and what changed is asked for.

    Args:
        again_ns: a trouble that returns so soon after it was over opens the same incident again.
    """

    def __init__(self, again_ns: int) -> None:
        self._again_ns = again_ns
        self._next = 1
        self._known: dict[Key, Incident] = {}
        self._changed: dict[int, Incident] = {}

    def restore(self, incidents: Iterable[Incident], next_id: int) -> None:
        """Take up what was open, or closed only lately, when the hub last ran."""
        for incident in incidents:
            # The hub may have been killed when its new severity was kept, and the end of the old one not yet told.
            others = {(severity, incident.site, incident.agency) for severity in Severity}
            incident.left = frozenset(others - {incident.series})
            self._known[incident.key] = incident
        self._next = next_id

    def open(self) -> list[Incident]:
        """Return the incidents that are not closed, the oldest first."""
        return sorted((one for one in self._known.values() if not one.closed_ns), key=lambda one: one.id)

    def open_and_recent(self) -> list[Incident]:
        """Return the incidents that are not closed, and of each trouble the last that was; the oldest first."""
        return sorted(self._known.values(), key=lambda one: one.id)

    def find(self, cause: Cause, subject: str) -> Incident | None:
        """Return the open incident of a trouble, if there is one."""
        found = self._known.get((cause, subject))
        return None if found is None or found.closed_ns else found

    def raised(self, trouble: Trouble, now_ns: int) -> None:
        """See `Alarms.raised`."""
        known = self._known.get((trouble.cause, trouble.subject))
        if known is None or (known.closed_ns and now_ns - known.closed_ns > self._again_ns):
            self._begin(trouble, now_ns)
        else:
            self._again(known, trouble, now_ns)

    def cleared(self, cause: Cause, subject: str, now_ns: int) -> None:
        """See `Alarms.cleared`."""
        known = self.find(cause, subject)
        if known is not None:
            self._step(known, Event.CLEARED, now_ns)

    def dismissed(self, subject: str, now_ns: int) -> None:
        """What was befallen is no more: close all of its incidents."""
        for known in [one for one in self._known.values() if one.subject == subject and not one.closed_ns]:
            self._step(known, Event.CLEARED, now_ns)

    def acknowledged(self, incident_id: int, by: str, at_ns: int) -> None:
        """Somebody has taken an incident on."""
        for known in self._known.values():
            if known.id == incident_id and known.state is State.OPEN and at_ns > known.raised_ns:
                known.acknowledged_by = by
                self._step(known, Event.ACKNOWLEDGED, at_ns)

    def take_changed(self) -> list[Incident]:
        """Return what changed since the last call, in the order of their ids."""
        changed, self._changed = self._changed, {}
        return [changed[number] for number in sorted(changed)]

    def forget(self, now_ns: int) -> None:
        """Let go of what has been closed for so long that it cannot be opened again."""
        old = [key for key, one in self._known.items() if one.closed_ns and now_ns - one.closed_ns > self._again_ns]
        for key in old:
            del self._known[key]

    def _begin(self, trouble: Trouble, now_ns: int) -> None:
        began = Incident(
            self._next, trouble.cause, trouble.subject, trouble.severity, trouble.text, trouble.site, trouble.agency,
            now_ns, now_ns, devices=dict.fromkeys(trouble.devices), of=trouble.of, since_ns=trouble.since_ns or now_ns,
        )  # fmt: skip
        self._next += 1
        self._known[began.key] = began
        self._changed[began.id] = began

    def _again(self, known: Incident, trouble: Trouble, now_ns: int) -> None:
        worse = _RANK.index(trouble.severity) > _RANK.index(known.severity)
        news = (trouble.text, trouble.severity, trouble.site, trouble.agency)
        same = news == (known.text, known.severity, known.site, known.agency)
        if same and not known.closed_ns and known.devices.keys() >= set(trouble.devices):
            return
        left = known.left | {known.series}
        known.text, known.severity, known.site, known.agency = news
        known.left = left - {known.series}
        known.devices |= dict.fromkeys(trouble.devices)
        known.of = trouble.of
        self._step(known, Event.WORSENED if worse else Event.RAISED, now_ns)

    def _step(self, known: Incident, event: Event, now_ns: int) -> None:
        was, now = known.state, TABLE[known.state, event]
        if now is State.OPEN and was is not State.OPEN:
            known.times += was is State.CLOSED
            known.raised_ns, known.closed_ns = now_ns, 0
        elif now is State.ACKNOWLEDGED and was is State.OPEN:
            known.acknowledged_ns = now_ns
        elif now is State.CLOSED and was is not State.CLOSED:
            known.closed_ns = now_ns
        self._changed[known.id] = known
