"""Runs the cases of a profile: what a device sends in, and whether the lines and the reasons come out. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.decode.line import read_line
from hub.decode.messages import compile_profile
from hub.decode.registers import compile_modbus
from hub.decode.watch import Watch
from hub.errors import Fault, ProfileError, Rejected
from hub.profiles.mqtt import NATIVE
from hub.profiles.topics import fill, matcher

if TYPE_CHECKING:
    from hub.profiles.schema import Case, Registers
    from hub.profiles.terms import Terms

KEEP_NS: Final = 30 * 86_400 * 1_000_000_000
"""Raw retention that cases reckon with."""

_FLOAT: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")

Outcome = tuple[str, list[Fault]]
"""Lines without tags, each ended by a newline, and what was wrong."""


class Sender(NamedTuple):
    """The device of a case."""

    device: str = "dev-1"
    serial: str | None = None
    imei: str | None = None


def case_problems(terms: Terms, case: Case) -> list[str]:
    """Return what a case does not get right, a sentence each; empty when all is as it says."""
    try:
        text, faults = decode_case(terms, case)
    except ProfileError as error:
        return [str(error)]
    found = text.splitlines()
    problems = [
        f"line {number} is `{got}`, expected `{wanted}`"
        for number, (got, wanted) in enumerate(zip(found, case.lines, strict=False), 1)
        if _compared(got) != _compared(wanted)
    ]
    problems += [f"`{line}` comes out and is not expected" for line in found[len(case.lines) :]]
    problems += [f"`{line}` does not come out" for line in case.lines[len(found) :]]
    reasons = [str(fault.reason) for fault in faults]
    if reasons != list(case.rejected):
        why = "; ".join(fault.detail for fault in faults)
        problems.append(f"rejected: [{', '.join(reasons)}], expected [{', '.join(case.rejected)}]{why and f': {why}'}")
    return problems


def decode_case(terms: Terms, case: Case) -> Outcome:
    """Decode what the device of a case sends.

    Raises:
        ProfileError: the profile does not describe it.
    """
    if case.registers is not None:
        return decode_registers(terms, case.registers, case.received_ns)
    return _message(terms, case)


def _message(terms: Terms, case: Case) -> Outcome:
    inlets = compile_profile(terms.profile, terms.name, terms.vocabulary, KEEP_NS)
    if case.message not in inlets:
        raise ProfileError(f"message: there is no {case.message}; there are {', '.join(inlets) or 'none'}")
    inlet, sender = inlets[case.message], Sender(**{"device": "dev-1", **case.identity})
    topic = _topic(inlet.topics, sender, case.topic, needed=inlet.looks_at_topic)
    payload = bytes.fromhex(case.payload_hex) if case.payload_hex is not None else (case.payload or "").encode()
    try:
        return inlet.bind(topic)("", payload, case.received_ns, case.retained, Watch(sender.device, 0)), []
    except Rejected as rejected:
        return rejected.kept, rejected.faults


def _topic(filters: tuple[str, ...], sender: Sender, topic: str | None, *, needed: bool) -> str:
    """Return the topic that a case's message comes on."""
    if topic is None:
        if needed:
            raise ProfileError("topic: is missing, and the message has readings in it")
        return ""
    filled = fill(topic, sender) or topic
    if not any(_leads(name, filled, sender) for name in filters):
        shown = ", ".join(fill(name, sender) or name for name in filters if name not in NATIVE.values())
        raise ProfileError(f"topic: {filled} is none of this device's: {shown or 'it has native ones only'}")
    return filled


def _leads(name: str, topic: str, sender: Sender) -> bool:
    match = matcher(name).fullmatch(topic)
    return match is not None and all(getattr(sender, one) == value for one, value in match.groupdict().items())


def decode_registers(terms: Terms, registers: Registers, read_ns: int) -> Outcome:
    """Decode what a poll read: each group takes what it finds of its table, as when some requests failed."""
    tables = {
        table: {first + index: word for first, words in blocks.items() for index, word in enumerate(words)}
        for table, blocks in registers.items()
    }
    groups = compile_modbus(terms.profile, terms.name, terms.vocabulary)
    taken = [group.decode("", tables.get(group.table, {}), read_ns) for group in groups]
    return "".join(one.lines for one in taken), [fault for one in taken for _, fault in one.faults]


def _compared(line: str) -> object:
    """Return a line in a form in which 25 and 25.0 are the same number, as they are to InfluxDB, and 25i is not."""
    try:
        measurement, fields, time_ns = read_line(line)
    except ValueError:
        return line
    return measurement, {(name, _plain(value)) for name, value in fields}, time_ns


def _plain(value: str) -> str:
    return repr(float(value)) if _FLOAT.fullmatch(value) else value
