"""Lists of revoked certificates (CRL, RFC 5280 section 5). No files, no clock, no database."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from provisioning.certificates import key_id
from provisioning.clock import utc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from provisioning.certificates import Signer

VALID: Final = timedelta(days=7)
"""From one list to the last moment for the next one: a broker locks everybody out when its list has expired."""

_BACKDATED: Final = timedelta(minutes=5)  # a list from the future would lock everybody out as well
_BEGIN: Final = b"-----BEGIN X509 CRL-----"


class Reason(StrEnum):
    """Why a certificate is revoked (RFC 5280 section 5.3.1, those that make sense for a device)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"


class Revoked(NamedTuple):
    """A revoked certificate: serial number as hexadecimal, nanoseconds UTC, and the reason."""

    serial: str
    revoked_ns: int
    reason: Reason


def sign_list(issuer: Signer, revoked: Iterable[Revoked], number: int, now: datetime) -> bytes:
    """Sign the list of what an issuing CA revoked, its canary first, as PEM; valid for `VALID` from `now`."""
    canary = _entry(canary_serial(issuer.certificate), issuer.certificate.not_valid_before_utc, Reason.UNSPECIFIED)
    entries = [canary, *(_entry(int(one.serial, 16), utc(one.revoked_ns), one.reason) for one in revoked)]
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    # All in one call: the builder's own methods copy what it holds for each entry that is added.
    builder = x509.CertificateRevocationListBuilder(
        issuer.certificate.subject,
        now - _BACKDATED,
        now + VALID,
        [_extension(authority), _extension(x509.CRLNumber(number))],
        entries,
    )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def canary_serial(issuing: x509.Certificate) -> int:
    """Return the serial number that every canary of an issuing CA has.

    It follows from the CA alone, so that whoever builds the list knows it, whoever made the canary.
    """
    digest = hashlib.sha256(f"canary {key_id(issuing)}".encode()).digest()
    return int.from_bytes(digest[:20]) >> 1  # RFC 5280 section 4.1.2.2: positive, in at most 20 bytes


def read_lists(content: bytes) -> list[x509.CertificateRevocationList]:
    """Read lists that stand one after the other in PEM, as a broker's file holds them; none in an empty one.

    Raises:
        ValueError: one of them is damaged.
    """
    _, *parts = content.split(_BEGIN)
    return [x509.load_pem_x509_crl(_BEGIN + part) for part in parts]


def _entry(serial: int, revoked: datetime, reason: Reason) -> x509.RevokedCertificate:
    # RFC 5280 section 5.3.1: a reason that says nothing is left out.
    extensions = [] if reason is Reason.UNSPECIFIED else [_REASONS[reason]]
    return x509.RevokedCertificateBuilder(serial, revoked, extensions).build()


def _extension(value: x509.ExtensionType) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical=False, value=value)


_REASONS: Final = {reason: _extension(x509.CRLReason(x509.ReasonFlags[reason.value])) for reason in Reason}
