"""The errors of provisioning; `str(error)` is a sentence that says what was wrong and what to do.

ProvisioningError
├── InvalidIdentity      an id, serial, IMEI, position … breaks its rule
├── Unknown              nothing in the registry has that id; names the nearest one
│   └── UnknownDevice
├── AlreadyExists        an id, serial or IMEI is taken
├── StillInUse           something else refers to what should be removed
├── WrongState           a device's place in its life does not allow it
├── BadRequest           a certificate signing request is not what it should be
│   └── KeyProblem       its key is too weak, of the wrong kind, or another device's
├── BadClaim             a claim's code or sticker cannot be read
├── Refused              a claim code or an old certificate does not entitle to a new certificate
├── NotAuthenticated     a password or token is wrong, expired or revoked, or its user disabled
├── Forbidden            the user's role or agencies do not allow it
├── WeakPassword         a password that could be guessed, or that cannot be typed
├── AuthorityProblem     the certificate authority's folder is missing, damaged or unsafe
└── StorageProblem       a registry or file cannot be opened or written
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ProvisioningError(Exception):
    """Root of the tree."""


class InvalidIdentity(ProvisioningError):
    """An id, serial, IMEI, name or position breaks its rule."""


class Unknown(ProvisioningError):
    """Nothing in the registry has that id.

    Args:
        what: the kind of thing, e.g. `site`.
        name: the id that was asked for.
        known: ids that exist; the nearest one is named.
    """

    def __init__(self, what: str, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"There is no {what} {name!r}{_suggestion(what, name, known)}")
        self.what = what
        self.name = name


class UnknownDevice(Unknown):
    """No device has that id."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__("device", name, known)


class AlreadyExists(ProvisioningError):
    """An id, serial or IMEI is taken."""


class StillInUse(ProvisioningError):
    """Something else refers to what should be removed."""


class WrongState(ProvisioningError):
    """A device's place in its life does not allow it."""


class BadRequest(ProvisioningError):
    """A certificate signing request is not what it should be."""


class KeyProblem(BadRequest):
    """The key in a signing request is too weak, of the wrong kind, or another device's."""


class BadClaim(ProvisioningError):
    """A claim's code or the text of its sticker cannot be read."""


class Refused(ProvisioningError):
    """A claim code or an old certificate does not entitle to a new certificate."""


class NotAuthenticated(ProvisioningError):
    """A password or token is wrong, expired or revoked, or its user disabled."""


class Forbidden(ProvisioningError):
    """The user's role or agencies do not allow it."""


class WeakPassword(ProvisioningError):
    """A password could be guessed, or cannot be typed."""


class AuthorityProblem(ProvisioningError):
    """The certificate authority's folder is missing, damaged or unsafe."""


class StorageProblem(ProvisioningError):
    """A registry or file cannot be opened or written."""


def _suggestion(what: str, name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {nearest[0]!r}?" if nearest else f". Add the {what} first, or list those there are."
