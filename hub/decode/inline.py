"""The generated code for values that are plainly right; whatever is not goes to `fields.careful`.

The raw value stands in the variable `v`; a scaled one is put into `w`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.decode.line import MAX_STRING
from hub.decode.time_rule import AHEAD, EARLIEST, FACTOR

if TYPE_CHECKING:
    from hub.decode.fields import Field
    from hub.profiles.mqtt import TimeUnit


def plain(field: Field, absent: str, v: str = "v", w: str = "w") -> str:
    """Return the condition under which a value needs no careful look.

    Args:
        field: what it is to be.
        absent: name of the tuple of values that mean "no reading"; empty when there are none.
        v: name of the variable.
        w: likewise.
    """
    condition = _plain(field, v, w) if is_direct(field) else "False"
    return f"{condition} and {v} not in {absent}" if absent else condition


def text(field: Field, v: str = "v", w: str = "w") -> str:
    """Return what writes a value that is plainly right in line protocol: the inside of an f-string in double quotes."""
    match field.reading.type:
        case "int":
            return f"{field.name}={{{v}!r}}i"
        case "bool":
            return f"{field.name}={{'true' if {v} else 'false'}}"
        case "string":
            return f'{field.name}=\\"{{{v}}}\\"'
        case _:
            return f"{field.name}={{{value(field, v, w)}!r}}"


def value(field: Field, v: str = "v", w: str = "w") -> str:
    """Return the variable that holds the canonical value when it is plainly right."""
    return v if field.reading.type != "float" or _as_it_is(field) else w


def timely(unit: TimeUnit, keep_ns: int, v: str = "v") -> str:
    """Return the condition under which a device's time is plainly right, and `t` is it in nanoseconds."""
    span = f"received_ns - {keep_ns} <= t <= received_ns + {AHEAD}"
    return f"type({v}) is int and {EARLIEST} <= (t := {v} * {FACTOR[unit]}) and {span}"


def is_direct(field: Field) -> bool:
    """Return whether no bit, no enumeration and no scaled integer needs a careful look in any case."""
    conversion = field.conversion
    return conversion.bit is None and conversion.map is None and (field.reading.type != "int" or _as_it_is(field))


def _plain(field: Field, v: str, w: str) -> str:
    conversion = field.conversion
    match field.reading.type:
        case "bool":
            return f"type({v}) is bool"
        case "string":
            free = f"{v}.isprintable() and '\"' not in {v} and '\\\\' not in {v}"
            return f"type({v}) is str and len({v}) <= {MAX_STRING} and {free}"
        case "int":
            return f"type({v}) is int and {field.low!r} <= {v} <= {field.high!r}"
        case "float" if _as_it_is(field):
            return f"(type({v}) is float or type({v}) is int) and {field.low!r} <= {v} <= {field.high!r}"
        case _:
            scaled = f"({w} := {v} * {conversion.scale!r} + {conversion.offset!r})"
            number = f"(type({v}) is float or type({v}) is int and -1e300 < {v} < 1e300)"
            return f"{number} and {field.low!r} <= {scaled} <= {field.high!r}"


def _as_it_is(field: Field) -> bool:
    return field.conversion.scale == 1 and field.conversion.offset == 0
