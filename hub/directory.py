"""From a topic to the device behind it: one dictionary look-up on the hot path, kept true by the registry's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hub.decode.line import tag_set
from hub.decode.messages import compile_profile, presence_inlets
from hub.decode.watch import Watch
from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hub.decode.formats import Decoder
    from hub.decode.messages import Inlet
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary


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
    def parent(self) -> str | None: ...  # noqa: D102


class Route(NamedTuple):
    """Where a topic leads: the device's ready-made tags, the decoder of what arrives there, and the device's watch."""

    tags: str
    decode: Decoder
    watch: Watch


class Directory:
    """All registered devices by the topics that they publish to.

    Decoders are shared by all devices of a profile; a device costs its topics, one text of tags and its watch.

    Attributes:
        routes: topic -> where it leads.
        entries: device -> what the registry says of it, of every device that is registered ...
        watches: ... and its watch, which it keeps as long as it is registered.
    """

    def __init__(self, vocabulary: Vocabulary, profiles: dict[str, Profile], keep_ns: int) -> None:
        self.routes: dict[str, Route] = {}
        self.entries: dict[str, Entry] = {}
        self.watches: dict[str, Watch] = {}
        self._profiles = profiles
        self._inlets: dict[str, list[Inlet]] = {
            name: [*compile_profile(profile, name, vocabulary, keep_ns).values(), *presence_inlets(profile)]
            for name, profile in profiles.items()
        }
        self._topics: dict[str, list[str]] = {}
        self._watched = 0

    def __len__(self) -> int:
        return len(self.entries)

    def update(self, entries: Iterable[Entry], changed: Collection[str] = ()) -> list[str]:
        """Take in `entries` as they are now; a device of `changed` that is not among them is forgotten.

        Returns:
            The devices that cannot be served because this hub has no such profile.
        """
        known = list(entries)
        for device in set(changed) - {entry.device for entry in known}:
            self._forget(device)
        return [entry.device for entry in known if not self._learn(entry)]

    def _learn(self, entry: Entry) -> bool:
        self._unroute(entry.device)
        watch = self._watch(entry)
        self.entries[entry.device] = entry
        root = topic_root(entry.device, entry.parent)
        inlets = self._inlets.get(entry.profile)
        tags = tags_of(entry)
        for inlet in inlets or ():
            for pattern in inlet.topics:
                topic = pattern.replace("devices/{device}", root)
                self.routes[topic] = Route(tags, inlet.bind(topic), watch)
                self._topics.setdefault(entry.device, []).append(topic)
        return inlets is not None

    def _watch(self, entry: Entry) -> Watch:
        """Return the device's watch; vital signs of the profile that it had before mean nothing in the new one."""
        watch, before = self.watches.get(entry.device), self.entries.get(entry.device)
        if watch is None:
            watch = self.watches[entry.device] = Watch(entry.device, self._watched)
            self._watched += 1
        elif before is not None and before.profile != entry.profile:
            watch.samples = []
        return watch

    def _forget(self, device: str) -> None:
        self._unroute(device)
        self.entries.pop(device, None)
        self.watches.pop(device, None)

    def _unroute(self, device: str) -> None:
        for topic in self._topics.pop(device, ()):
            self.routes.pop(topic, None)

    def profile_of(self, device: str) -> Profile | None:
        """Return the profile of a registered device, or None when this hub has no such one."""
        entry = self.entries.get(device)
        return None if entry is None else self._profiles.get(entry.profile)

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
