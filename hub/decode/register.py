"""One reading of a Modbus profile: from the words that hold it to its canonical value. Pure.

The steps are those of `hub.profiles.values.Conversion`: absent? -> bit -> map -> scale and offset -> clamp, or range.
"""

from __future__ import annotations

import math
from reprlib import repr as brief
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hub.decode.line import string_field
from hub.decode.words import Raw, Unreadable, word_reader
from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hub.profiles.modbus import Order, Register
    from hub.profiles.vocabulary import Reading

Value = bool | int | float | str
"""Of the type that the vocabulary gives the reading."""

LEAST_SCALE: Final = 1e-15
"""Below it one part of a scale is no whole number that a float can hold."""
_BITS: Final = {"int16": 16, "int32": 32, "int64": 64}
_FLOATS: Final = {"float16": Struct(">e"), "float32": Struct(">f")}


class _Wrong(Exception):
    """A fault on its way to the one place that names the register."""

    def __init__(self, reason: Reason, what: str) -> None:
        super().__init__(what)
        self.reason = reason


class Names(NamedTuple):
    """A reading as the profile calls it (`measurement.reading`), and as InfluxDB stores it."""

    key: str
    measurement: str
    field: str


class RegisterField:
    """A reading in registers: where it stands (as the profile counts), and how it is read."""

    def __init__(self, names: Names, register: Register, reading: Reading, order: Order) -> None:
        self.key, self.measurement, self.name = names
        self.at = register.at
        self.width = register.width
        self.span = range(register.at, register.at + register.width)
        self.dead_band = register.dead_band
        self.silence_ns = None if register.silence_s is None else round(register.silence_s * 1e9)
        self._register = register
        self._reading = reading
        self._raw = word_reader(register.type, register.width, register.order or order)
        self._absent = _absent_values(register)
        self._scaled = _scaler(register.scale, register.offset)
        self._low, self._high = _bounds(register, reading)
        self._plain = reading.type == "float" and register.bit is None and register.map is None

    def read(self, words: Sequence[int]) -> Value | Fault | None:
        """Return the canonical value, why there is none, or None when the device says that it has no reading."""
        try:
            raw = self._raw(words)
            if raw in self._absent or raw != raw:  # noqa: PLR0124 - only NaN differs from itself
                return None
            if self._plain and type(raw) is float:
                number = self._scaled(raw)
                if self._low <= number <= self._high:
                    return number
            return self._canonical(raw)
        except Unreadable as error:
            if _unsigned(words) in self._absent:
                return None
            return Fault(Reason.WRONG_TYPE, f"{self.key} at {self.at}: {error}")
        except _Wrong as error:
            return Fault(error.reason, f"{self.key} at {self.at}: {error}")

    def text(self, value: Value) -> str:
        """Return `name=value` in line protocol."""
        if type(value) is float:
            return f"{self.name}={value!r}"
        match self._reading.type:
            case "bool":
                return f"{self.name}=true" if value else f"{self.name}=false"
            case "string":
                return f"{self.name}={string_field(str(value))}"
            case "int":
                return f"{self.name}={value}i"
            case _:
                return f"{self.name}={value!r}"

    def _canonical(self, raw: Raw) -> Value | None:
        register, kind = self._register, self._reading.type
        value: Any = raw
        if register.bit is not None:
            value = _bit(raw, register.bit)
        elif register.map is not None:
            value = _mapped(raw, register.map)
        match kind:
            case "bool":
                return _truth(value)
            case "string":
                return _printable(value)
            case _:
                return self._number(value)

    def _number(self, value: object) -> int | float:
        if type(value) is not int and type(value) is not float:
            raise _Wrong(Reason.WRONG_TYPE, f"is {brief(value)}, expected a number")
        low, high = self._low, self._high
        number = self._typed(self._scaled(value))
        if low <= number <= high:
            return number
        if self._register.clamp and math.isfinite(number):
            return low if number < low else high
        raise _Wrong(Reason.OUT_OF_RANGE, f"{brief(number)} is not in {low} ... {high} {self._reading.unit}")

    def _typed(self, number: float) -> int | float:
        """Make it what the vocabulary says; an int is rounded, for a float32 in kWh is no whole number of Wh."""
        try:
            if self._reading.type == "float":
                return float(number)
            return round(number) if math.isfinite(number) else number
        except OverflowError:  # a BCD number may have five hundred digits
            return math.inf


