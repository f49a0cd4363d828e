"""The code of a claim as people type it, and the text of its QR sticker.

A code is 19 characters of Crockford's base 32 (95 random bits) and a check character, in four groups:
`7ZK2M-0QXAB-93NTD-V5HGE`. Capitals do not matter, O is read as 0, I and L as 1, and there is no U.

A sticker reads `CITYHUB:1:<device id>:<host>:<port>:<code>`: the hub's EST server is at that host and port, an IPv6
address stands in brackets, and `1` is the version of this format.
"""

from __future__ import annotations

import re
import secrets
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from provisioning.errors import BadClaim

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_RANDOM: Final = 19
_GROUP: Final = 5
_SEPARATORS: Final = str.maketrans("", "", "- ")
_POLYNOMIAL: Final = 0b100101  # x^5 + x^2 + 1, primitive over GF(2)
_HOST: Final = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_TEXT: Final = re.compile(rf"CITYHUB:1:([A-Za-z0-9_-]{{1,64}}):({_HOST}):([1-9][0-9]{{0,4}}):([A-Za-z0-9 -]{{20,40}})")
_HIGHEST_PORT: Final = 65535


class ClaimText(NamedTuple):
    """What a sticker says: whose certificate, where to ask for it, and the code, as `new_code` made it."""

    device_id: str
    host: str
    port: int
    code: str


def new_code() -> str:
    """Make a code, in groups."""
    values = [secrets.randbelow(len(_ALPHABET)) for _ in range(_RANDOM)]
    return _grouped([*values, _check_value(values)])


def parse_code(text: str) -> str:
    """Return a code as `new_code` made it, however it was typed.

    Raises:
        BadClaim: it is too long or too short, or has a slip: one wrong character, or two that changed places.
    """
    characters = text.translate(_SEPARATORS).upper()
    values = [_VALUES.get(character, -1) for character in characters]
    if len(values) != _RANDOM + 1 or -1 in values or _check_value(values):
        raise BadClaim(
            f"The claim code is not one: compare it with the sticker, it has {_RANDOM + 1} characters in groups of "
            f"{_GROUP}, and the last one tells of a slip in the others."
        )
    return _grouped(values)


def claim_text(device_id: str, host: str, port: int, code: str) -> str:
    """Return the text of a sticker; `host` is a name or an address, IPv6 with or without its brackets.

    Raises:
        BadClaim: a part cannot be written so.
    """
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    text = f"CITYHUB:1:{device_id}:{bracketed}:{port}:{code}"
    parse_claim_text(text)
    return text


def parse_claim_text(text: str) -> ClaimText:
    """Read the text of a sticker.

    Raises:
        BadClaim: it is something else, or damaged.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None or int(match[3]) > _HIGHEST_PORT:
        raise BadClaim("This is not a sticker of Cityhub: it reads CITYHUB:1:<device id>:<host>:<port>:<code>.")
    return ClaimText(match[1], _host(match[2]), int(match[3]), parse_code(match[4]))


def _host(text: str) -> str:
    if not text.startswith("["):
        return text.lower()
    try:
        return str(IPv6Address(text[1:-1]))
    except ValueError as error:
        raise BadClaim(f"The sticker's address {text} is no IPv6 address: print it anew.") from error


def _grouped(values: list[int]) -> str:
    code = "".join(_ALPHABET[value] for value in values)
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def _check_value(values: list[int]) -> int:
    """The check value of a code, 0 for one that ends in its check character (Damm's scheme over GF(32)).

    Each step is a multiplication by x, so that one wrong value, or two neighbours exchanged, never cancel out.
    """
    state = 0
    for value in values:
        state = (state ^ value) << 1
        state ^= _POLYNOMIAL if state > len(_ALPHABET) - 1 else 0
    return state
