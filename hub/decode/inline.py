"""The generated code for values that are plainly right; whatever is not goes to `fields.careful`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.decode.line import MAX_STRING

if TYPE_CHECKING:
    from hub.decode.fields import Field


def plain(field: Field, absent: str) -> str:
    """Return the condition under which `v` needs no careful look; a scaled value is then in `w`.

    Args:
        absent: name of the tuple of values that mean "no reading"; empty when there are none.
    """
    condition = _plain(field) if _is_direct(field) else "False"
    return f"{condition} and v not in {absent}" if absent else condition


def text(field: Field) -> str:
    """Return the expression that writes `v`, when it is plainly right, in line protocol."""
    match field.reading.type:
        case "int":
            return f'f"{field.name}={{v!r}}i,"'
        case "bool":
            return f'"{field.name}=true," if v else "{field.name}=false,"'
        case "string":
            return f"f'{field.name}=\"{{v}}\",'"
        case _:
            return f'f"{field.name}={{{value(field)}!r}},"'


def value(field: Field) -> str:
    """Return the variable that holds the canonical value when it is plainly right."""
    return "v" if field.reading.type != "float" or _as_it_is(field) else "w"


def _plain(field: Field) -> str:
    conversion = field.conversion
    match field.reading.type:
        case "bool":
            return "type(v) is bool"
        case "string":
            return (
                f"type(v) is str and len(v) <= {MAX_STRING} and v.isprintable() and '\"' not in v and '\\\\' not in v"
            )
        case "int":
            return f"type(v) is int and {field.low!r} <= v <= {field.high!r}"
        case "float" if _as_it_is(field):
            return f"(type(v) is float or type(v) is int) and {field.low!r} <= v <= {field.high!r}"
        case _:
            scaled = f"(w := v * {conversion.scale!r} + {conversion.offset!r})"
            number = "(type(v) is float or type(v) is int and -1e300 < v < 1e300)"
            return f"{number} and {field.low!r} <= {scaled} <= {field.high!r}"


def _is_direct(field: Field) -> bool:
    """Return whether no bit, no enumeration and no scaled integer needs a careful look in any case."""
    conversion = field.conversion
    return conversion.bit is None and conversion.map is None and (field.reading.type != "int" or _as_it_is(field))


def _as_it_is(field: Field) -> bool:
    return field.conversion.scale == 1 and field.conversion.offset == 0
