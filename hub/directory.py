"""From a topic to the device behind it: one dictionary look-up on the hot path, kept true by the registry's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hub.decode.line import tag_set
from hub.decode.messages import Decoder, compile_profile
from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hub.profiles.schema import Channel, Profile, Vocabulary


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
    """Where a topic leads: the device's ready-made tags, and the decoder of what arrives there."""

    tags: str
    decode: Decoder


class Directory:
    """All registered devices by the topics that they publish to.

    Decoders are shared by all devices of a profile; a device costs its topics and one text of tags.
    """

    def __init__(self, vocabulary: Vocabulary, profiles: dict[str, Profile], keep_ns: int) -> None:
        self.routes: dict[str, Route] = {}
        self._decoders: dict[str, dict[Channel, Decoder]] = {
            name: compile_profile(profile, vocabulary, keep_ns) for name, profile in profiles.items()
        }
        self._root: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._root)

    def update(self, entries: Iterable[Entry], changed: Collection[str] = ()) -> list[str]:
        """Take in `entries` as they are now; a device of `changed` that is not among them is forgotten.

        Returns:
            The devices that cannot be served because this hub has no such profile.
        """
        for device in changed:
            self._forget(device)
        return [entry.device for entry in entries if not self._learn(entry)]

    def _learn(self, entry: Entry) -> bool:
        self._forget(entry.device)
        root = topic_root(entry.device, entry.parent)
        self._root[entry.device] = root
        decoders = self._decoders.get(entry.profile)
        tags = tags_of(entry)
        for channel, decode in (decoders or {}).items():
            self.routes[f"{root}/{channel}"] = Route(tags, decode)
        return decoders is not None

    def _forget(self, device: str) -> None:
        root = self._root.pop(device, None)
        if root is not None:
            for channel in ("telemetry", "events"):
                self.routes.pop(f"{root}/{channel}", None)

    def missing(self, topic: str) -> Fault:
        """Say why `topic` leads nowhere."""
        device = device_of(topic)
        root = self._root.get(device)
        if root is not None and not topic.startswith(f"{root}/"):
            return Fault(Reason.UNKNOWN_TOPIC, f"device {device} publishes under {root}, as the registry has it")
        if root is not None:
            return Fault(Reason.UNKNOWN_TOPIC, f"device {device} is registered, but its profile does not speak here")
        return Fault(Reason.UNKNOWN_DEVICE, f"no registered device publishes here: {topic[:200]}")


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
