"""The rules that names keep; whatever breaks one raises InvalidIdentity with what is allowed.

A device id is at once a certificate's CN, an MQTT client id, a topic level and an InfluxDB tag value. The CN of
a service contains a dot, which no device id can, so neither can pass for the other.
"""

from __future__ import annotations

import re

from provisioning.errors import InvalidIdentity

_DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SLUG = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SERVICE = re.compile(r"(?=.{3,64}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SERIAL = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_IMEI = re.compile(r"[0-9]{15}")
_MODBUS = re.compile(
    r"(tcp|rtutcp)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
    r"|rtu:///dev/[A-Za-z0-9/_.-]+(\?(baud=[0-9]+|parity=[NEO]|stop=[12])(&(baud=[0-9]+|parity=[NEO]|stop=[12]))*)?"
)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_IN_NUMBERS = str.maketrans("", "", " -.()")
_LONGEST_NAME = 200


def check_device_id(text: str) -> None:
    """Check the id of a device: 1 to 64 letters, digits, `_` and `-`."""
    _match(_DEVICE_ID, "device id", text, "use 1 to 64 of A-Z a-z 0-9 _ -, e.g. cam-bobotsari-01")


def check_slug(what: str, text: str) -> None:
    """Check the id of an agency, site, zone … or the name of a profile: they become InfluxDB tag values."""
    _match(_SLUG, what, text, "use 1 to 64 of A-Z a-z 0-9 _ . -, e.g. bobotsari-pasar")


def check_service_name(text: str) -> None:
    """Check the CN of a service: words of letters, digits and `-`, joined by at least one dot."""
    _match(_SERVICE, "service name", text, "use words joined by dots, 64 characters at most, e.g. hub.cityhub")


def check_serial(text: str) -> None:
    """Check a serial number; vendors build topics from it, so no topic separator or wildcard may pass."""
    _match(_SERIAL, "serial", text, "use 1 to 64 of A-Z a-z 0-9 _ . : -, as on the type plate")


def check_imei(text: str) -> None:
    """Check an IMEI: 15 digits, the last one being the Luhn check digit (3GPP TS 23.003, annex B)."""
    _match(_IMEI, "IMEI", text, "use its 15 digits without spaces")
    if _luhn(text) % 10:
        raise InvalidIdentity(f"The IMEI {text} fails its check digit: compare it with the label, one digit is wrong.")


def check_modbus(address: str | None, unit: int | None) -> None:
    """Check where a device is polled over Modbus, and its address on that bus: both or neither.

    `tcp://host:502` is Modbus TCP, `rtutcp://host:4001` are RTU frames over TCP, `rtu:///dev/ttyUSB0?baud=9600` is a
    serial line; its further settings are `parity` (N, E, O) and `stop` (1, 2).
    """
    if address is None and unit is None:
        return
    if address is None or unit is None:
        raise InvalidIdentity("A device on Modbus needs both an address and a unit: give the missing one, or neither.")
    _match(_MODBUS, "Modbus address", address, "use e.g. tcp://10.20.3.4:502 or rtu:///dev/ttyUSB0?baud=9600&parity=N")
    if not 0 <= unit <= 255:  # noqa: PLR2004 - one byte, Modbus application protocol 1.1b3, 4.1
        raise InvalidIdentity(f"The Modbus unit {unit} is not in 0 to 255: see the device's own setting.")


def check_phone(text: str) -> None:
    """Check a phone number in international form (E.164)."""
    _match(_PHONE, "phone number", text, "write it in international form without spaces, e.g. +6281234567890")


def read_phone(text: str) -> str:
    """Return a phone number, as people write it, in international form.

    A single leading zero is Indonesia's; spaces, dashes, dots and brackets are left out.

    Raises:
        InvalidIdentity: it is none.
    """
    plain = text.translate(_IN_NUMBERS)
    phone = f"+62{plain[1:]}" if plain.startswith("0") and not plain.startswith("00") else plain
    check_phone(phone)
    return phone


def check_name(text: str) -> None:
    """Check a name for people to read: up to 200 printable characters, or none."""
    if len(text) > _LONGEST_NAME or not text.isprintable():
        raise InvalidIdentity(
            f"The name {_shown(text)} cannot be used: use at most {_LONGEST_NAME} characters on one line."
        )


def check_position(lat: float | None, lon: float | None) -> None:
    """Check a position in degrees WGS 84: both numbers or neither."""
    if lat is None and lon is None:
        return
    if lat is None or lon is None:
        raise InvalidIdentity("A position needs both latitude and longitude: give the missing one, or neither.")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - the bounds of the globe; NaN fails them too
        raise InvalidIdentity(
            f"The position {lat}, {lon} is not on the globe: latitude is -90 to 90, longitude -180 to 180."
        )


def _match(rule: re.Pattern[str], what: str, text: str, remedy: str) -> None:
    if not rule.fullmatch(text):
        raise InvalidIdentity(f"The {what} {_shown(text)} cannot be used: {remedy}.")


def _shown(text: str) -> str:
    """Quote foreign text, shortened, with whatever could upset a terminal escaped."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")  # noqa: PLR2004 - a line on a terminal


def _luhn(digits: str) -> int:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled)  # noqa: PLR2004 - the sum of its two digits
