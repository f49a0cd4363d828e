"""Decodes one payload for a person: readings with their units, or what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.decode.cases import KEEP_NS, Sender
from hub.decode.line import read_line
from hub.decode.models import Model
from hub.decode.watch import Watch
from hub.errors import Rejected, UsageError

if TYPE_CHECKING:
    from hub.profiles.terms import Terms


@dataclass(frozen=True)
class TriedReading:
    """One canonical reading that came out."""

    measurement: str
    reading: str
    value: Any
    unit: str
    time_ns: int


@dataclass(frozen=True)
class TriedFault:
    """One thing that was wrong."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Trial:
    """What came of a payload; `presence` is online, offline, or empty when it was no word on that."""

    readings: list[TriedReading]
    presence: str
    rejected: list[TriedFault]


def try_payload(terms: Terms, topic: str, payload: bytes, received_ns: int, *, retained: bool) -> Trial:
    """Decode a payload as the hub would, from the device that the topic names.

    Raises:
        UsageError: the profile's devices say nothing on that topic.
    """
    model = Model(terms.profile, terms.name, terms.vocabulary, KEEP_NS)
    sender = _sender(model, topic)
    heard = model.heard(topic, sender)
    if not heard:
        known = ", ".join([*model.exact, *model.wild])
        raise UsageError(f"devices of this profile say nothing on {topic}; they speak on {known}")
    watch = Watch(sender.device, 0)
    try:
        text, faults = model.decoder(heard, topic)("", payload, received_ns, retained, watch), []
    except Rejected as rejected:
        text, faults = rejected.kept, rejected.faults
    words = watch.take_words()
    presence = ("online" if words[-1].online else "offline") if words else ""
    told = [TriedFault(str(fault.reason), fault.detail) for fault in faults]
    return Trial(_readings(terms, text), presence, told)


def _sender(model: Model, topic: str) -> Sender:
    """Return the device that a topic names."""
    for pattern in model.patterns.values():
        if match := pattern.fullmatch(topic):
            return Sender(**{"device": "dev-1", **match.groupdict()})
    return Sender()


def _readings(terms: Terms, text: str) -> list[TriedReading]:
    units = {
        (terms.measurement(measurement), terms.field(measurement, name)): reading.unit or ""
        for measurement in terms.measurements()
        for name in terms.readings(measurement)
        if (reading := terms.reading(measurement, name)) is not None
    }
    return [
        TriedReading(line.measurement, name, _value(value), units.get((line.measurement, name), ""), line.time_ns)
        for line in map(read_line, text.splitlines())
        for name, value in line.fields
    ]


def _value(text: str) -> Any:  # noqa: ANN401 - a plain value
    return int(text[:-1]) if text.endswith("i") else json.loads(text)
