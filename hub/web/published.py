"""The lists of revoked certificates (CRL, RFC 5280), kept for many clients."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from provisioning.crl import read_lists

if TYPE_CHECKING:
    from provisioning.clock import Clock
    from provisioning.registry import Registry
    from provisioning.revocation import Revocation

_SIGN_ANEW_NS: Final = 60 * 60 * 10**9


@dataclass(frozen=True, slots=True)
class Published:
    """The lists as they were signed.

    Attributes:
        pem: the list of every issuing CA, one after the other.
        der: the list of the CA that signs now; DER has room for one.
        change: the registry's latest change before they were signed.
        signed_ns: nanoseconds UTC.
    """

    pem: bytes
    der: bytes
    change: int
    signed_ns: int


class PublishedLists:
    """Keeps the lists: signed anew once the registry has changed, or after an hour, and not for every client."""

    def __init__(self, revocation: Revocation, registry: Registry, clock: Clock) -> None:
        self._revocation = revocation
        self._registry = registry
        self._clock = clock
        self._lock = Lock()
        self._published: Published | None = None

    def current(self) -> Published:
        """Return the lists, signed an hour ago at most; raises AuthorityProblem and StorageProblem."""
        with self._lock:
            change, now = self._registry.latest_change(), self._clock()
            kept = self._published
            if kept is None or kept.change != change or not 0 <= now - kept.signed_ns < _SIGN_ANEW_NS:
                pem = self._revocation.crl()
                first, *_ = read_lists(pem)
                kept = self._published = Published(pem, first.public_bytes(Encoding.DER), change, now)
            return kept
