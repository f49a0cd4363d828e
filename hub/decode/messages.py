"""From a message's payload to lines of line protocol. Pure: no clock, no logger, no socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from hub.decode.compiler import Sample, compile_sample
from hub.decode.fields import MAX_FAULTS
from hub.decode.time_rule import TimeRule
from hub.errors import Fault, Reason, Rejected

if TYPE_CHECKING:
    from hub.profiles.schema import Channel, Profile, Vocabulary

Decoder = Callable[[str, bytes, int, bool], str]
"""(tag set, payload, time of receipt in ns, retained) -> lines, each ended by a newline; raises only Rejected."""


def compile_profile(profile: Profile, vocabulary: Vocabulary, keep_ns: int) -> dict[Channel, Decoder]:
    """Compile every message that `profile` describes.

    Args:
        keep_ns: raw retention in nanoseconds; older samples are rejected.
    """
    rule = TimeRule(keep_ns=keep_ns, tracker=profile.kind == "gps")
    return {
        channel: json_decoder(compile_sample(spec, vocabulary, rule, distinct=channel == "events"))
        for channel, spec in profile.mqtt.items()
    }


def json_decoder(sample: Sample) -> Decoder:
    """Return a decoder of payloads that are one JSON object, or an array of them."""

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool) -> str:  # noqa: FBT001 - hot path
        try:
            doc = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
        if type(doc) is dict:
            return sample(tags, doc, received_ns, retained, True)  # noqa: FBT003 - hot path
        if type(doc) is list and doc:
            return _array(sample, tags, doc, received_ns, retained=retained)
        raise Rejected([Fault(Reason.WRONG_TYPE, "is neither a JSON object nor an array of them")])

    return decode


def _array(sample: Sample, tags: str, docs: list[Any], received_ns: int, *, retained: bool) -> str:
    """One bad sample costs only itself."""
    lines: list[str] = []
    faults: list[Fault] = []
    for index, doc in enumerate(docs):
        try:
            lines.append(sample(tags, _object(doc), received_ns, retained, len(docs) == 1))
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
