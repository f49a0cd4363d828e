"""The lists of revoked certificates, and the canary that is always on them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from provisioning.canary import ensure_canary
from provisioning.certificates import Signer, make_issuing, make_root
from provisioning.crl import Reason, Revoked, canary_serial, read_lists, sign_list
from provisioning.rotation import Rotation
from tests.unit.provisioning.life import NOW_NS

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.clock import Clock

NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
ROOT = make_root(NOW)
ISSUER = make_issuing(ROOT, NOW)

serials = st.integers(1, (1 << 159) - 1).map(lambda number: f"{number:x}")
revoked = st.builds(Revoked, serials, st.integers(0, NOW_NS), st.sampled_from(Reason))


def signed(entries: list[Revoked], issuer: Signer = ISSUER, number: int = 1) -> x509.CertificateRevocationList:
    [found] = read_lists(sign_list(issuer, entries, number, NOW))
    return found


@given(st.lists(revoked, max_size=20, unique_by=lambda one: one.serial))
def test_a_list_says_what_was_revoked_when_and_why(entries: list[Revoked]) -> None:
    canary, *found = signed(entries)
    assert canary.serial_number == canary_serial(ISSUER.certificate)
    assert [_read(entry) for entry in found] == [(one.serial, one.revoked_ns // 10**9, one.reason) for one in entries]


def _read(entry: x509.RevokedCertificate) -> tuple[str, int, str]:
    reasons = [
        extension.value.reason.name for extension in entry.extensions if isinstance(extension.value, x509.CRLReason)
    ]
    [reason] = reasons or ["unspecified"]
    return f"{entry.serial_number:x}", int(entry.revocation_date_utc.timestamp()), reason


def test_a_list_is_signed_by_its_issuer_and_numbered() -> None:
    found = signed([], number=77)
    key = ISSUER.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert found.is_signature_valid(key)
    assert found.issuer == ISSUER.certificate.subject
    assert found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 77
    named = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert named == ISSUER.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_a_list_holds_for_a_week_and_forgives_slow_clocks() -> None:
    found = signed([])
    assert (found.last_update_utc, found.next_update_utc) == (NOW - timedelta(minutes=5), NOW + timedelta(days=7))


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_kept() -> None:
    entries = [Revoked(f"{number:x}", NOW_NS, Reason.SUPERSEDED) for number in range(1, 100_001)]
    assert len(signed(entries)) == 100_001


def test_lists_are_read_one_after_the_other() -> None:
    other = make_issuing(ROOT, NOW)
    content = b"".join(sign_list(issuer, [], 1, NOW) for issuer in (ISSUER, other))
    assert [one.issuer for one in read_lists(content)] == [ISSUER.certificate.subject, other.certificate.subject]
    assert read_lists(b"") == []


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: b"-----BEGIN X509 CRL-----" + rest))
def test_any_bytes_are_lists_or_refused(content: bytes) -> None:
    try:
        assert read_lists(content) == []
    except ValueError:
        return


@given(place=st.integers(0, 10_000))
def test_a_list_cut_short_is_refused_or_none(place: int) -> None:
    whole = sign_list(ISSUER, [], 1, NOW)
    begin = len(b"-----BEGIN X509 CRL-----")
    end = begin + place % (len(whole) - 1 - begin)
    with pytest.raises(ValueError, match="PEM"):
        read_lists(whole[:end])


def test_the_canary_is_a_client_with_the_serial_number_that_is_listed(tmp_path: Path, authority: Authority) -> None:
    ensure_canary(tmp_path / "canary.pem", authority)
    content = (tmp_path / "canary.pem").read_bytes()
    certificate, issuing = x509.load_pem_x509_certificates(content)
    key = load_pem_private_key(content[content.index(b"-----BEGIN PRIVATE KEY") :], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert certificate.subject.rfc4514_string() == "CN=canary.cityhub"
    certificate.verify_directly_issued_by(issuing)
    [listed] = read_lists(authority.sign_lists({}, 1))
    assert listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    assert stat.S_IMODE((tmp_path / "canary.pem").stat().st_mode) == 0o600


def test_the_canary_is_made_once_and_anew_after_a_rotation(
    tmp_path: Path, authority: Authority, engine: Engine, clock: Clock
) -> None:
    path = tmp_path / "canary.pem"
    contents = []
    for step in (lambda: None, lambda: None, Rotation(engine, tmp_path / "pki", clock).rotate, lambda: None):
        step()
        ensure_canary(path, authority)
        contents.append(path.read_bytes())
    first, second, third, fourth = contents
    assert (first == second, second == third, third == fourth) == (True, False, True)
    [listed, earlier] = read_lists(authority.sign_lists({}, 1))
    for content, one in ((first, earlier), (third, listed)):
        serial = x509.load_pem_x509_certificate(content).serial_number
        assert one.get_revoked_certificate_by_serial_number(serial) is not None


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
def test_a_damaged_canary_is_made_anew(tmp_path: Path, authority: Authority, content: bytes) -> None:
    path = tmp_path / "canary.pem"
    path.write_bytes(content)
    ensure_canary(path, authority)
    assert x509.load_pem_x509_certificate(path.read_bytes()).subject.rfc4514_string() == "CN=canary.cityhub"
