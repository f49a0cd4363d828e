"""Revocation lists (CRL, RFC 5280 section 5), judged before they go under the broker. Pure.

mosquitto 2.0.11 reads them at a start and at a reload (SIGHUP). One that is missing, empty or damaged *at a reload*
lets every revoked device in, at a start it ends the broker. One that has expired, or that comes from the future,
locks everybody out; so does a list that is missing for one of several issuing CAs, for the devices of that CA.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from hub.broker.errors import CrlRefused
from provisioning.crl import read_lists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CheckedLists:
    """Lists that may go under the broker.

    Attributes:
        pem: just what was checked, one list after the other.
        serials: the revoked certificates, in hexadecimal as the registry has them.
        numbers: CRL number by issuer.
        half_life: when it is time for new ones.
        expires: when the first of them runs out, and its devices are locked out.
    """

    pem: bytes = field(repr=False)
    serials: frozenset[str] = field(repr=False)
    numbers: Mapping[str, int]
    half_life: datetime
    expires: datetime


def check_lists(
    pem: bytes,
    trusted: Sequence[x509.Certificate],
    now: datetime,
    *,
    must_hold: Collection[str] = (),
    newer_than: Mapping[str, int] | None = None,
) -> CheckedLists:
    """Judge the lists in `pem`, one of each issuing CA.

    Args:
        pem: the lists, one after the other.
        trusted: issuing CAs and root.
        now: what the time is.
        must_hold: serial numbers, in hexadecimal, that have to be on the lists.
        newer_than: CRL number by issuer, which each list must reach.

    Raises:
        CrlRefused: a list is damaged, signed by somebody else, not valid now, older than one before, or not
            complete, or an issuing CA that is valid now has none.
    """
    lists = _parse(pem)
    for one in lists:
        _check_signature(one, trusted)
        _check_time(one, now)
    numbers = {_name(one.issuer): _number(one) for one in lists}
    _check_order(numbers, newer_than or {})
    _check_complete(numbers, trusted, now)
    serials = frozenset(f"{revoked.serial_number:x}" for one in lists for revoked in one)
    if missing := set(must_hold) - serials:
        raise CrlRefused(f"The revocation list lacks {len(missing)} certificates, e.g. {min(missing)}")
    return CheckedLists(
        pem=b"".join(one.public_bytes(Encoding.PEM) for one in lists),
        serials=serials,
        numbers=numbers,
        half_life=min(one.last_update_utc + (_end(one) - one.last_update_utc) / 2 for one in lists),
        expires=min(map(_end, lists)),
    )


def numbers_of(pem: bytes, trusted: Sequence[x509.Certificate]) -> dict[str, int]:
    """Return the CRL number by issuer, of lists that may be good for nothing else; a stranger's have none."""
    try:
        return {_name(one.issuer): _number(one) for one in _parse(pem) if _is_signed(one, trusted)}
    except CrlRefused:
        return {}


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in `pem`.

    Raises:
        CrlRefused: there is none, or one is damaged.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise CrlRefused(f"The certificates that vouch for the revocation lists cannot be read: {error}") from error


def _parse(pem: bytes) -> list[x509.CertificateRevocationList]:
    try:
        lists = read_lists(pem)
        # The codec reads lazily: ask now for all that is asked later, so that what is damaged shows here.
        for one in lists:
            _ = [*one], one.extensions, one.issuer, one.last_update_utc, one.next_update_utc
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        raise CrlRefused(f"The revocation list is damaged: {error}") from error
    if not lists:
        raise CrlRefused("The revocation list is empty")
    return lists


def _check_signature(one: x509.CertificateRevocationList, trusted: Iterable[x509.Certificate]) -> None:
    if not _is_signed(one, trusted):
        raise CrlRefused(f"The revocation list of {_name(one.issuer)} is signed by nobody that the hub trusts")


def _is_signed(one: x509.CertificateRevocationList, trusted: Iterable[x509.Certificate]) -> bool:
    return any(_signed_by(one, issuer) for issuer in trusted if issuer.subject == one.issuer)


def _signed_by(one: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return one.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # other kinds raise TypeError
    except (TypeError, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _check_time(one: x509.CertificateRevocationList, now: datetime) -> None:
    if one.last_update_utc > now + _CLOCKS_DIFFER:
        raise CrlRefused(
            f"The revocation list of {_name(one.issuer)} is from {one.last_update_utc:%Y-%m-%d %H:%M} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M}"
        )
    if _end(one) <= now:
        raise CrlRefused(f"The revocation list of {_name(one.issuer)} expired at {_end(one):%Y-%m-%d %H:%M} UTC")


def _check_order(numbers: Mapping[str, int], newer_than: Mapping[str, int]) -> None:
    for issuer, number in numbers.items():
        if number < newer_than.get(issuer, number):
            raise CrlRefused(
                f"The revocation list of {issuer} has number {number}, and number {newer_than[issuer]} has been in "
                "use: it would let devices in that were revoked since"
            )


def _check_complete(numbers: Mapping[str, int], trusted: Sequence[x509.Certificate], now: datetime) -> None:
    for ca in trusted:
        is_issuing = ca.subject != ca.issuer and ca.not_valid_before_utc <= now < ca.not_valid_after_utc
        if is_issuing and _name(ca.subject) not in numbers:
            raise CrlRefused(f"There is no revocation list of {_name(ca.subject)}: its devices would be locked out")


def _number(one: x509.CertificateRevocationList) -> int:
    try:
        return one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound as error:
        raise CrlRefused(f"The revocation list of {_name(one.issuer)} has no number") from error


def _end(one: x509.CertificateRevocationList) -> datetime:
    if one.next_update_utc is None:
        raise CrlRefused(f"The revocation list of {_name(one.issuer)} does not say when it ends")
    return one.next_update_utc


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()
