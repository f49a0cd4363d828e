"""What a conversion may not say of a reading. Pure: every check yields the key, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.profiles.document import Place
    from hub.profiles.values import Conversion, Plain
    from hub.profiles.vocabulary import Reading, ReadingType

_FITS: Final[dict[ReadingType, set[str]]] = {
    "bool": {"bool"},
    "int": {"int"},
    "float": {"int", "float"},
    "string": {"str"},
}
"""The types of values that may be written for a reading."""


def conversion_problems(reading: Reading, conversion: Conversion) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the way in which a raw value becomes `reading`."""
    if reading.type in {"int", "float"}:
        yield from _bounds(reading, conversion)
    else:
        for key in sorted({"scale", "offset", "min", "max", "clamp"} & conversion.model_fields_set):
            yield (key,), f"belongs to numbers, and this reading is a {reading.type}"
    if conversion.bit is not None and reading.type != "bool":
        yield ("bit",), f"gives true or false, and this reading is a {reading.type}"
    for word, value in (conversion.map or {}).items():
        if what := misfit(reading, value):
            yield ("map", word), what


def misfit(reading: Reading, value: Plain) -> str:
    """Return why a canonical value cannot be one of `reading`; empty when it can."""
    if type(value).__name__ not in _FITS[reading.type]:
        return f"{value!r} is no {reading.type}"
    if type(value) in {int, float} and not _least(reading) <= float(value) <= _most(reading):
        return f"{value!r} is not in {reading.min} ... {reading.max} {reading.unit}"
    return ""


def _bounds(reading: Reading, conversion: Conversion) -> Iterator[tuple[Place, str]]:
    low = _least(reading) if conversion.min is None else conversion.min
    high = _most(reading) if conversion.max is None else conversion.max
    if low < _least(reading):
        yield ("min",), f"{low:g} is wider than the reading's own {reading.min}"
    if high > _most(reading):
        yield ("max",), f"{high:g} is wider than the reading's own {reading.max}"
    if low > high:
        yield ("min",), f"leaves nothing between {low:g} and {high:g}"
    if conversion.scale == 0:
        yield ("scale",), "makes every value the same"


def _least(reading: Reading) -> float:
    return reading.min or 0


def _most(reading: Reading) -> float:
    return reading.max or 0
