"""From devices that fall silent to incidents: one cause, one incident.

A device's own incident is held back for a window. When that is over, what the device hangs on is asked, the widest
first: the broker, its site, its gateway or bus. If at least three of those that were there before, and at least 70 %
of all that can tell, fell silent at about the same time, that is one incident of theirs, and all are attached to it.

About the same time is judged by last evidence: a device fell silent between its last sign of life and the moment when
it should have spoken. One that has been heard since is a witness; one that is not due yet has no vote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hub.status.base import Alarms, Cause, Severity, Trouble
from hub.status.flapping import Flapping
from hub.status.presence import SECOND, Event, State
from hub.status.roster import BROKER, Group, Kind, Roster
from hub.status.wording import Names, clock_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from hub.status.fleet import Change, Ear, Fleet
    from hub.status.incidents import Incident
    from hub.status.options import StatusOptions

LEAST: Final = 3
SHARE: Final = 0.7
MOST_OF: Final = 0.9
"""A narrower group that explains so much of a wider one's silence is the better explanation."""
_HINT: Final = 0.2
"""Asking all devices of the broker is worth it only when so many are silent at all."""

_CAUSES: Final = {
    Kind.LISTENER: Cause.LISTENER_SILENT,
    Kind.SITE: Cause.SITE_SILENT,
    Kind.GATEWAY: Cause.GATEWAY_SILENT,
}
_SUBJECTS: Final = {Kind.LISTENER: "broker", Kind.SITE: "site", Kind.GATEWAY: "gateway"}
_KINDS: Final = {cause: kind for kind, cause in _CAUSES.items()}
_LOST: Final = (State.STALE, State.OFFLINE)
_FOUND: Final = (State.ONLINE, State.STALE)


@dataclass(slots=True)
class _Votes:
    """How those that hang on something stand: silent for the same cause, witnesses against it, and who cannot tell."""

    silent: set[int] = field(default_factory=set)
    witnesses: set[int] = field(default_factory=set)
    undecided: int = 0

    @property
    def fallen(self) -> bool:
        silent, witnesses = len(self.silent), len(self.witnesses)
        return silent >= max(LEAST, SHARE * (silent + witnesses), self.undecided)


@dataclass(slots=True)
class _Outage:
    """A group's open incident."""

    since_ns: int
    of: int
    attached: set[int]
    silent: set[int]
    mending_ns: int = 0


