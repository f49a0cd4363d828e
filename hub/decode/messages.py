"""From a message's payload to lines of line protocol. Pure: no clock, no logger, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from hub.decode.compiler import compile_sample
from hub.decode.formats import Decoder, decoder_of
from hub.decode.quick import Keys, Shapes, write_quick
from hub.decode.senml_units import expected_units
from hub.decode.time_rule import TimeRule
from hub.profiles.mqtt import NATIVE
from hub.profiles.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.decode.compiler import Sample
    from hub.profiles.mqtt import MessageSpec
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary

EVENTS: Final = "events"


@dataclass(frozen=True, slots=True)
class Inlet:
    """One kind of message: where it arrives, and what becomes of it there.

    Attributes:
        topics: filters, with placeholders as the profile writes them.
        bind: topic -> decoder of what arrives there.
        looks_at_topic: whether that is another one for each topic.
    """

    topics: tuple[str, ...]
    bind: Callable[[str], Decoder]
    looks_at_topic: bool


def compile_profile(profile: Profile, name: str, vocabulary: Vocabulary, keep_ns: int) -> dict[str, Inlet]:
    """Compile every message that `profile` describes.

    Args:
        profile: what to compile ...
        name: ... and its name.
        vocabulary: the canonical readings.
        keep_ns: raw retention in nanoseconds; older samples are rejected.
    """
    terms, rule = Terms(profile, name, vocabulary), TimeRule(keep_ns=keep_ns, tracker=profile.kind == "gps")
    return {message: _inlet(message, spec, terms, rule) for message, spec in profile.mqtt.items()}


def _inlet(message: str, spec: MessageSpec, terms: Terms, rule: TimeRule) -> Inlet:
    distinct = message == EVENTS if spec.event is None else spec.event
    bind_sample, units = compile_sample(spec, terms, rule, distinct=distinct), expected_units(spec, terms)
    write = _nothing if distinct else partial(write_quick, spec, terms, rule)
    topics = spec.topics or (NATIVE[message],)

    def bind(topic: str) -> Decoder:
        return decoder_of(spec, Shapes(bind_sample(topic.split("/")), write), units)

    return Inlet(topics, bind if spec.looks_at_topic else _always(bind("")), spec.looks_at_topic)


def _nothing(_careful: Sample, _keys: Keys) -> None:
    return None


def _always(decode: Decoder) -> Callable[[str], Decoder]:
    return lambda _: decode
