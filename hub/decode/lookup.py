"""The generated code that finds a value in a payload: one class for each way in which payloads are made.

A lookup's `find` returns lines that leave the raw value, or None, in `v`; `names` are the objects that they refer to.
"""

from __future__ import annotations

import struct
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, Final, Protocol

from hub.errors import Fault, Reason
from hub.profiles.mqtt import TOPIC

if TYPE_CHECKING:
    from hub.profiles.mqtt import BinaryType, MessageSpec, Source

_CODES: Final[dict[BinaryType, str]] = {
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float16": "e", "float32": "f", "float64": "d",
}  # fmt: skip
_EMPTY: dict[str, Any] = {}


class Lookup(Protocol):
    """Finds values in one format's payloads, which the generated code knows as `doc`."""

    names: dict[str, Any]

    def find(self, source: Source) -> list[str]:
        """Return the lines that put the value of `source` into `v`."""

    def path(self, path: str) -> list[str]:
        """Return the lines that put the value at `path` into `v`."""


class Tree:
    """JSON: keys joined by dots. Nested objects are looked up once, however many readings they hold."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"inside": _inside, "within": _within, "item": _item}
        self._holders: dict[str, str] = {}

    def find(self, source: Source) -> list[str]:
        """See `Lookup.find`."""
        return self.path(source.path or "")

    def path(self, path: str) -> list[str]:
        """See `Lookup.path`."""
        parts = path.split(".")
        lines: list[str] = []
        holder = "doc"
        for depth, key in enumerate(parts[:-1]):
            prefix = ".".join(parts[: depth + 1])
            opener = "within" if parts[depth + 1].isdecimal() else "inside"
            if prefix not in self._holders:
                self._holders[prefix] = f"d{len(self._holders)}"
                lines.append(f"{self._holders[prefix]} = {opener}({_get(holder, key)}, {prefix!r}, faults)")
            holder = self._holders[prefix]
        return [*lines, f"v = {_get(holder, parts[-1])}"]


class Flat:
    """SenML, resolved: the whole path is one name."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def find(self, source: Source) -> list[str]:
        """See `Lookup.find`."""
        return self.path(source.path or "")

    def path(self, path: str) -> list[str]:
        """See `Lookup.path`."""
        return [f"v = doc.get({path!r})"]


class Whole:
    """Text: the payload is the value."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def find(self, source: Source) -> list[str]:  # noqa: ARG002 - there is but one place
        """See `Lookup.find`."""
        return ["v = doc"]

    def path(self, path: str) -> list[str]:
        """Text holds no time: the loader refuses one."""
        raise KeyError(path)


class Layout:
    """Binary: values at fixed places."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def find(self, source: Source) -> list[str]:
        """See `Lookup.find`."""
        name = f"s{len(self.names)}"
        self.names[name] = _struct(source).unpack_from
        return [f"(v,) = {name}(doc, {source.at})"]

    def path(self, path: str) -> list[str]:
        """A layout holds no time: the loader refuses one."""
        raise KeyError(path)


def level_of(path: str | None) -> int | None:
    """Return the topic level that a path such as `$topic.3` names, or None when it names none."""
    number = path.removeprefix(TOPIC) if path is not None and path.startswith(TOPIC) else ""
    return int(number) if number.isdecimal() else None


def layout_size(spec: MessageSpec) -> int:
    """Return the bytes of the shortest payload that holds all that a binary message has."""
    return max((source.at + _struct(source).size for source in spec.sources if source.at is not None), default=0)


def at(doc: object, path: str) -> object:
    """Return the value at a path of keys and indices, or None when there is none."""
    for key in path.split("."):
        doc = _item(doc, key, int(key)) if key.isdecimal() else doc.get(key) if isinstance(doc, dict) else None
    return doc


def _struct(source: Source) -> struct.Struct:
    if source.type is None:
        raise KeyError("type")
    return struct.Struct(("<" if source.little else ">") + _CODES[source.type])


def _get(holder: str, key: str) -> str:
    return f"item({holder}, {key!r}, {int(key)})" if key.isdecimal() else f"{holder}.get({key!r})"


def _item(holder: object, key: str, index: int) -> Any:  # noqa: ANN401 - any JSON
    """A number is an index into an array and a key of an object."""
    if type(holder) is list:
        return holder[index] if index < len(holder) else None
    return holder.get(key) if type(holder) is dict else None


def _inside(value: object, path: str, faults: list[Fault]) -> dict[str, Any]:
    if type(value) is dict:
        return value
    if value is not None:
        faults.append(Fault(Reason.WRONG_TYPE, f"{path}: is {brief(value)}, expected an object"))
    return _EMPTY


def _within(value: object, path: str, faults: list[Fault]) -> dict[str, Any] | list[Any]:
    if type(value) is list:
        return value
    return _inside(value, path, faults)
