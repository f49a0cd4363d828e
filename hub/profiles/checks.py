"""What a profile may not say although each of its parts is well formed. Pure: every check yields what is wrong."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

from hub.profiles.conversions import conversion_problems
from hub.profiles.modbus import BIT_TABLES
from hub.profiles.mqtt import NATIVE, SKEW, TOPIC
from hub.profiles.schema import OWN
from hub.profiles.sentences import hint
from hub.profiles.sources import message_problems, source_problems
from hub.profiles.topics import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hub.profiles.document import Place
    from hub.profiles.modbus import Group, ModbusSpec, Register
    from hub.profiles.terms import Terms
    from hub.profiles.values import Conversion
    from hub.profiles.vocabulary import Reading

Problem = tuple["Place", str]
"""Where in the file, and what is wrong there."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SPAN: Final = re.compile(r"\d{1,5}(-\d{1,5})?")
_ADDRESSES: Final = 1 << 16
_Kind = TypeVar("_Kind", bound="Conversion")


def problems(terms: Terms) -> Iterator[Problem]:
    """Yield what is wrong with a profile, in no particular order."""
    if not _NAME.fullmatch(terms.name):
        yield (), f"its folder {terms.name!r} is no name: use small letters, digits and _, beginning with a letter"
    yield from _mqtt(terms)
    yield from _presence(terms)
    yield from _modbus(terms)
    yield from _vitals(terms)
    yield from _own(terms)


def _mqtt(terms: Terms) -> Iterator[Problem]:
    for message, spec in terms.profile.mqtt.items():
        place: Place = ("mqtt", message)
        if not spec.topics and message not in NATIVE:
            yield place, f"needs topics; only {' and '.join(NATIVE)} have native ones"
        yield from _topics((*place, "topics"), spec.topics)
        yield from _within(place, message_problems(spec))
        yield from _unknown(terms, (*place, "readings"), spec.readings)
        for where, reading, source in _known(terms, (*place, "readings"), spec.readings):
            yield from _within(where, source_problems(spec, reading, source))
            yield from _within(where, conversion_problems(reading, source))


def _presence(terms: Terms) -> Iterator[Problem]:
    presence = terms.profile.presence
    if presence is not None:
        yield from _topics(("presence", "topics"), presence.topics)
        if presence.path is not None and presence.path.startswith(TOPIC):
            yield ("presence", "from"), "the word stands in the payload, not in the topic"


def _topics(place: Place, topics: Iterable[str]) -> Iterator[Problem]:
    for index, topic in enumerate(topics):
        if topic not in NATIVE.values() and (what := problem(topic)):
            yield (*place, index), f"{topic} {what}"


def _modbus(terms: Terms) -> Iterator[Problem]:
    spec = terms.profile.modbus
    if spec is None:
        return
    for index, span in enumerate(spec.limits.forbidden):
        if not _SPAN.fullmatch(span):
            yield ("modbus", "limits", "forbidden", index), f"{span!r} is no address and no span such as 100-119"
    seen: dict[tuple[str, str], str] = {}
    for name, group in spec.groups.items():
        place: Place = ("modbus", "groups", name, "readings")
        yield from _unknown(terms, place, group.readings)
        for where, reading, register in _known(terms, place, group.readings):
            yield from _within(where, _register(spec, group, reading, register))
            yield from _within(where, conversion_problems(reading, register))
            before = seen.setdefault((str(where[-2]), str(where[-1])), name)
            if before != name:
                yield where, f"stands in the group {before} already"


def _register(spec: ModbusSpec, group: Group, reading: Reading, register: Register) -> Iterator[tuple[Place, str]]:
    bits = group.table in BIT_TABLES
    if (register.type == "bit") != bits:
        yield ("type",), f"the table {group.table} holds {'bits' if bits else 'registers'}"
    first = register.at - spec.one_based
    if first < 0 or first + register.width > _ADDRESSES:
        yield ("at",), "is beyond the addresses that there are"
    if register.map is None and register.bit is None and _given(register) != reading.type.replace("int", "float"):
        yield ("type",), f"{register.type} cannot give a reading of type {reading.type}; use a map, or bit"
    if register.bit is not None and register.type in {"string", "bit"}:
        yield ("bit",), f"there are no bits in a {register.type}"
    if register.dead_band and reading.type not in {"int", "float"}:
        yield ("dead_band",), "belongs to numbers"


def _given(register: Register) -> str:
    """Return what a register holds without a map: bool, string, or a number."""
    return {"bit": "bool", "string": "string"}.get(register.type, "float")


def _vitals(terms: Terms) -> Iterator[Problem]:
    """Yield the vital signs that nothing would ever bring."""
    mapped = [f"{measurement}.{name}" for measurement, name in _mapped(terms)]
    vitals = terms.profile.vitals
    for index, vital in enumerate(vitals):
        if vital not in mapped and not vital.endswith(SKEW):
            yield ("vitals", index), f"{vital} is not among the readings of this profile{hint(vital, mapped)}"
        elif vital in vitals[:index]:
            yield ("vitals", index), f"{vital} stands twice"


def _own(terms: Terms) -> Iterator[Problem]:
    used = {name for measurement, name in _mapped(terms) if measurement == OWN}
    for name in terms.profile.own:
        if name not in used:
            yield (OWN, name), "is defined but never read; map it under readings, own"


def _mapped(terms: Terms) -> Iterator[tuple[str, str]]:
    profile = terms.profile
    parts: list[Mapping[str, Mapping[str, Conversion]]] = [spec.readings for spec in profile.mqtt.values()]
    if profile.modbus is not None:
        parts += [group.readings for group in profile.modbus.groups.values()]
    for measurement, readings in chain.from_iterable(part.items() for part in parts):
        for name in readings:
            yield measurement, name


def _unknown(terms: Terms, place: Place, mapped: Mapping[str, Mapping[str, Conversion]]) -> Iterator[Problem]:
    for measurement, readings in mapped.items():
        if measurement not in terms.measurements():
            yield (*place, measurement), f"no such measurement{hint(measurement, terms.measurements())}"
            continue
        for name in readings:
            if terms.reading(measurement, name) is None:
                yield (*place, measurement, name), f"no such reading{hint(name, terms.readings(measurement))}"


def _known(
    terms: Terms, place: Place, mapped: Mapping[str, Mapping[str, _Kind]]
) -> Iterator[tuple[Place, Reading, _Kind]]:
    for measurement, readings in mapped.items():
        for name, conversion in readings.items():
            reading = terms.reading(measurement, name)
            if reading is not None:
                yield (*place, measurement, name), reading, conversion


def _within(place: Place, found: Iterable[tuple[Place, str]]) -> Iterator[Problem]:
    return (((*place, *inner), what) for inner, what in found)