def _absent_values(register: Register) -> frozenset[Raw]:
    """Return the sentinels as they look when read: 0x8000 is -32768 to an int16, -9999.9 what a float32 makes of it."""
    values = set(register.absent)
    bits, narrow = _BITS.get(register.type), _FLOATS.get(register.type)
    if bits is not None:
        values |= {
            value - 2**bits for value in register.absent if type(value) is int and 2 ** (bits - 1) <= value < 2**bits
        }
    if narrow is not None:
        values |= {_narrowed(value, narrow) for value in register.absent if type(value) in {int, float}}  # type: ignore[arg-type]  # just asked
    return frozenset(values)


def _narrowed(value: float, narrow: Struct) -> float:
    try:
        return float(narrow.unpack(narrow.pack(value))[0])
    except OverflowError:
        return value


def _unsigned(words: Sequence[int]) -> int:
    """Return what the words are as a plain number, high register first: a sentinel need be no BCD number."""
    number = 0
    for word in words:
        number = number << 16 | word
    return number


def _scaler(scale: float, offset: float) -> Callable[[int | float], int | float]:
    """Return value * scale + offset, in whole numbers where it can be: a 64-bit counter has more digits than a float.

    A scale such as 0.1 is a division by ten, so that 3 becomes 0.3 and not 0.30000000000000004.
    """
    if scale == int(scale) and offset == int(offset):
        factor, plus = int(scale), int(offset)
        return lambda value: value * factor + plus
    divisor = round(1 / scale) if abs(scale) > LEAST_SCALE else 0
    if divisor and 1 / divisor == scale:
        return lambda value: _over(value, divisor) + offset
    return lambda value: _times(value, scale) + offset


def _over(value: float, divisor: int) -> float:
    try:
        return value / divisor
    except OverflowError:
        return math.inf


def _times(value: float, scale: float) -> float:
    try:
        return value * scale
    except OverflowError:
        return math.inf


def _bounds(register: Register, reading: Reading) -> tuple[int | float, int | float]:
    """Return the narrower of the vocabulary's and the profile's bounds, in the reading's own type."""
    low, high = reading.min or 0, reading.max or 0
    if register.min is not None:
        low = max(low, register.min)
    if register.max is not None:
        high = min(high, register.max)
    if reading.type == "int":
        return math.ceil(low), math.floor(high)
    return float(low), float(high)


def _bit(raw: Raw, bit: int) -> bool:
    if type(raw) is not int:
        raise _Wrong(Reason.WRONG_TYPE, f"is {brief(raw)}, which has no bits")
    return bool(raw >> bit & 1)


def _mapped(raw: Raw, meanings: dict[str, bool | int | float | str]) -> Value:
    text = str(raw).lower() if type(raw) is bool else str(raw)
    if text not in meanings:
        raise _Wrong(Reason.OUT_OF_RANGE, f"{brief(raw)} is none of {', '.join(meanings)}")
    return meanings[text]


def _truth(value: object) -> bool:
    if type(value) is bool or (type(value) is int and value in {0, 1}):
        return bool(value)
    raise _Wrong(Reason.WRONG_TYPE, f"is {brief(value)}, expected true or false")


def _printable(value: object) -> str | None:
    """Return the text; an empty one says nothing."""
    if type(value) is not str:
        raise _Wrong(Reason.WRONG_TYPE, f"is {brief(value)}, expected text")
    if string_field(value) is None:
        raise _Wrong(Reason.OUT_OF_RANGE, f"text is too long or not printable: {brief(value)}")
    return value or None
