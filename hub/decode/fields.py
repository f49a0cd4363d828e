"""From a raw value to a canonical one: what the compiled decoders call when a value is not plainly right."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from reprlib import repr as brief
from typing import TYPE_CHECKING, Final

from hub.decode.line import string_field
from hub.decode.senml_units import Foreign
from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.profiles.mqtt import Source
    from hub.profiles.terms import Terms
    from hub.profiles.values import Conversion
    from hub.profiles.vocabulary import Reading

Value = bool | int | float | str
"""A canonical value."""

MAX_FAULTS = 8
"""Faults kept of one payload: enough to understand it, bounded whatever was sent."""
NOISE = 1e-9
"""What scaling a floating-point number may add to a whole one: 1.005 * 1000 is no 1005."""

_NUMERAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMERAL: Final = 64


@dataclass(frozen=True, slots=True)
class Field:
    """One reading of a profile.

    Args:
        name: of the field in InfluxDB.
        reading: what it is.
        conversion: how a raw value becomes canonical.
        place: where it stands in what the device sends, for the faults.
    """

    name: str
    reading: Reading
    conversion: Conversion
    place: str

    @property
    def low(self) -> float:
        """The least that is stored, in canonical units; of numbers."""
        own = self.conversion.min
        return max(self.reading.min or 0, -math.inf if own is None else own)

    @property
    def high(self) -> float:
        """The most that is stored, in canonical units; of numbers."""
        own = self.conversion.max
        return min(self.reading.max or 0, math.inf if own is None else own)

    def convert(self, value: object) -> Value | Fault | None:
        """Return the canonical value, the fault, or None when the raw value means "no reading"."""
        conversion = self.conversion
        if is_absent(value, conversion.absent):
            return None
        if conversion.bit is not None:
            return self._bit(value, conversion.bit)
        if conversion.map is not None:
            return self._mapped(value, conversion.map)
        match self.reading.type:
            case "bool":
                return value if isinstance(value, bool) else self.wrong(value, "true or false")
            case "string":
                return self._string(value)
            case _:
                return self._number(value)

    def text(self, value: Value) -> str:
        """Return `name=value,` in line protocol."""
        match self.reading.type:
            case "bool":
                return f"{self.name}={'true' if value else 'false'},"
            case "string":
                return f"{self.name}={string_field(str(value))},"
            case "int":
                return f"{self.name}={value}i,"
            case _:
                return f"{self.name}={value!r},"

    def wrong(self, value: object, expected: str) -> Fault:
        """Return the fault of a value that is something else than expected."""
        return Fault(Reason.WRONG_TYPE, f"{self.place}: is {brief(value)}, expected {expected}")

    def _bit(self, value: object, bit: int) -> Value | Fault:
        if type(value) is float and value.is_integer():
            value = int(value)
        return bool(value >> bit & 1) if type(value) is int else self.wrong(value, "a whole number, for its bits")

    def _mapped(self, value: object, words: dict[str, Value]) -> Value | Fault:
        word = as_text(value)
        if word in words:
            return words[word]
        return Fault(Reason.OUT_OF_RANGE, f"{self.place}: {brief(value)} is none of {', '.join(words)}"[:200])

    def _string(self, value: object) -> str | Fault:
        if not isinstance(value, str):
            return self.wrong(value, "text")
        if string_field(value) is None:
            return Fault(Reason.OUT_OF_RANGE, f"{self.place}: text is too long or not printable: {brief(value)}")
        return value

    def _number(self, value: object) -> float | Fault:
        if type(value) is not int and type(value) is not float:
            return self.wrong(value, "a number")
        scaled = self._scaled(value)
        low, high = self.low, self.high
        if self.conversion.clamp and not math.isnan(scaled):
            scaled = min(max(scaled, low), high)
        if not math.isfinite(scaled) or not low <= scaled <= high:
            unit = self.reading.unit
            return Fault(Reason.OUT_OF_RANGE, f"{self.place}: {brief(value)} is not in {low} ... {high} {unit}")
        if self.reading.type == "float":
            return scaled
        whole = round(scaled)
        return whole if abs(scaled - whole) <= NOISE * max(1, abs(scaled)) else self.wrong(value, "a whole number")

    def _scaled(self, value: float) -> float:
        """Scaling an integer beyond 1e308 overflows; infinity is then out of every range."""
        if self.conversion.scale == 1 and self.conversion.offset == 0:
            return value
        try:
            return value * self.conversion.scale + self.conversion.offset
        except OverflowError:
            return math.copysign(math.inf, self.conversion.scale if value > 0 else -self.conversion.scale)


def field_of(terms: Terms, measurement: str, name: str, source: Source) -> Field:
    """Return the field that a reading of a message becomes."""
    reading = terms.reading(measurement, name)
    if reading is None:
        raise KeyError(f"{measurement}.{name} is not in the vocabulary")
    place = source.path or ("payload" if source.at is None else f"byte {source.at}")
    return Field(terms.field(measurement, name), reading, source, place)


def careful(field: Field, value: object, faults: list[Fault]) -> Value | None:
    """Return the canonical value, or None and, if something is wrong, one more entry in `faults`."""
    if isinstance(value, Foreign):
        return _noted(Fault(Reason.WRONG_UNIT, f"{field.place}: {value}"), faults)
    return _noted(field.convert(value), faults)


def spelled(field: Field, source: Source, value: object, faults: list[Fault]) -> object:
    """Return what a text holds: the part that is wanted of it, and a number where one is due; None: nothing."""
    return _noted(_spelled(field, source, value), faults)


def is_absent(value: object, absent: Iterable[Value]) -> bool:
    """Return whether a raw value is one of those that mean "no reading"."""
    return any(same(value, one) for one in absent)


def same(left: object, right: object) -> bool:
    """Compare as a profile means it: 1 and 1.0 are equal, but true is no number."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def as_text(value: object) -> str:
    """Return a raw value as the keys of a `map` are written: 1, true, Online; nothing for what is no plain value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | float) or (type(value) is int and abs(value) < 1 << 64) else ""


def wants_number(field: Field) -> bool:
    """Return whether a field is made of a number, so that a text must be read as one."""
    if field.conversion.map is not None:
        return False
    return field.conversion.bit is not None or field.reading.type in {"int", "float"}


def _spelled(field: Field, source: Source, value: object) -> object:
    if is_absent(value, source.absent):
        return None
    if source.part is not None:
        if not isinstance(value, str):
            return field.wrong(value, "text")
        parts = value.split(source.separator)
        if source.part >= len(parts):
            return field.wrong(value, f"text of at least {source.part + 1} parts")
        value = parts[source.part].strip()
        if not value or is_absent(value, source.absent):
            return None
    return _numeral(field, value) if isinstance(value, str) and wants_number(field) else value


def _numeral(field: Field, text: str) -> float | Fault:
    text = text.strip()
    if len(text) > _LONGEST_NUMERAL or not _NUMERAL.fullmatch(text):
        return field.wrong(text, "a number")
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _noted(result: Value | object | Fault | None, faults: list[Fault]) -> Value | None:
    if not isinstance(result, Fault):
        return result  # type: ignore[return-value]  # what is no fault is a value
    if len(faults) < MAX_FAULTS:
        faults.append(result)
    return None
