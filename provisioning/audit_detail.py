"""What the audit log says of a change to the registry."""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_args

from provisioning.records import Contact, Device, NewDevice, ReferenceData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.audit import Detail

_Record = NewDevice | ReferenceData

_IN_THE_ROW = {"id", "created_ns", "updated_ns"}  # the row has a subject and a time of its own
_NAMES: dict[type, list[str]] = {
    kind: [field.name for field in fields(kind) if field.name not in _IN_THE_ROW]
    for kind in (NewDevice, Device, *get_args(ReferenceData))
}
_PERSONAL = {"name", "phone"}
_BULKY = {"geojson"}
_WITHHELD = "(personal)"  # the log forgets nothing, and a person may ask to be forgotten


def stated(record: _Record) -> Detail:
    """Return the fields that say something, by name."""
    return {name: _shown(record, value, name) for name, value in _values(record) if _says(value)}


def difference(before: _Record, after: _Record) -> Detail:
    """Return field -> [before, after] for the fields that differ."""
    pairs = zip(_values(before), _values(after), strict=True)
    return {
        name: [_shown(before, old, name), _shown(after, new, name)] for (name, old), (_, new) in pairs if old != new
    }


def _values(record: _Record) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(record, name)) for name in _NAMES[type(record)])


def _says(value: object) -> bool:
    return value is not False and value not in (None, "", ())


def _shown(record: _Record, value: Any, name: str) -> Any:  # noqa: ANN401 - a field of any type
    if isinstance(record, Contact) and name in _PERSONAL:
        return _WITHHELD
    return f"sha256 {sha256(value.encode()).hexdigest()}" if name in _BULKY else value
