"""A profile, compiled: which of its decoders hear which topics. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hub.decode.formats import together
from hub.decode.messages import compile_profile
from hub.decode.presence import Words, listening
from hub.profiles.mqtt import STATUS
from hub.profiles.topics import PLACEHOLDERS, is_exact, matcher

if TYPE_CHECKING:
    from hub.decode.formats import Decoder
    from hub.profiles.schema import Profile
    from hub.profiles.topics import Identity
    from hub.profiles.vocabulary import Vocabulary

Heard = frozenset[str]
"""The filters of a profile that lead to one topic, as the profile writes them."""


class _Anybody(NamedTuple):
    """What placeholders stand for where it does not matter whose they are; no name holds these characters."""

    device: str = "\1"
    serial: str | None = "\2"
    imei: str | None = "\3"


_ANYBODY: Final = _Anybody()


class Model:
    """All that devices of a profile may say over MQTT.

    Attributes:
        patterns: filter -> what matches its topics, each placeholder being a group of its name.
        exact: filter without wildcards -> all filters that hear that topic.
        wild: filter with wildcards -> what matches its topics.
    """

    def __init__(self, profile: Profile, name: str, vocabulary: Vocabulary, keep_ns: int) -> None:
        self._inlets = list(compile_profile(profile, name, vocabulary, keep_ns).values())
        self._words = [(one.topics, Words(one)) for one in (STATUS, profile.presence) if one is not None]
        filters = {topic for inlet in self._inlets for topic in inlet.topics}
        filters |= {topic for topics, _ in self._words for topic in topics}
        self.patterns = {topic: matcher(topic) for topic in sorted(filters)}
        self._decoders: dict[Heard, Decoder] = {}
        self.exact = {topic: self.heard(_of_anybody(topic), _ANYBODY) for topic in self.patterns if is_exact(topic)}
        self.wild = {topic: pattern for topic, pattern in self.patterns.items() if not is_exact(topic)}

    def heard(self, topic: str, identity: Identity) -> Heard:
        """Return the filters that lead to a topic when it is this device's."""
        found = ((name, pattern.fullmatch(topic)) for name, pattern in self.patterns.items())
        return frozenset(
            name
            for name, match in found
            if match and all(getattr(identity, one) == value for one, value in match.groupdict().items())
        )

    def decoder(self, heard: Heard, topic: str) -> Decoder:
        """Return what decodes the messages of a topic; most devices of a model share it."""
        if heard in self._decoders:
            return self._decoders[heard]
        inlets = [inlet for inlet in self._inlets if heard & set(inlet.topics)]
        decode = together([inlet.bind(topic) for inlet in inlets]) if inlets else None
        for topics, words in self._words:
            if heard & set(topics):
                decode = words.decode if decode is None else listening(words, decode)
        if decode is None:
            raise KeyError(topic)
        if not any(inlet.looks_at_topic for inlet in inlets):
            self._decoders[heard] = decode
        return decode


def _of_anybody(topic: str) -> str:
    for name in PLACEHOLDERS:
        topic = topic.replace(f"{{{name}}}", getattr(_ANYBODY, name))
    return topic
