"""From a cell's text to the value that it states; each reader raises InvalidIdentity with what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from provisioning.errors import InvalidIdentity
from provisioning.identity import (
    check_device_id,
    check_imei,
    check_modbus,
    check_name,
    check_serial,
    check_slug,
    read_phone,
)
from provisioning.importing.columns import Column

if TYPE_CHECKING:
    from collections.abc import Collection

Value: TypeAlias = bool | str | float | tuple[str, ...]
Reader: TypeAlias = Callable[[str], Value]

_DEGREES = re.compile(r"[+-]?[0-9]{1,3}([.,][0-9]{1,20})?")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
_UNIT = re.compile(r"[0-9]{1,3}")
_LAST_UNIT = 255
_WORDS: Final = {"yes": True, "y": True, "ya": True, "true": True, "1": True,
                 "no": False, "n": False, "tidak": False, "false": False, "0": False}  # fmt: skip
_BETWEEN_ZONES = re.compile(r"[\s,;|]+")


def readers(profiles: Collection[str]) -> Mapping[Column, Reader]:
    """Return the reader of each column.

    Args:
        profiles: names of the device profiles that there are.
    """
    return {**_READERS, Column.PROFILE: lambda text: _one_of(profiles, text)}


def _one_of(profiles: Collection[str], name: str) -> str:
    if name in profiles:
        return name
    near = get_close_matches(name, profiles, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(profiles))}."
    raise InvalidIdentity(f"There is no profile {name[:80]!a}; {hint}")


def _checked(check: Callable[[str], None]) -> Reader:
    def read(text: str) -> str:
        check(text)
        return text

    return read


def _numeral(reader: Reader) -> Reader:
    """For digits that a spreadsheet may take for a number, and then show as 8.62E+14."""

    def read(text: str) -> Value:
        if _SHORTENED.fullmatch(text):
            raise InvalidIdentity(
                f"A spreadsheet has shortened this to {text}: format the column as text and type the number again."
            )
        return reader(text)

    return read


def _slug(what: str) -> Reader:
    return _checked(lambda text: check_slug(what, text))


def _zones(text: str) -> tuple[str, ...]:
    """Several in one cell, with white space, a comma, a semicolon or a bar between; in alphabetical order."""
    zones = sorted({zone for zone in _BETWEEN_ZONES.split(text) if zone})
    for zone in zones:
        check_slug("zone", zone)
    return tuple(zones)


def _degrees(text: str) -> float:
    """A single point or comma is the decimal sign: no position needs one between thousands."""
    if not _DEGREES.fullmatch(text):
        raise InvalidIdentity(
            f"{text[:80]!a} is not in degrees: write -7.307 or -7,307, with one decimal sign and nothing else."
        )
    return float(text.replace(",", "."))


def _within(limit: int, text: str) -> float:
    value = _degrees(text)
    if abs(value) > limit:
        raise InvalidIdentity(
            f"{text} is beyond {limit} degrees: a decimal sign may have been lost; format the column as text."
        )
    return value


def _modbus(text: str) -> str:
    check_modbus(text, 0)
    return text


def _unit(text: str) -> int:
    if not _UNIT.fullmatch(text) or int(text) > _LAST_UNIT:
        raise InvalidIdentity(f"{text[:80]!a} is no Modbus unit: write a whole number from 0 to 255.")
    return int(text)


def _yes_or_no(text: str) -> bool:
    try:
        return _WORDS[text.casefold()]
    except KeyError:
        raise InvalidIdentity(f"{text[:80]!a} is neither yes nor no: write yes or no, ya or tidak, 1 or 0.") from None


_latitude: Final = partial(_within, 90)
_longitude: Final = partial(_within, 180)
_name: Final = _checked(check_name)

_READERS: Final[Mapping[Column, Reader]] = {
    Column.ID: _checked(check_device_id),
    Column.NAME: _name,
    Column.AGENCY: _slug("agency"),
    Column.SITE: _slug("site"),
    Column.ZONES: _zones,
    Column.SERIAL: _numeral(_checked(check_serial)),
    Column.IMEI: _numeral(_checked(check_imei)),
    Column.LAT: _latitude,
    Column.LON: _longitude,
    Column.PARENT: _checked(check_device_id),
    Column.MODBUS: _modbus,
    Column.UNIT: _unit,
    Column.LOCAL_RECORDING: _yes_or_no,
    Column.AGENCY_NAME: _name,
    Column.CONTACT_NAME: _name,
    Column.CONTACT_PHONE: _numeral(read_phone),
    Column.SITE_NAME: _name,
    Column.SITE_AGENCY: _slug("agency"),
    Column.SITE_LAT: _latitude,
    Column.SITE_LON: _longitude,
}
