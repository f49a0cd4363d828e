"""The certificate authority, and what it puts into certificates."""

from __future__ import annotations

import shutil
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.ca import Authority
from provisioning.certificates import new_key
from provisioning.errors import AlreadyExists, AuthorityProblem, InvalidIdentity, StorageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.clock import Clock

NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def authority(tmp_path: Path, clock: Clock) -> Authority:
    """One that has just been made, where other tests load a copy."""
    return Authority.create(tmp_path / "pki", clock=clock)


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def common_name(name: x509.Name) -> str:
    [attribute] = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attribute.value)


def test_an_authority_is_a_private_folder(tmp_path: Path, clock: Clock) -> None:
    Authority.create(tmp_path / "state" / "pki", clock=clock)
    modes = {
        path.name: oct(stat.S_IMODE(path.stat().st_mode))
        for path in [tmp_path / "state" / "pki", *(tmp_path / "state" / "pki").iterdir()]
    }
    assert modes == {
        "pki": "0o700",
        "root.key": "0o600",
        "root.pem": "0o600",
        "issuing.key": "0o600",
        "issuing.pem": "0o600",
        "chain.pem": "0o600",
    }


@pytest.mark.usefixtures("authority")
def test_the_chain_is_issuing_and_root(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    assert (folder / "chain.pem").read_bytes() == (folder / "issuing.pem").read_bytes() + (
        folder / "root.pem"
    ).read_bytes()


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(("name", "years", "path_length"), [("root", 20, 1), ("issuing", 10, 0)])
def test_a_ca_signs_certificates_and_nothing_below_its_depth(
    tmp_path: Path, name: str, years: int, path_length: int
) -> None:
    certificate = read(tmp_path / "pki" / f"{name}.pem")
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=True, path_length=path_length))
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
    assert certificate.not_valid_before_utc == NOW - FIVE_MINUTES
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365 * years)


@pytest.mark.usefixtures("authority")
def test_no_authority_is_made_over_another(tmp_path: Path, clock: Clock) -> None:
    before = (tmp_path / "pki" / "root.pem").read_bytes()
    with pytest.raises(AlreadyExists, match="already holds files"):
        Authority.create(tmp_path / "pki", clock=clock)
    assert (tmp_path / "pki" / "root.pem").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["pki"]


def test_an_authority_may_fill_an_empty_folder(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "pki").mkdir()
    Authority.create(tmp_path / "pki", clock=clock)
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageProblem, match="file/pki cannot be made"):
        Authority.create(tmp_path / "file" / "pki", clock=clock)


def test_two_authorities_have_different_names(tmp_path: Path, clock: Clock) -> None:
    for name in ("one", "two"):
        Authority.create(tmp_path / name, clock=clock)
    subjects = {read(tmp_path / name / file).subject for name in ("one", "two") for file in ("root.pem", "issuing.pem")}
    assert len(subjects) == 4


def test_a_loaded_authority_needs_no_root_key(tmp_path: Path, authority: Authority, clock: Clock) -> None:
    made = authority.issue_device(new_key().public_key(), "cam-1")
    (tmp_path / "pki" / "root.key").unlink()
    loaded = Authority.load(tmp_path / "pki", clock=clock)
    assert loaded.issue_device(new_key().public_key(), "cam-1").issuer == made.issuer


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("name", ["root.pem", "issuing.pem", "issuing.key"])
@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "cannot be read: No such file"), (b"rubbish", "is not a"), (b"", "is not a")]
)
def test_a_damaged_authority_is_refused_by_the_name_of_the_file(
    tmp_path: Path, clock: Clock, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "pki" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(AuthorityProblem, match=f"{name} {sentence}"):
        Authority.load(tmp_path / "pki", clock=clock)


@pytest.mark.parametrize(
    ("mixed", "sentence"),
    [("issuing.key", "is not the key of issuing.pem"), ("root.pem", "issuing.pem was not signed by root.pem")],
)
def test_files_of_two_authorities_do_not_mix(tmp_path: Path, clock: Clock, mixed: str, sentence: str) -> None:
    for name in ("one", "two"):
        Authority.create(tmp_path / name, clock=clock)
    shutil.copy(tmp_path / "one" / mixed, tmp_path / "two" / mixed)
    with pytest.raises(AuthorityProblem, match=sentence):
        Authority.load(tmp_path / "two", clock=clock)


@pytest.mark.usefixtures("authority")
def test_a_key_of_another_kind_is_refused(tmp_path: Path, clock: Clock) -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pki" / "issuing.key").write_bytes(pem)
    with pytest.raises(AuthorityProblem, match="is not an elliptic-curve key"):
        Authority.load(tmp_path / "pki", clock=clock)


@pytest.mark.usefixtures("authority")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "pki" / "issuing.key").chmod(0o640)
    with pytest.raises(AuthorityProblem, match="may be read by others: chmod 600"):
        Authority.load(tmp_path / "pki", clock=clock)


