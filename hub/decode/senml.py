"""Sensor Measurement Lists: from a pack to samples (RFC 8428, JSON; time and base values resolved as in 4.6).

What RFC 8428 forbids condemns the whole pack: a base that was misread would be wrong in every record after it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

from hub.decode.senml_units import Foreign
from hub.decode.time_rule import device_time
from hub.errors import Fault, Reason, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.decode.senml_units import Expected

Sample = dict[str, Any]
"""Name -> value, under the resolved name and under the record's own; `TIME` -> nanoseconds, or None."""

TIME: Final = "$time"
"""No SenML name contains a `$`."""

_VERSION: Final = 10
_ABSOLUTE: Final = 1 << 28
"""Seconds from here on are counted from 1970, less from now (RFC 8428, 4.5.3)."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_NUMBERS: Final = ("bt", "bv", "bs", "v", "s", "t", "ut")
_TEXTS: Final = ("bn", "bu", "n", "u", "vs", "vd")
_VALUES: Final = ("v", "vs", "vb", "vd")
_PLAIN: Final = {"vs", "vb", "vd"}
"""Values that are no numbers, so that they have no unit."""
_KNOWN: Final = frozenset({*_NUMBERS, *_TEXTS, "vb", "bver"})


def resolve(payload: bytes, received_ns: int, units: Expected, *, retained: bool) -> list[Sample]:
    """Return the samples of a pack, those of one time in one, in the order in which the times occur.

    A record that holds only a sum counts with it; a sum beside a value is left out.

    Args:
        payload: a JSON array of records.
        received_ns: what relative times count from.
        units: in which numbers may be; one that is in another is a `Foreign`, which no reading accepts.
        retained: nobody knows when it was sent, so a relative time says nothing.

    Raises:
        Rejected: it is no pack; says which record is wrong.
    """
    moments: defaultdict[int | None, _Moment] = defaultdict(lambda: _Moment(units))
    base: dict[str, Any] = {}
    for index, record in enumerate(_records(payload)):
        _check(index, record)
        base |= {key: record[key] for key in ("bn", "bt", "bu", "bv", "bs") if key in record}
        value = _value(index, record, base)
        if value is None:
            continue
        time_ns = _time(index, base.get("bt", 0) + record.get("t", 0), received_ns, retained=retained)
        unit = _unit(record, base)
        if not moments[time_ns].add(base.get("bn", ""), record.get("n", ""), value, unit):
            _refuse(index, f"{brief(base.get('bn', '') + record.get('n', ''))} is no name, or a second of this time")
    if not moments:
        raise Rejected([Fault(Reason.NO_READINGS, "no record of the pack holds a value")])
    return [moment.sample(time_ns) for time_ns, moment in moments.items()]


@dataclass
class _Moment:
    """What was measured at one time: by resolved name, and by the record's own, which several may share."""

    units: Expected
    named: dict[str, Any] = field(default_factory=dict)
    short: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def add(self, base: str, own: str, value: object, unit: str) -> bool:
        name = base + own
        if name in self.named or not _NAME.fullmatch(name):
            return False
        self.named[name] = Foreign.unless(value, unit, self.units.get(name))
        self.short[own].append(Foreign.unless(value, unit, self.units.get(own)))
        return True

    def sample(self, time_ns: int | None) -> Sample:
        """Where a short name has several values it is their list, which no reading accepts."""
        short = {own: values[0] if len(values) == 1 else values for own, values in self.short.items()}
        return {**short, **self.named, TIME: time_ns}


def _records(payload: bytes) -> list[Any]:
    try:
        records = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
    if type(records) is not list or not records:
        raise Rejected([Fault(Reason.WRONG_TYPE, "is no array of SenML records")])
    return records


def _check(index: int, record: Any) -> None:  # noqa: ANN401 - any JSON
    if type(record) is not dict:
        _refuse(index, "is no object")
    if unknown := [key for key in record if key.endswith("_") and key not in _KNOWN]:
        _refuse(index, f"{brief(unknown[0])} must be understood, and is not")
    version = record.get("bver", _VERSION)
    if type(version) is not int or not 0 < version <= _VERSION:
        _refuse(index, f"version {brief(version)} is not known")
    for key in record:
        if not _fits(key, record[key]):
            _refuse(index, f"{key} is {brief(record[key])}")


def _fits(key: str, value: object) -> bool:
    if key in _NUMBERS:
        return type(value) is int or type(value) is float
    if key in _TEXTS:
        return type(value) is str
    return key != "vb" or type(value) is bool


def _value(index: int, record: Mapping[str, Any], base: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any plain value
    """Return the record's value; None when it only sets a base."""
    values = [key for key in _VALUES if key in record]
    if len(values) > 1:
        _refuse(index, f"has both {values[0]} and {values[1]}")
    if "v" in record:
        return record["v"] + base.get("bv", 0)
    if values:
        return record[values[0]]
    if "s" in record:
        return record["s"] + base.get("bs", 0)
    if not any(key.startswith("b") for key in record):
        _refuse(index, "has no value")
    return None


def _unit(record: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """Return the unit of the record's number, empty when it has none; a sum is of the value times seconds (4.3)."""
    unit: str = record.get("u") or base.get("bu", "")
    if "v" in record or not unit:
        return unit
    return "" if record.keys() & _PLAIN else f"{unit}.s"


def _time(index: int, seconds: float, received_ns: int, *, retained: bool) -> int | None:
    ns = device_time(seconds, "s")
    if not isinstance(ns, int):
        _refuse(index, f"its time is {brief(seconds)}")
    if seconds >= _ABSOLUTE:
        return ns
    return None if retained else received_ns + ns


def _refuse(index: int, what: str) -> NoReturn:
    raise Rejected([Fault(Reason.BAD_PAYLOAD, f"SenML record {index}: {what}")])
