"""From registers as they arrive to the value that they hold (Modbus application protocol 1.1b3, 4.2). Pure.

A register is sent high byte first. How a value of several registers is laid out is the vendor's choice; its order is
named by where the bytes of a 32-bit value stand, A being the most significant:

    ABCD  as sent           CDAB  registers reversed
    BADC  bytes swapped     DCBA  registers reversed, and the bytes swapped in each

The same two changes, or neither, make the order of one, four, or any number of registers: a 64-bit value sent as CDAB
has its lowest register first, a 16-bit value or a string sent as BADC the low byte first in each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from struct import error as NotWords  # noqa: N812 - it says that what should be words is none
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hub.profiles.modbus import Order, RegisterType

Raw = bool | int | float | str
WordReader = Callable[[Sequence[int]], Raw]
"""Words of one value, as read -> the value; raises Unreadable."""

_FORMATS: Final[dict[RegisterType, str]] = {
    "int16": ">h", "uint16": ">H", "float16": ">e",
    "int32": ">i", "uint32": ">I", "float32": ">f",
    "int64": ">q", "uint64": ">Q", "float64": ">d",
}  # fmt: skip


class Unreadable(ValueError):
    """The words hold no value of the type that they should; the message says what they are instead."""


def word_reader(kind: RegisterType, width: int, order: Order) -> WordReader:
    """Return the reader of values of this type that take `width` registers, or one coil."""
    arrange = _arranger(width, order)
    match kind:
        case "bit":
            return lambda words: bool(words[0])
        case "bcd":
            return lambda words: _bcd(arrange(words))
        case "string":
            return lambda words: _text(arrange(words))
        case _:
            unpack = Struct(_FORMATS[kind]).unpack
            return _as_sent(width, unpack) if order == "ABCD" else lambda words: unpack(arrange(words))[0]


def _as_sent(width: int, unpack: Callable[[bytes], tuple[Raw, ...]]) -> WordReader:
    """Return the reader of the order that most devices use, without a detour."""
    pack = Struct(f">{width}H").pack

    def read(words: Sequence[int]) -> Raw:
        try:
            return unpack(pack(*words))[0]
        except NotWords as error:
            raise Unreadable(f"{list(words)[:8]} are no registers") from error

    return read


def _arranger(width: int, order: Order) -> Callable[[Sequence[int]], bytes]:
    """Return what lays registers out most significant byte first."""
    pack = Struct(f"{'<' if order in {'BADC', 'DCBA'} else '>'}{width}H").pack
    turned = order in {"CDAB", "DCBA"}

    def arrange(words: Sequence[int]) -> bytes:
        try:
            return pack(*(reversed(words) if turned else words))
        except NotWords as error:
            raise Unreadable(f"{list(words)[:8]} are no registers") from error

    return arrange


def _bcd(data: bytes) -> int:
    """Read four decimal digits a register."""
    digits = data.hex()
    if not digits.isdecimal():
        raise Unreadable(f"0x{digits[:16]} is no BCD number")
    return int(digits)


def _text(data: bytes) -> str:
    """Read two characters a register, up to the first NUL, without the padding."""
    try:
        return data.split(b"\0", 1)[0].decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Unreadable(f"{data[:16]!r} is no ASCII text") from error
