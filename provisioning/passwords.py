"""Passwords: what is accepted, and how they are kept (Argon2id, RFC 9106)."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from provisioning.errors import WeakPassword

SHORTEST: Final = 12
LONGEST: Final = 1024

_ARGON2ID = PasswordHasher()  # RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes


def hash_password(password: str) -> str:
    """Return what may be stored of a password; takes about a tenth of a second, so do it outside a transaction.

    Length is what counts; nothing is asked of the characters (NIST SP 800-63B, 5.1.1.2).

    Raises:
        WeakPassword: too short, too long, or with characters that cannot be typed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(
            f"A password takes {SHORTEST} to {LONGEST} characters, this one has {len(password)}: "
            f"string some words together."
        )
    if not password.isprintable():
        raise WeakPassword("The password holds control characters, e.g. a line break: use only what can be typed.")
    return _ARGON2ID.hash(_normal(password))


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one whose hash is stored; None, for nobody's, takes as long and is never right."""
    if stored is None:
        _ARGON2ID.hash(_normal(password))
        return False
    try:
        return _ARGON2ID.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> bytes:
    """The same characters, typed on another keyboard, may come in other code points."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
