"""Decodes one payload, or what registers hold, for a person: readings with their units, or what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from hub.decode.cases import KEEP_NS, Sender, decode_registers
from hub.decode.line import read_line
from hub.decode.models import Model
from hub.decode.watch import Watch
from hub.errors import Rejected, UsageError
from hub.profiles.modbus import TableName, words_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.errors import Fault
    from hub.profiles.schema import Registers
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
    """What came of it; `presence` is online, offline, or empty when it was no word on that."""

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
    return Trial(_readings(terms, text), presence, _told(faults))


def try_registers(terms: Terms, registers: Registers, read_ns: int) -> Trial:
    """Decode what registers hold as the hub would after a poll.

    Raises:
        UsageError: the profile reads no registers, or none of its readings stands wholly in these.
    """
    if terms.profile.modbus is None:
        raise UsageError("this profile reads no registers: give --payload")
    if not _reads(terms, registers):
        where = f"`cityhub profile show {terms.name}` tells where they stand"
        raise UsageError(f"no reading of this profile stands wholly in these registers; {where}")
    text, faults = decode_registers(terms, registers, read_ns)
    return Trial(_readings(terms, text), "", _told(faults))


def read_registers(blocks: Iterable[str]) -> Registers:
    """Read blocks of registers as they are typed: TABLE:ADDRESS=WORD,WORD …, words decimal or as 0x1f.

    Raises:
        UsageError: one is not written so, holds what no register can, or an address is given twice.
    """
    registers: Registers = {}
    given: set[tuple[str, int]] = set()
    for block in blocks:
        table, first, words = _block(block)
        addresses = {(table, first + place) for place in range(len(words))}
        if twice := given & addresses:
            raise UsageError(f"--registers {block}: {' '.join(map(str, min(twice)))} is given twice")
        given |= addresses
        registers.setdefault(table, {})[first] = words
    return registers


def _block(text: str) -> tuple[TableName, int, list[int]]:
    table, _, rest = text.partition(":")
    first, _, words = rest.partition("=")
    if table.strip() not in get_args(TableName):
        raise UsageError(f"--registers {text}: begins with one of {', '.join(get_args(TableName))}, and a colon")
    try:
        block = cast("TableName", table.strip()), _number(first), [_number(word) for word in words.split(",")]
    except ValueError as error:
        raise UsageError(f"--registers {text}: write it as {table}:0=230,1, numbers decimal or as 0x1f") from error
    if what := words_problem(*block):
        raise UsageError(f"--registers {text}: {what}")
    return block


def _number(text: str) -> int:
    word = text.strip().lower()
    return int(word, 16 if word.startswith("0x") else 10)


def _reads(terms: Terms, registers: Registers) -> bool:
    """Tell whether all that a reading takes is there, of at least one."""
    given = {
        (table, first + place)
        for table, blocks in registers.items()
        for first, words in blocks.items()
        for place in range(len(words))
    }
    groups = terms.profile.modbus.groups.values() if terms.profile.modbus else ()
    return any(
        {(group.table, register.at + place) for place in range(register.width)} <= given
        for group in groups
        for readings in group.readings.values()
        for register in readings.values()
    )


def _told(faults: Iterable[Fault]) -> list[TriedFault]:
    return [TriedFault(str(fault.reason), fault.detail) for fault in faults]


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
