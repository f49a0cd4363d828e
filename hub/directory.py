"""From a topic to the device behind it: one dictionary look-up on the hot path, kept true by the registry's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from hub.decode.line import tag_set
from hub.decode.models import Heard, Model
from hub.decode.registers import compile_modbus
from hub.decode.watch import Watch
from hub.errors import Fault, Reason
from hub.profiles.mqtt import NATIVE, STATUS
from hub.profiles.topics import fill, subscription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hub.decode.formats import Decoder
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary


MOST_MET: Final = 1000
"""Topics remembered of one device that its vendor's wildcards cover; those beyond are looked up each time."""
_OWN_ROOT: Final = "devices/{device}"
_NATIVE: Final = {*NATIVE.values(), *STATUS.topics}


class Entry(Protocol):
    """What the directory needs of a registered device; the registry's own rows have this shape."""

    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def agency(self) -> str | None: ...  # noqa: D102
    @property
    def site(self) -> str | None: ...  # noqa: D102
    @property
    def zones(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def serial(self) -> str | None: ...  # noqa: D102
    @property
    def imei(self) -> str | None: ...  # noqa: D102
    @property
    def parent(self) -> str | None: ...  # noqa: D102
    @property
    def modbus(self) -> str | None: ...  # noqa: D102
    @property
    def unit(self) -> int | None: ...  # noqa: D102
    @property
    def local_recording(self) -> bool: ...  # noqa: D102


class Route(NamedTuple):
    """Where a topic leads: the device's ready-made tags, the decoder of what arrives there, and the device's watch."""

    tags: str
    decode: Decoder
    watch: Watch


class Directory:
    """All registered devices by the topics that they publish to.

    Decoders are shared by all devices of a profile; a device costs its topics, one text of tags and its watch.

    Attributes:
        routes: topic -> where it leads. The hub's own topics, and what a vendor's wildcards cover, are added when they
            are first met: most devices never use most of theirs.
        profiles: those that this hub has, by name.
        entries: device -> what the registry says of it, of every device that is registered ...
        watches: ... and its watch, which it keeps as long as it is registered.
        contested: topic -> devices that claim it although it is another's already (two models, one serial number).
        polled: those of `entries` that have a Modbus address.
        registers: profile -> what its devices hold in their registers.
    """

    def __init__(self, vocabulary: Vocabulary, profiles: dict[str, Profile], keep_ns: int) -> None:
        self.routes: dict[str, Route] = {}
        self.entries: dict[str, Entry] = {}
        self.watches: dict[str, Watch] = {}
        self.contested: dict[str, set[str]] = {}
        self.polled: dict[str, Entry] = {}
        self.registers = {name: compile_modbus(profile, name, vocabulary) for name, profile in profiles.items()}
        self.profiles = profiles
        self._models = {name: Model(profile, name, vocabulary, keep_ns) for name, profile in profiles.items()}
        self._owners: dict[tuple[str, str, str], str] = {}
        self._met: dict[str, list[str]] = {}
        self._watched = 0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def filters(self) -> list[str]:
        """What the hub must subscribe to in order to hear the vendors' topics."""
        vendors = {topic for profile in self.profiles.values() for topic in vendor_topics(profile)}
        return sorted({subscription(topic) for topic in vendors})

    def update(self, entries: Iterable[Entry], changed: Collection[str] = ()) -> list[str]:
        """Take in `entries` as they are now; a device of `changed` that is not among them is forgotten.

        Returns:
            The devices that cannot be served because this hub has no such profile.
        """
        known = list(entries)
        for device in set(changed) - {entry.device for entry in known}:
            self._forget(device)
        return [entry.device for entry in known if not self._learn(entry)]

    def resolve(self, topic: str) -> Route | None:
        """Return where a topic leads that is met for the first time, and remember it; None when it leads nowhere."""
        return self._native(topic) or self._wild(topic)

    def _native(self, topic: str) -> Route | None:
        """Nobody else can claim a topic of the hub's own tree, and they are few for each device."""
        entry = self.entries.get(device_of(topic))
        model = None if entry is None else self._models.get(entry.profile)
        if entry is None or model is None:
            return None
        found = (heard for name, heard in model.exact.items() if name in _NATIVE and _topic(name, entry) == topic)
        heard = next(found, None)
        if heard is None:
            return None
        route = self.routes[topic] = self._lead(entry, model, heard, topic)
        return route

    def _wild(self, topic: str) -> Route | None:
        owners = {
            owner
            for profile, model in self._models.items()
            for pattern in model.wild.values()
            if (match := pattern.fullmatch(topic)) and (owner := self._owner(profile, match.groupdict()))
        }
        if len(owners) != 1:
            return None
        entry = self.entries[owners.pop()]
        model = self._models[entry.profile]
        heard = model.heard(topic, entry)
        if not heard:
            return None
        route = self._lead(entry, model, heard, topic)
        met = self._met.setdefault(entry.device, [])
        if len(met) < MOST_MET:
            met.append(topic)
            self.routes[topic] = route
        return route

    def _owner(self, profile: str, found: dict[str, str]) -> str | None:
        """Return the device of a profile that a filter's placeholders name."""
        name, value = next(iter(found.items()))
        return self._owners.get((profile, name, value))

    def _learn(self, entry: Entry) -> bool:
        left = self._unroute(entry.device)
        served = self._route(entry)
        self._hand_on(left)
        return served

    def _route(self, entry: Entry) -> bool:
        self._watch(entry)
        self.entries[entry.device] = entry
        self.polled.pop(entry.device, None)
        if entry.modbus is not None:
            self.polled[entry.device] = entry
        model = self._models.get(entry.profile)
        if model is None:
            return False
        for name, heard in model.exact.items():
            topic = None if name in _NATIVE else _topic(name, entry)
            if topic is not None:
                self._claim(topic, self._lead(entry, model, heard, topic))
        if model.wild:
            self._owners |= dict.fromkeys(_names(entry), entry.device)
        return True

    def _lead(self, entry: Entry, model: Model, heard: Heard, topic: str) -> Route:
        return Route(tags_of(entry), model.decoder(heard, topic), self.watches[entry.device])

    def _claim(self, topic: str, route: Route) -> None:
        """Who has a topic keeps it: nobody could tell what belongs to whom if it changed hands."""
        if self.routes.setdefault(topic, route).watch is not route.watch:
            self.contested.setdefault(topic, set()).add(route.watch.device)

    def _watch(self, entry: Entry) -> None:
        """See that it has a watch; vital signs of the profile that it had before mean nothing in the new one."""
        watch, before = self.watches.get(entry.device), self.entries.get(entry.device)
        if watch is None:
            watch = self.watches[entry.device] = Watch(entry.device, self._watched)
            self._watched += 1
        elif before is not None and before.profile != entry.profile:
            watch.take_samples()

    def _forget(self, device: str) -> None:
        left = self._unroute(device)
        self.entries.pop(device, None)
        self.polled.pop(device, None)
        self.watches.pop(device, None)
        self._hand_on(left)

    def _unroute(self, device: str) -> dict[str, set[str]]:
        """Take all topics from a device; returns those that others claim, with them."""
        entry = self.entries.get(device)
        model = self._models.get(entry.profile) if entry else None
        if entry is None or model is None:
            return {}
        for name in _names(entry):
            self._owners.pop(name, None)
        exact = [topic for name in model.exact if (topic := _topic(name, entry)) is not None]
        return {
            topic: others for topic in [*exact, *self._met.pop(device, ())] if (others := self._left(topic, device))
        }

    def _left(self, topic: str, device: str) -> set[str]:
        """Take a topic, or the claim to it, from a device; returns who else claims it when it is nobody's now."""
        others = self.contested.pop(topic, set()) - {device}
        if topic in self.routes and self.routes[topic].watch.device != device:
            if others:
                self.contested[topic] = others
            return set()
        self.routes.pop(topic, None)
        return others

    def _hand_on(self, left: dict[str, set[str]]) -> None:
        for topic, others in left.items():
            if topic in self.routes:
                self.contested[topic] = others
            else:
                for other in sorted(others):
                    self._learn(self.entries[other])

    def profile_of(self, device: str) -> Profile | None:
        """Return the profile of a registered device, or None when this hub has no such one."""
        entry = self.entries.get(device)
        return None if entry is None else self.profiles.get(entry.profile)

    def missing(self, topic: str) -> Fault:
        """Say why `topic` leads nowhere."""
        device = device_of(topic)
        entry = self.entries.get(device)
        if entry is None:
            return Fault(Reason.UNKNOWN_DEVICE, f"no registered device publishes here: {topic[:200]}")
        root = topic_root(device, entry.parent)
        if not topic.startswith(f"{root}/"):
            return Fault(Reason.UNKNOWN_TOPIC, f"device {device} publishes under {root}, as the registry has it")
        return Fault(Reason.UNKNOWN_TOPIC, f"device {device} is registered, but its profile does not speak here")


def vendor_topics(profile: Profile) -> list[str]:
    """Return the filters of a profile that are the vendor's own, placeholders and all."""
    topics = [topic for spec in profile.mqtt.values() for topic in spec.topics]
    topics += profile.presence.topics if profile.presence else ()
    return sorted(set(topics) - set(NATIVE.values()))


def _topic(name: str, entry: Entry) -> str | None:
    """Return the topic that a filter without wildcards means for a device; None when the registry lacks a name."""
    if name in _NATIVE:
        return name.replace(_OWN_ROOT, topic_root(entry.device, entry.parent))
    return fill(name, entry)


def _names(entry: Entry) -> list[tuple[str, str, str]]:
    """Return by what a device may be named in a topic, each under its profile."""
    values = {"device": entry.device, "serial": entry.serial, "imei": entry.imei}
    return [(entry.profile, name, value) for name, value in values.items() if value]


def tags_of(entry: Entry) -> str:
    """Return the tag set of a device; several zones stand in one tag, joined by `+`."""
    return tag_set(
        [
            ("agency", entry.agency or ""),
            ("device", entry.device),
            ("profile", entry.profile),
            ("site", entry.site or ""),
            ("zone", "+".join(sorted(entry.zones))),
        ]
    )


def topic_root(device: str, parent: str | None) -> str:
    """Return the topic that everything of a device stands under; a gateway's child stands under its gateway."""
    return f"devices/{parent}/children/{device}" if parent else f"devices/{device}"


def device_of(topic: str) -> str:
    """Return the device that a topic names, or nothing when it names none."""
    match topic.split("/"):
        case ["devices", _, "children", child, *_]:
            return child
        case ["devices", device, *_]:
            return device
        case _:
            return ""
