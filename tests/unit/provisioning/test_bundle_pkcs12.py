"""Key and certificates in one file under a password."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from cryptography.x509 import load_pem_x509_certificate

from provisioning.bundle import bundle_files, check_password, new_password, write_pkcs12
from provisioning.errors import StorageProblem, WeakPassword
from provisioning.issued import Issued
from provisioning.records import NewDevice

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.enrolment import Enrolment
    from provisioning.issued import IssuedWithKey
    from provisioning.registry import Registry

PASSWORD = new_password()


@pytest.fixture
def issued(registry: Registry, enrolment: Enrolment) -> IssuedWithKey:
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    return enrolment.issue_with_hub_key("cam-1")


def test_it_holds_the_key_the_certificate_and_its_authorities(tmp_path: Path, issued: IssuedWithKey) -> None:
    write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, PASSWORD)
    content = load_pkcs12((tmp_path / "cam-1.p12").read_bytes(), PASSWORD.encode())
    certificate = load_pem_x509_certificate(issued.cert_pem)
    authorities = [load_pem_x509_certificate(pem) for pem in (issued.issuing_pem, issued.root_pem)]
    assert content.key is not None
    assert content.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) == issued.key_pem
    assert content.cert is not None
    assert (content.cert.certificate, content.cert.friendly_name) == (certificate, b"cam-1")
    assert [one.certificate for one in content.additional_certs] == authorities


def test_it_is_ours_alone_and_opens_only_with_its_password(tmp_path: Path, issued: IssuedWithKey) -> None:
    path = tmp_path / "cam-1.p12"
    write_pkcs12(path, "cam-1", issued, PASSWORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="Invalid password"):
        load_pkcs12(path.read_bytes(), b"not the password")


def test_a_new_password_is_good_easily_typed_and_never_the_same() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    for password in passwords:
        check_password(password)
        assert re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}", password)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 51, "kata sandi é 123", "line\nbreak 123"])
def test_a_password_that_devices_would_not_take_is_refused_before_anything_is_written(
    tmp_path: Path, issued: IssuedWithKey, password: str
) -> None:
    with pytest.raises(WeakPassword, match=r"The password for PKCS #12 takes"):
        write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, password)
    assert [path.name for path in tmp_path.glob("*.p12")] == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, issued: IssuedWithKey) -> None:
    with pytest.raises(StorageProblem, match=r"missing/cam-1\.p12 cannot be written"):
        write_pkcs12(tmp_path / "missing" / "cam-1.p12", "cam-1", issued, PASSWORD)


def test_a_bundle_trusts_every_issuing_authority_that_is_in_use() -> None:
    issued = Issued(b"leaf\n", b"new\n", b"root\n", others_pem=b"old\n")
    assert bundle_files("cam-1", issued, broker=("b", 1), sample="{}")["ca.pem"] == b"root\nnew\nold\n"
