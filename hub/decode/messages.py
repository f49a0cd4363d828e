"""From a message's payload to lines of line protocol. Pure: no clock, no logger, no socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from hub.decode.compiler import Sample, compile_sample
from hub.decode.fields import MAX_FAULTS
from hub.decode.presence import word_decoder
from hub.decode.time_rule import TimeRule
from hub.decode.watch import Watch
from hub.errors import Fault, Reason, Rejected
from hub.profiles.mqtt import NATIVE, STATUS
from hub.profiles.terms import Terms

if TYPE_CHECKING:
    from hub.profiles.mqtt import MessageSpec
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary

Decoder = Callable[[str, bytes, int, bool, Watch], str]
"""(tag set, payload, time of receipt in ns, retained, watch) -> lines, each ended by a newline; raises only Rejected.

A live message, also one that is rejected, moves the watch's `heard_ns`.
"""

EVENTS: Final = "events"


@dataclass(frozen=True, slots=True)
class Inlet:
    """One kind of message: where it arrives, and what becomes of it there.

    Attributes:
        topics: filters, with placeholders as the profile writes them.
        bind: topic -> decoder of what arrives there; most decoders are the same for every topic.
    """

    topics: tuple[str, ...]
    bind: Callable[[str], Decoder]


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


def presence_inlets(profile: Profile) -> list[Inlet]:
    """Return where devices of `profile` say whether they are connected: the native topic, and the vendor's."""
    return [Inlet((one.topics), _always(word_decoder(one))) for one in (STATUS, profile.presence) if one is not None]


def _inlet(message: str, spec: MessageSpec, terms: Terms, rule: TimeRule) -> Inlet:
    distinct = message == EVENTS if spec.event is None else spec.event
    bind_sample = compile_sample(spec, terms, rule, distinct=distinct)
    topics = spec.topics or (NATIVE[message],)

    def bind(topic: str) -> Decoder:
        return json_decoder(bind_sample(topic.split("/")))

    return Inlet(topics, bind if spec.looks_at_topic else _always(bind("")))


def _always(decode: Decoder) -> Callable[[str], Decoder]:
    return lambda _: decode


def json_decoder(sample: Sample) -> Decoder:
    """Return a decoder of payloads that are one JSON object, or an array of them."""

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - hot path
        if not retained:
            watch.heard_ns = received_ns
        try:
            doc = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
        if type(doc) is dict:
            return sample(tags, doc, received_ns, retained, True, watch)  # noqa: FBT003 - hot path
        if type(doc) is list and doc:
            return _array(sample, tags, doc, received_ns, watch, retained=retained)
        raise Rejected([Fault(Reason.WRONG_TYPE, "is neither a JSON object nor an array of them")])

    return decode


def _array(  # noqa: PLR0913 - as the decoder was called
    sample: Sample, tags: str, docs: list[Any], received_ns: int, watch: Watch, *, retained: bool
) -> str:
    """One bad sample costs only itself."""
    lines: list[str] = []
    faults: list[Fault] = []
    for index, doc in enumerate(docs):
        try:
            lines.append(sample(tags, _object(doc), received_ns, retained, len(docs) == 1, watch))
        except Rejected as rejected:
            lines.append(rejected.kept)
            if len(faults) < MAX_FAULTS:
                faults += [Fault(fault.reason, f"sample {index}: {fault.detail}") for fault in rejected.faults]
    if faults:
        raise Rejected(faults[:MAX_FAULTS], "".join(lines))
    return "".join(lines)


def _object(doc: object) -> dict[str, Any]:
    if type(doc) is not dict:
        raise Rejected([Fault(Reason.WRONG_TYPE, "is not a JSON object")])
    return doc
