"""Line protocol's own quoting (InfluxDB line protocol reference, "Special characters")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_STRING = 1024
"""Longest text value in characters: what devices say in a sentence, far below InfluxDB's 64 KB."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.+-]+")
"""Text that needs no escape, as ids are."""
_COMMA: Final = re.compile(r',(?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)')


class Line(NamedTuple):
    """A line that the hub wrote, without tags; values are as they are written, e.g. `25i`."""

    measurement: str
    fields: list[tuple[str, str]]
    time_ns: int


def read_line(line: str) -> Line:
    """Take apart a line without tags, as the decoders write it for an empty tag set."""
    measurement, _, rest = line.partition(" ")
    fields, _, time = rest.rpartition(" ")
    pairs = [field.partition("=") for field in _COMMA.split(fields)]
    return Line(measurement, [(name, value) for name, _, value in pairs], int(time))


def tag_set(tags: Iterable[tuple[str, str]]) -> str:
    """Return `,key=value,...`, sorted by key, without the tags whose value is empty (InfluxDB refuses those).

    A backslash or an unprintable character becomes `_`: InfluxDB 1.x has no notation for them in a tag.
    """
    return "".join(f",{_escape(key)}={_escape(value)}" for key, value in sorted(tags) if value)


def string_field(text: str) -> str | None:
    """Return `text` quoted as a string field, or None when it is too long or holds unprintable characters.

    A newline is legal inside a quoted field, but a batch of lines could then no longer be split into lines.
    """
    if len(text) > MAX_STRING or not text.isprintable():
        return None
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escape(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    plain = "".join(character if character.isprintable() and character != "\\" else "_" for character in text)
    for special in ",= ":
        plain = plain.replace(special, "\\" + special)
    return plain
