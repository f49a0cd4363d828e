"""API tokens: `cityhub_<id>_<secret>`, the id to name one by, the secret known to its holder alone.

The secret is 256 random bits, which nobody can guess or search for, so a single SHA-256 protects what is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_TOKEN = re.compile(r"cityhub_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; times in nanoseconds UTC."""

    id: str
    user: str
    name: str
    created_ns: int
    expires_ns: int
    revoked_ns: int | None = None


@dataclass(frozen=True, slots=True)
class TokenText:
    """A token as its holder presents it; never printed but once, never logged."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> TokenText:
        """Return a token that never was."""
        return cls(secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> TokenText | None:
        """Read what somebody presents; None when it is no token."""
        found = _TOKEN.fullmatch(text)
        return cls(*found.groups()) if found else None

    def reveal(self) -> str:
        """Return the whole text, for its holder."""
        return f"cityhub_{self.id}_{self.secret}"

    def secret_hash(self) -> str:
        """Return what may be stored of the secret: its SHA-256, hexadecimal."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, stored: str) -> bool:
        """Whether the stored hash is this secret's; takes as long wherever they differ."""
        return hmac.compare_digest(stored, self.secret_hash())