class Outages:
    """Turns changes of reachability into incidents. Pure: the clock is given."""

    def __init__(self, fleet: Fleet, roster: Roster, alarms: Alarms, options: StatusOptions, zone: ZoneInfo) -> None:
        self.names = Names()
        self.flapping = Flapping(options.flap_times, round(options.flap_s * SECOND))
        self._fleet = fleet
        self._roster = roster
        self._alarms = alarms
        self._zone = zone
        self._window_ns = round(options.window_s * SECOND)
        self._recovery_ns = round(options.recovery_s * SECOND)
        self._held: dict[int, int] = {}
        self._alone: dict[int, Cause] = {}
        self._within: dict[int, Group] = {}
        self._outages: dict[Group, _Outage] = {}
        self._resting: set[int] = set()
        self._asked: dict[Group, _Votes] = {}

    def restore(self, incidents: Iterable[Incident], now_ns: int) -> None:
        """Take up what was open when the hub last ran; every attached device counts as silent until it is heard."""
        for incident in incidents:
            known = {self._roster.index[device] for device in incident.devices if device in self._roster.index}
            match incident.cause:
                case Cause.DEVICE_OFFLINE | Cause.DATA_STALE:
                    self._alone |= dict.fromkeys(known, incident.cause)
                case Cause.FLAPPING:
                    for index in known:
                        self.flapping.resume(index, now_ns)
                case Cause.SITE_SILENT | Cause.GATEWAY_SILENT | Cause.LISTENER_SILENT:
                    group = Group(_KINDS[incident.cause], incident.subject.partition("/")[2])
                    self._within |= dict.fromkeys(known, group)
                    self._outages[group] = _Outage(incident.since_ns, incident.of, known, set(known))

    def take(self, change: Change, now_ns: int) -> None:
        """Take in that a device's reachability changed."""
        index = change.who
        if self._flaps(change, now_ns):
            return
        if change.now is State.ONLINE:
            self._found(index, now_ns)
        elif change.now is State.OFFLINE or change.event is Event.MUTE:
            self._lost(index, now_ns)
        elif change.event is Event.CONNECTED:
            self._held.pop(index, None)  # it is there again: either it speaks, or it is mute when its time is over

    def deafened(self, ear: Ear) -> None:
        """The hub cannot hear any more: nothing that is held back may be judged by that."""
        self._held = {index: until for index, until in self._held.items() if self._fleet.ear(index) is not ear}
        for outage in self._outages.values():
            outage.mending_ns = 0

    def tick(self, now_ns: int) -> None:
        """Judge what was held back long enough, and what has come back."""
        self._asked.clear()
        for index in self.flapping.steady(now_ns):
            self._steady(index, now_ns)
        for index in [index for index in self._resting if not self._roster.quiet(index, now_ns)]:
            self._resting.discard(index)
            self._lost(index, now_ns)
        for index in [index for index, until in self._held.items() if until <= now_ns]:
            if index in self._held:
                self._judge(index, now_ns)
        for group in list(self._outages):
            self._mend(group, now_ns)

    def forget(self, index: int, now_ns: int) -> None:
        """A device is followed no longer: nothing of it is an incident."""
        self._found(index, now_ns)
        self.flapping.forget(index)
        group = self._within.pop(index, None)
        if group is not None:
            self._outages[group].attached.discard(index)

    # One device

    def _flaps(self, change: Change, now_ns: int) -> bool:
        """Whether a change is told by the incident that the device flaps, or is the one that makes it so."""
        index = change.who
        lost = change.was in _FOUND and change.now is State.OFFLINE
        found = change.was is State.OFFLINE and change.now in _FOUND
        if (lost or found) and index not in self._within and self.flapping.note(index, now_ns):
            self._found(index, now_ns)
            text = f"{self._name(index)} is lost and found again and again"
            self._alarms.raised(self._about(index, Cause.FLAPPING, text), now_ns)
        return index in self.flapping

    def _steady(self, index: int, now_ns: int) -> None:
        self._alarms.cleared(Cause.FLAPPING, f"device/{self._name(index)}", now_ns)
        if self._fleet.state[index] == State.OFFLINE:
            self._lost(index, now_ns)

    def _lost(self, index: int, now_ns: int) -> None:
        group = next((group for group in self._roster.groups(index) if group in self._outages), None)
        if index in self._within:
            self._outages[self._within[index]].silent.add(index)
        elif group is not None and not self._roster.quiet(index, now_ns):
            self._attach(group, {index}, now_ns)
            self._tell(group, now_ns)
        elif self._alone.get(index) is not self._cause(index):
            self._held.setdefault(index, now_ns + self._window_ns)

    def _found(self, index: int, now_ns: int) -> None:
        self._held.pop(index, None)
        self._resting.discard(index)
        self._leave_alone(index, now_ns)
        if index in self._within:
            self._outages[self._within[index]].silent.discard(index)

    def _leave_alone(self, index: int, now_ns: int) -> None:
        cause = self._alone.pop(index, None)
        if cause is not None:
            self._alarms.cleared(cause, f"device/{self._name(index)}", now_ns)

    def _judge(self, index: int, now_ns: int) -> None:
        del self._held[index]
        if self._fleet.state[index] not in _LOST:
            return
        if self._roster.quiet(index, now_ns):
            self._resting.add(index)
            return
        group = self._explanation(index, now_ns)
        if group is None:
            self._stand_alone(index, now_ns)
        else:
            self._begin(group, self._ask(group, index, now_ns), now_ns)

    def _stand_alone(self, index: int, now_ns: int) -> None:
        self._leave_alone(index, now_ns)
        cause, seen_ns = self._cause(index), self._fleet.last_seen(index)
        since = f" since {clock_time(seen_ns, self._zone)}" if seen_ns else ""
        said = f"silent{since}" if cause is Cause.DEVICE_OFFLINE else f"connected, but mute{since}"
        self._alone[index] = cause
        self._alarms.raised(self._about(index, cause, f"{self._name(index)} {said}", seen_ns), now_ns)

    def _cause(self, index: int) -> Cause:
        return Cause.DEVICE_OFFLINE if self._fleet.state[index] == State.OFFLINE else Cause.DATA_STALE

    def _about(self, index: int, cause: Cause, text: str, since_ns: int = 0) -> Trouble:
        entry, name = self._roster.entries[index], self._name(index)
        site, agency = (entry.site or "", entry.agency or "") if entry else ("", "")
        return Trouble(cause, f"device/{name}", text, Severity.WARNING, site, agency, (name,), since_ns=since_ns)

    def _name(self, index: int) -> str:
        entry, watch = self._roster.entries[index], self._fleet.watches[index]
        return entry.device if entry is not None else watch.device if watch is not None else ""

    # What devices hang on

    def _explanation(self, index: int, now_ns: int) -> Group | None:
        """Return the widest group that fell silent with the device, or a narrower one that explains as much."""
        fallen = [group for group in self._roster.groups(index) if self._ask(group, index, now_ns).fallen]
        if not fallen:
            return None
        silent = self._ask(fallen[0], index, now_ns).silent
        enough = MOST_OF * len(silent)
        return [group for group in fallen if len(silent & self._roster.members(group)) >= enough][-1]

    def _ask(self, group: Group, index: int, now_ns: int) -> _Votes:
        """Count the votes, once a tick for each group."""
        if group not in self._asked:
            worth_it = group.kind is not Kind.LISTENER or self._many_are_silent()
            self._asked[group] = self._count(group, index, now_ns) if worth_it else _Votes()
        return self._asked[group]

    def _many_are_silent(self) -> bool:
        counts = self._fleet.counts()
        silent = counts["stale"] + counts["offline"]
        return silent >= _HINT * (silent + counts["online"])

    def _count(self, group: Group, index: int, now_ns: int) -> _Votes:
        fleet, votes = self._fleet, _Votes()
        first, last = fleet.last_seen(index) - self._window_ns, fleet.expected_by(index) + self._window_ns
        for one in self._roster.members(group):
            state = fleet.state[one]
            if state == State.NEVER_SEEN or one in self._within or self._roster.quiet(one, now_ns):
                continue
            if state in _LOST:
                if one not in self.flapping and fleet.last_seen(one) <= last and fleet.expected_by(one) >= first:
                    votes.silent.add(one)
            elif state == State.ONLINE and fleet.last_seen(one) > last - self._window_ns:
                votes.witnesses.add(one)
            else:
                votes.undecided += 1
        return votes

    def _begin(self, group: Group, votes: _Votes, now_ns: int) -> None:
        since_ns = max(self._fleet.last_seen(index) for index in votes.silent)
        of = len(votes.silent) + len(votes.witnesses) + votes.undecided
        outage = self._outages.setdefault(group, _Outage(since_ns, of, set(), set()))
        outage.of = max(outage.of, of)
        self._attach(group, votes.silent, now_ns)
        self._tell(group, now_ns)

    def _attach(self, group: Group, indices: set[int], now_ns: int) -> None:
        outage = self._outages[group]
        outage.attached |= indices
        outage.silent |= indices
        for index in indices:
            self._held.pop(index, None)
            self._leave_alone(index, now_ns)
            self._within[index] = group

    def _tell(self, group: Group, now_ns: int) -> None:
        outage = self._outages[group]
        outage.of = max(outage.of, len(outage.attached))
        site, agency = self._place(group, outage)
        many = f"{len(outage.attached)} of {outage.of} devices silent since {clock_time(outage.since_ns, self._zone)}"
        devices = tuple(sorted(self._name(index) for index in outage.attached))
        trouble = Trouble(
            _CAUSES[group.kind], _subject(group), f"{self._what(group)}: {many}", Severity.CRITICAL, site, agency,
            devices, outage.of, outage.since_ns,
        )  # fmt: skip
        self._alarms.raised(trouble, now_ns)

    def _what(self, group: Group) -> str:
        match group.kind:
            case Kind.LISTENER:
                return "broker's listener or the network before it"
            case Kind.SITE:
                return f"uplink or power at {self.names.site(group.name)}"
            case Kind.GATEWAY:
                return f"gateway or bus {group.name}"

    def _place(self, group: Group, outage: _Outage) -> tuple[str, str]:
        """Return site and agency: of all that are attached, if they agree."""
        if group.kind is Kind.LISTENER:
            return "", ""
        entries = [entry for index in outage.attached if (entry := self._roster.entries[index]) is not None]
        sites, agencies = {entry.site for entry in entries}, {entry.agency for entry in entries}
        site = (sites.pop() or "") if len(sites) == 1 else ""
        agency = self.names.site_agencies.get(site) or ((agencies.pop() or "") if len(agencies) == 1 else "")
        return site, agency

    def _mend(self, group: Group, now_ns: int) -> None:
        """Close a group's incident once all are back, or most of them for a while; the rest then stand alone."""
        outage = self._outages[group]
        if len(outage.silent) > (1 - SHARE) * len(outage.attached):
            outage.mending_ns = 0
            return
        outage.mending_ns = outage.mending_ns or now_ns
        if outage.silent and now_ns - outage.mending_ns < self._recovery_ns:
            return
        del self._outages[group]
        for index in outage.attached:
            del self._within[index]
        self._alarms.cleared(_CAUSES[group.kind], _subject(group), now_ns)
        self._held |= dict.fromkeys(outage.silent, now_ns)


def _subject(group: Group) -> str:
    return "broker/mqtt" if group == BROKER else f"{_SUBJECTS[group.kind]}/{group.name}"
