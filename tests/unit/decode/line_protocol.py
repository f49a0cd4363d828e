"""Reads line protocol back, written from InfluxDB's reference and from nothing of the hub.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

from __future__ import annotations

import re
from typing import NamedTuple

Value = float | int | bool | str

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_INTEGER = re.compile(r"-?\d+")
_WORDS: dict[str, Value] = {"true": True, "false": False}


class Point(NamedTuple):
    """One line; floats are float and integers int, as InfluxDB would store them."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


class NotLineProtocolError(Exception):
    """The text is not what InfluxDB accepts."""


def parse_lines(text: str) -> list[Point]:
    """Read whole lines, each ended by a newline."""
    if text and not text.endswith("\n"):
        raise NotLineProtocolError(f"the last line does not end: {text!r}")
    return [parse_line(line) for line in text.split("\n")[:-1]]


def parse_line(line: str) -> Point:
    """Read one line without its newline."""
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in line):
        raise NotLineProtocolError(f"holds a control character: {line!r}")
    series, fields, time = _three(line)
    measurement, *tags = _split(series, ",", quotes=False)
    if not measurement:
        raise NotLineProtocolError(f"no measurement: {line!r}")
    if not _INTEGER.fullmatch(time) or not -(2**63) <= int(time) < 2**63:
        raise NotLineProtocolError(f"no time in nanoseconds: {line!r}")
    return Point(_plain(measurement), _tags(tags), _fields(fields), int(time))


def _three(line: str) -> tuple[str, str, str]:
    series = _split(line, " ", quotes=False)[0]
    parts = _split(line[len(series) + 1 :], " ")
    if len(parts) != 2:
        raise NotLineProtocolError(f"is not series, fields and time: {line!r}")
    return series, parts[0], parts[1]


def _split(text: str, separator: str, *, quotes: bool = True) -> list[str]:
    """Split where the separator is neither escaped nor, among fields, inside quotes."""
    parts, start, position, quoted = [], 0, 0, False
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == '"' and quotes:
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def _pair(text: str, *, quotes: bool = True) -> tuple[str, str]:
    key, *values = _split(text, "=", quotes=quotes)
    if len(values) != 1 or not key or not values[0]:
        raise NotLineProtocolError(f"is not key=value: {text!r}")
    return _plain(key), values[0]


def _tags(texts: list[str]) -> dict[str, str]:
    tags = [_pair(text, quotes=False) for text in texts]
    if len({key for key, _ in tags}) != len(tags):
        raise NotLineProtocolError(f"a tag stands twice: {texts}")
    return {key: _plain(value) for key, value in tags}


def _fields(text: str) -> dict[str, Value]:
    fields = [_pair(one) for one in _split(text, ",")]
    if len({key for key, _ in fields}) != len(fields):
        raise NotLineProtocolError(f"a field stands twice: {text}")
    return {key: _value(value) for key, value in fields}


def _value(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    if text.endswith("i") and _INTEGER.fullmatch(text[:-1]) and -(2**63) <= int(text[:-1]) < 2**63:
        return int(text[:-1])
    if _NUMBER.fullmatch(text):
        return float(text)
    raise NotLineProtocolError(f"is no field value: {text!r}")


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)
