from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from hub.broker.crl import CheckedLists, check_lists, numbers_of, read_certificates
from hub.broker.errors import CrlRefused
from provisioning.certificates import Signer, make_issuing, make_root
from provisioning.crl import Reason, Revoked, canary_serial, sign_list

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
ROOT = make_root(NOW - timedelta(days=1))
ISSUING, EARLIER = make_issuing(ROOT, NOW - timedelta(days=1)), make_issuing(ROOT, NOW - timedelta(days=1))
STRANGER = make_issuing(make_root(NOW), NOW)
TRUSTED = [ISSUING.certificate, ROOT.certificate]
NAME = ISSUING.certificate.subject.rfc4514_string()
CANARY = f"{canary_serial(ISSUING.certificate):x}"


def _signed(issuer: Signer = ISSUING, number: int = 1, now: datetime = NOW, revoked: tuple[str, ...] = ()) -> bytes:
    entries = [Revoked(serial, int(now.timestamp() * 1e9), Reason.KEY_COMPROMISE) for serial in revoked]
    return sign_list(issuer, entries, number, now)


def _bare(*, number: int | None, end: datetime | None = NOW + timedelta(days=1)) -> bytes:
    """Sign a list that lacks something, with a builder that insists on less than ours."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(ISSUING.certificate.subject)
    builder = builder.last_update(NOW).next_update(end or NOW)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    return builder.sign(ISSUING.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_good_list_tells_what_it_holds_and_how_long() -> None:
    pem = _signed(number=7, revoked=("1a2b",))
    assert check_lists(pem, TRUSTED, NOW) == CheckedLists(
        pem=pem,
        serials=frozenset({"1a2b", CANARY}),
        numbers={NAME: 7},
        half_life=NOW + timedelta(days=3.5) - timedelta(minutes=2.5),
        expires=NOW + timedelta(days=7),
    )


def test_each_issuing_ca_has_its_list() -> None:
    trusted = [ISSUING.certificate, EARLIER.certificate, ROOT.certificate]
    checked = check_lists(_signed(revoked=("a",)) + _signed(EARLIER, revoked=("b",)), trusted, NOW)
    assert {"a", "b"} < checked.serials
    with pytest.raises(CrlRefused, match="its devices would be locked out"):
        check_lists(_signed(), trusted, NOW)


def test_an_issuing_ca_that_is_over_needs_no_list() -> None:
    over = make_issuing(ROOT, NOW - timedelta(days=11 * 365))
    assert check_lists(_signed(), [*TRUSTED, over.certificate], NOW).numbers == {NAME: 1}


def test_what_stands_between_the_lists_does_not_go_under_the_broker() -> None:
    pem = _signed()
    assert check_lists(b"# a comment\n" + pem, TRUSTED, NOW).pem == pem


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "The revocation list is empty"),
        (b"rubbish", "The revocation list is empty"),
        (_signed()[:200], "The revocation list is damaged"),
        (_signed() + _signed()[:200], "The revocation list is damaged"),
        (_signed(STRANGER), "is signed by nobody that the hub trusts"),
        (_signed(now=NOW - timedelta(days=8)), "expired at 2026-09-20 12:00 UTC"),
        (_signed(now=NOW + timedelta(hours=1)), "is from 2026-09-21 12:55 UTC, and it is 2026-09-21 12:00"),
        (_bare(number=None), "has no number"),
    ],
)
def test_a_list_that_would_open_or_lock_the_broker_is_refused(pem: bytes, words: str) -> None:
    with pytest.raises(CrlRefused, match=words):
        check_lists(pem, TRUSTED, NOW)


def test_a_list_that_somebody_altered_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_crl(_signed(revoked=("1a2b",))).public_bytes(Encoding.DER))
    at = der.index(bytes.fromhex("1a2b"))
    der[at] ^= 1
    pem = x509.load_der_x509_crl(bytes(der)).public_bytes(Encoding.PEM)
    with pytest.raises(CrlRefused, match="is signed by nobody that the hub trusts"):
        check_lists(pem, TRUSTED, NOW)


def test_a_list_of_the_right_name_and_the_wrong_key_is_refused() -> None:
    stolen_name = Signer(ISSUING.certificate, STRANGER.key)
    with pytest.raises(CrlRefused, match="is signed by nobody that the hub trusts"):
        check_lists(_signed(stolen_name), TRUSTED, NOW)


@pytest.mark.parametrize("number", [7, 8])
def test_a_list_of_the_same_number_or_a_higher_one_is_taken(number: int) -> None:
    assert check_lists(_signed(number=number), TRUSTED, NOW, newer_than={NAME: 7}).numbers == {NAME: number}


def test_a_list_does_not_go_back_behind_one_that_was_in_use() -> None:
    with pytest.raises(CrlRefused, match="has number 6, and number 7 has been in use"):
        check_lists(_signed(number=6), TRUSTED, NOW, newer_than={NAME: 7})


def test_a_list_without_what_must_be_on_it_is_refused() -> None:
    check_lists(_signed(revoked=("1a2b",)), TRUSTED, NOW, must_hold={"1a2b", CANARY})
    with pytest.raises(CrlRefused, match=r"lacks 1 certificates, e\.g\. 3c4d"):
        check_lists(_signed(revoked=("1a2b",)), TRUSTED, NOW, must_hold={"1a2b", "3c4d"})


def test_the_number_of_a_list_that_has_expired_still_counts() -> None:
    assert numbers_of(_signed(number=7, now=NOW - timedelta(days=30)), TRUSTED) == {NAME: 7}


@pytest.mark.parametrize("pem", [b"", b"rubbish", _signed(STRANGER, number=2**100), _signed()[:200]])
def test_the_number_of_a_list_that_is_not_ours_does_not(pem: bytes) -> None:
    assert numbers_of(pem, TRUSTED) == {}


def test_rubbish_vouches_for_nothing() -> None:
    with pytest.raises(CrlRefused, match="cannot be read"):
        read_certificates(b"rubbish")


GOOD = _signed(revoked=("1a2b", "3c4d"))


@given(st.binary(max_size=2000))
def test_no_bytes_do_anything_but_be_refused(pem: bytes) -> None:
    with pytest.raises(CrlRefused):
        check_lists(pem, TRUSTED, NOW)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_altered_byte_is_overlooked(at: int, change: int) -> None:
    altered = bytearray(GOOD)
    altered[at] ^= change
    try:
        checked = check_lists(bytes(altered), TRUSTED, NOW)
    except CrlRefused:
        return
    assert checked.pem == GOOD  # base64 has spare bits and white space: what goes under the broker is what was signed


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=3))
def test_no_altered_der_does_anything_but_be_refused(at: int, change: bytes) -> None:
    der = x509.load_pem_x509_crl(GOOD).public_bytes(Encoding.DER)
    altered = der[: at % len(der)] + change + der[at % len(der) + len(change) :]
    try:
        checked = check_lists(_pem(altered), TRUSTED, NOW)
    except CrlRefused:
        return
    assert checked.pem == GOOD


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(der) + b"-----END X509 CRL-----\n"