def test_a_device_is_a_client_and_nothing_else(authority: Authority) -> None:
    key = new_key()
    certificate = authority.issue_device(key.public_key(), "cam-1")
    extensions = certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    extended = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert common_name(certificate.subject) == "cam-1"
    assert certificate.public_key() == key.public_key()
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=False, path_length=None))
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, False)
    assert list(extended.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_before_utc == NOW - FIVE_MINUTES
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


def test_a_certificate_names_its_key_and_its_issuers(tmp_path: Path, authority: Authority) -> None:
    certificate = authority.issue_device(new_key().public_key(), "cam-1")
    issuing = read(tmp_path / "pki" / "issuing.pem")
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuers = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    expected = issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    assert issuers.key_identifier == expected.digest


def test_an_rsa_key_may_also_encipher(authority: Authority) -> None:
    certificate = authority.issue_device(rsa.generate_private_key(65537, 2048).public_key(), "cam-1")
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment


def test_serial_numbers_are_random_and_long(authority: Authority) -> None:
    key = new_key().public_key()
    numbers = [authority.issue_device(key, "cam-1").serial_number for _ in range(20)]
    assert len(set(numbers)) == 20
    assert max(numbers).bit_length() > 128


def test_no_certificate_outlives_its_issuer(authority: Authority) -> None:
    certificate = authority.issue_device(new_key().public_key(), "cam-1", days=365 * 30)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("now_ns", [0, 1_790_000_000_000_000_000 + 11 * 365 * 86_400 * 10**9])
def test_nothing_is_signed_while_the_clock_is_off(tmp_path: Path, now_ns: int) -> None:
    loaded = Authority.load(tmp_path / "pki", clock=lambda: now_ns)
    with pytest.raises(AuthorityProblem, match="check this machine's clock"):
        loaded.issue_device(new_key().public_key(), "cam-1")


def test_a_device_id_cannot_be_a_services_name(authority: Authority) -> None:
    with pytest.raises(InvalidIdentity):
        authority.issue_device(new_key().public_key(), "hub.cityhub")
    with pytest.raises(InvalidIdentity):
        authority.issue_service("cam-1")


def test_a_service_is_a_server_under_its_names_and_a_client(authority: Authority) -> None:
    issued = authority.issue_service("broker.cityhub", dns=["localhost", "hub.local"], ips=["127.0.0.1", "::1"])
    certificate = x509.load_pem_x509_certificate(issued.cert_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    key = load_pem_private_key(issued.key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert common_name(certificate.subject) == "broker.cityhub"
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "hub.local"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    assert list(extended) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.parametrize(("dns", "ips"), [([], ["localhost"]), (["kantor-é.local"], [])])
def test_a_service_under_an_impossible_name_is_refused(authority: Authority, dns: list[str], ips: list[str]) -> None:
    with pytest.raises(InvalidIdentity, match=r"broker\.cityhub"):
        authority.issue_service("broker.cityhub", dns=dns, ips=ips)


def test_a_key_is_never_printed(authority: Authority) -> None:
    issued = authority.issue_service("hub.cityhub")
    assert "PRIVATE" not in repr(issued)
    assert "PRIVATE" in issued.key_pem.decode()
