"""Status without a clock, a socket or a database: what devices report goes in, lines and incidents come out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.decode.line import tag_set
from hub.status.fleet import Ear, Fleet, Standing
from hub.status.health import Health
from hub.status.incidents import IncidentBook
from hub.status.lines import incident_line, left_lines, presence_line
from hub.status.outages import Outages
from hub.status.presence import SECOND, State
from hub.status.roster import Roster
from hub.status.wording import Names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from hub.decode.watch import Watch
    from hub.status.base import Observe, Part
    from hub.status.incidents import Incident
    from hub.status.options import HealthOptions, StatusOptions
    from hub.status.roster import Entry

EVERY_S: Final = 300
"""Everything is written again so often, whether it changed or not."""
MOST_LINES: Final = 5_000
"""Changes that are written in one tick: when all of a large city speak at once, the pipeline has room beside them."""
_UNWRITTEN: Final = 255


class Model(NamedTuple):
    """What status needs of a device profile: its kind, how often it speaks, and its vital signs in their order."""

    kind: str
    interval_ns: int
    vitals: Sequence[str] = ()


class Presence(NamedTuple):
    """A device as a person asks for it; times in nanoseconds UTC, 0: never."""

    state: State
    lifecycle: str
    since_ns: int
    last_seen_ns: int
    health: int
    reasons: str


class Status:
    """Ticks once a second. Pure: times are given, and nothing waits.

    Args:
        watches: device -> its watch, as the directory has them.
        models: profile -> what status needs of it.
        options: windows and deadlines ...
        health: ... and thresholds.
        zone: the city's, for what people read.
    """

    def __init__(
        self,
        watches: Mapping[str, Watch],
        models: Mapping[str, Model],
        options: StatusOptions,
        health: HealthOptions,
        zone: ZoneInfo,
    ) -> None:
        self.fleet = Fleet(round(options.offline_s * SECOND), round(options.will_s * SECOND))
        self.incidents = IncidentBook(round(options.again_s * SECOND))
        self.roster = Roster(self.fleet, watches, self._interval_ns)
        self.outages = Outages(self.fleet, self.roster, self.incidents, options, zone)
        vitals = {name: model.vitals for name, model in models.items()}
        self.health = Health(self.fleet, self.roster, self.incidents, vitals, health)
        self._models = models
        self._parts: list[Part] = []
        self._observers: dict[str, list[Observe]] = {name: [] for name in models}
        self.add(self.health)
        self.options = options
        self._names = Names()
        self._tags: dict[tuple[object, ...], tuple[str, str]] = {}
        self._written = bytearray()
        self._unwritten: set[int] = set()
        self._unkept: set[int] = set()
        self._stories: dict[int, Incident] = {}
        self._slot = 0

    def add(self, part: Part) -> None:
        """Let another part see the samples and write lines."""
        self._parts.append(part)
        for profile, observers in self._observers.items():
            if part.wants(profile):
                observers.append(part.observe)

    # Who is watched

    def update(self, entries: Iterable[Entry], changed: Collection[str], now_ns: int) -> None:
        """Take in the registry's `entries` as they are now; a device of `changed` not among them is forgotten."""
        found = list(entries)
        for device in set(changed) - {entry.device for entry in found}:
            self._forget(device, now_ns)
        self.roster.update(found, changed)
        self._written.extend(bytes([_UNWRITTEN]) * (len(self.fleet.watches) - len(self._written)))

    def name(self, names: Names, now_ns: int) -> None:
        """Take in what the registry calls things, whom to call, and which certificates run out."""
        self._names = self.outages.names = names
        self.health.certificates(names.expiring, now_ns)

    def restore(
        self, standings: Mapping[str, Standing], incidents: Sequence[Incident], next_id: int, now_ns: int
    ) -> None:
        """Take up how everything stood when the hub last ran; after `update`, before the first `tick`."""
        for device, standing in standings.items():
            index = self.roster.index.get(device)
            if index is not None:
                self.fleet.restore(index, standing)
                self._written[index] = standing.state
        self.incidents.restore(incidents, next_id)
        self.outages.restore(self.incidents.open(), now_ns)
        self.health.restore(self.incidents.open())

    def _forget(self, device: str, now_ns: int) -> None:
        index = self.roster.index.get(device)
        if index is not None:
            self.outages.forget(index, now_ns)
            self.health.forget(index)
            self._written[index] = _UNWRITTEN
            self.incidents.dismissed(f"device/{device}", now_ns)

    def _interval_ns(self, profile: str) -> int | None:
        model = self._models.get(profile)
        if model is None:
            return None
        told = self.options.intervals.get(profile)
        return round(told * SECOND) if told else model.interval_ns

    # What happens

    def deafen(self, ear: Ear, now_ns: int) -> None:
        """The hub cannot hear the devices of `ear`; said once a second, or once."""
        self.fleet.deafen(ear, now_ns)
        self.outages.deafened(ear)

    def hear(self, ear: Ear, now_ns: int) -> None:
        """It hears them (again)."""
        self.fleet.hear(ear, now_ns)

    def tick(self, now_ns: int) -> str:
        """Judge by what was reported since the last call; return lines to write."""
        self._look(now_ns)
        self._unwritten |= self._judge(now_ns)
        lines = [part.tick(now_ns) for part in self._parts]
        self.outages.tick(now_ns)
        self._unwritten |= self.health.take_changed()
        lines += self._presence(now_ns)
        lines += self._incidents(now_ns)
        return "".join(lines)

    def _look(self, now_ns: int) -> None:
        """Show samples to the parts that want those of their profile."""
        entries = self.roster.entries
        for watch, samples in self.fleet.take_samples():
            entry = entries[watch.index]
            if entry is not None:
                for observe in self._observers[entry.profile]:
                    observe(entry, watch, samples, now_ns)

    def _judge(self, now_ns: int) -> set[int]:
        changed = set()
        for change in self.fleet.tick(now_ns):
            self.outages.take(change, now_ns)
            self._unkept.add(change.who)
            if change.who not in self.outages.flapping and change.now != self._written[change.who]:
                changed.add(change.who)
        return changed

    def _presence(self, now_ns: int) -> Iterable[str]:
        """Yield the lines of who changed (of very many, some now), and of those whose turn it is."""
        self._slot = (self._slot + 1) % EVERY_S
        some = [self._unwritten.pop() for _ in range(min(MOST_LINES, len(self._unwritten)))]
        for index in {*some, *range(self._slot, len(self._written), EVERY_S)}:
            if self.roster.entries[index] is not None:
                self._unkept.add(index)
                yield self._line(index, now_ns)

    def _line(self, index: int, now_ns: int) -> str:
        entry, state = self.roster.entries[index], State(self.fleet.state[index])
        assert entry is not None  # noqa: S101 - for mypy: both callers have looked
        self._written[index] = state
        seen = self.of(index, now_ns)
        return presence_line(
            self.tags(entry),
            state,
            seen.lifecycle,
            seen.since_ns,
            seen.last_seen_ns,
            (seen.health, seen.reasons),
            now_ns,
        )

    def tags(self, entry: Entry) -> str:
        """Return the tags of a device's own lines: those of its telemetry, and its kind."""
        common = entry.agency, entry.profile, entry.site, entry.zones
        around = self._tags.get(common)
        if around is None:
            around = self._tags[common] = self._tags_around(entry)
        return f"{around[0]},device={entry.device}{around[1]}"

    def _tags_around(self, entry: Entry) -> tuple[str, str]:
        """Return what stands before and behind the device in its tags; many devices have it in common."""
        behind = [
            ("kind", self._models[entry.profile].kind),
            ("profile", entry.profile),
            ("site", entry.site or ""),
            ("zone", "+".join(sorted(entry.zones))),
        ]
        return tag_set([("agency", entry.agency or "")]), tag_set(behind)

    def _incidents(self, now_ns: int) -> Iterable[str]:
        """Return the lines of the open incidents when it is their turn; what changed is told once it is kept."""
        self._stories |= {incident.id: incident for incident in self.incidents.take_changed()}
        if self._slot:
            return []
        self.incidents.forget(now_ns)
        return [self.tell(one, now_ns) for one in self.incidents.open() if one.id not in self._stories]

    def tell(self, incident: Incident, now_ns: int) -> str:
        """Return the line of an incident, and those that end what it was told as before."""
        return incident_line(incident, self._names.contact(incident.agency), now_ns) + left_lines(incident, now_ns)

    # What is asked

    @property
    def has_news(self) -> bool:
        """Whether an incident changed that is not on disk yet."""
        return bool(self._stories)

    def of(self, index: int, now_ns: int) -> Presence:
        """Return how a device is."""
        fleet = self.fleet
        health = self.health.of(index)
        lifecycle = self.roster.lifecycle(index, now_ns)
        state = State(fleet.state[index])
        return Presence(state, lifecycle, fleet.since[index], fleet.last_seen(index), *health)

    def take_unkept(self, most: int) -> tuple[dict[str, Standing], list[Incident]]:
        """Return what has changed and is not on disk yet: at most so many devices, and all incidents."""
        some = [self._unkept.pop() for _ in range(min(most, len(self._unkept)))]
        watches = ((index, self.fleet.watches[index]) for index in some)
        standings = {watch.device: self.fleet.standing(index) for index, watch in watches if watch is not None}
        # Copies: they are written in another thread, while these go on changing.
        stories = [replace(one, devices=dict(one.devices)) for one in self._stories.values()]
        self._stories = {}
        return standings, stories

    def keep_all(self) -> None:
        """Have everything kept anew, before an orderly end."""
        self._unkept.update(watch.index for watch in self.fleet.served())

    def keep_again(self, standings: Iterable[str], incidents: Iterable[Incident]) -> None:
        """What `take_unkept` gave could not be kept: give it again."""
        self._unkept.update(self.roster.index[device] for device in standings if device in self.roster.index)
        self._stories = {incident.id: incident for incident in incidents} | self._stories
