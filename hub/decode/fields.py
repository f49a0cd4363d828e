"""What the compiled decoders call when a value is not plainly right: the slow and careful way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from reprlib import repr as brief
from typing import TYPE_CHECKING

from hub.decode.line import string_field
from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from hub.profiles.schema import Reading, Source

MAX_FAULTS = 8
"""Faults kept of one payload: enough to understand it, bounded whatever was sent."""
NOISE = 1e-9
"""What scaling a floating-point number may add to a whole one: 1.005 * 1000 is no 1005."""


@dataclass(frozen=True, slots=True)
class Field:
    """One reading of a profile: its canonical name and definition, and where it comes from."""

    name: str
    reading: Reading
    source: Source

    def render(self, value: object) -> str | Fault:
        """Return `name=value,` in line protocol, or the fault."""
        match self.reading.type:
            case "bool":
                return (
                    f"{self.name}={str(value).lower()}," if type(value) is bool else self._wrong(value, "true or false")
                )
            case "string":
                return self._string(value)
            case _:
                return self._number(value)

    def _string(self, value: object) -> str | Fault:
        if type(value) is not str:
            return self._wrong(value, "text")
        quoted = string_field(value)
        if quoted is None:
            return Fault(Reason.OUT_OF_RANGE, f"{self.source.path}: text is too long or not printable: {brief(value)}")
        return f"{self.name}={quoted},"

    def _number(self, value: object) -> str | Fault:
        if type(value) is not int and type(value) is not float:
            return self._wrong(value, "a number")
        scaled = self._scaled(value)
        low, high = self.reading.min or 0, self.reading.max or 0
        if not math.isfinite(scaled) or not low <= scaled <= high:
            unit = self.reading.unit
            return Fault(Reason.OUT_OF_RANGE, f"{self.source.path}: {brief(value)} is not in {low} ... {high} {unit}")
        if self.reading.type == "float":
            return f"{self.name}={scaled},"
        whole = round(scaled)
        if abs(scaled - whole) > NOISE * max(1, abs(scaled)):
            return self._wrong(value, "a whole number")
        return f"{self.name}={whole}i,"

    def _scaled(self, value: float) -> float:
        """Scaling an integer beyond 1e308 overflows; infinity is then out of every range."""
        if self.source.scale == 1 and self.source.offset == 0:
            return value
        try:
            return value * self.source.scale + self.source.offset
        except OverflowError:
            return math.inf

    def _wrong(self, value: object, expected: str) -> Fault:
        return Fault(Reason.WRONG_TYPE, f"{self.source.path}: is {brief(value)}, expected {expected}")


def careful(field: Field, value: object, faults: list[Fault]) -> str:
    """Return the field's text, or nothing and one more entry in `faults`."""
    result = field.render(value)
    if isinstance(result, str):
        return result
    if len(faults) < MAX_FAULTS:
        faults.append(result)
    return ""
