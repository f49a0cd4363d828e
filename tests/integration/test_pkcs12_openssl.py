"""What OpenSSL, which cameras are built on, makes of a PKCS #12 file."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from provisioning.bundle import new_password, write_pkcs12
from provisioning.ca import Authority
from provisioning.certificates import new_key, private_pem
from tests.ports import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.issued import IssuedWithKey


@pytest.fixture
def issued(tmp_path: Path) -> IssuedWithKey:
    authority = Authority.create(tmp_path / "pki", clock=time.time_ns)
    key = new_key()
    return authority.with_key(authority.issue_device(key.public_key(), "cam-1"), private_pem(key))


def openssl(folder: Path, password: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Read cam-1.p12; the password comes by standard input, as arguments are seen by everybody."""
    command = ["openssl", "pkcs12", "-in", "cam-1.p12", "-passin", "stdin", *options]
    return subprocess.run(
        command, cwd=folder, input=password, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.mark.parametrize("password", [new_password(), "with spaces and 'quotes' \"\\"], ids=["made", "typed"])
def test_openssl_takes_key_and_certificates_out_again(tmp_path: Path, issued: IssuedWithKey, password: str) -> None:
    write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, password)
    key = openssl(tmp_path, password, "-nocerts", "-nodes").stdout
    leaf = openssl(tmp_path, password, "-nokeys", "-clcerts").stdout
    authorities = openssl(tmp_path, password, "-nokeys", "-cacerts").stdout
    assert issued.key_pem.decode() in key
    assert "friendlyName: cam-1" in leaf
    assert issued.cert_pem.decode() in leaf
    assert issued.issuing_pem.decode() in authorities
    assert issued.root_pem.decode() in authorities


def test_openssl_verifies_what_it_took_out(tmp_path: Path, issued: IssuedWithKey) -> None:
    password = new_password()
    write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, password)
    (tmp_path / "leaf.pem").write_text(openssl(tmp_path, password, "-nokeys", "-clcerts").stdout)
    (tmp_path / "ca.pem").write_text(openssl(tmp_path, password, "-nokeys", "-cacerts").stdout)
    command = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", "ca.pem", "leaf.pem"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == "leaf.pem: OK\n"


def test_openssl_finds_strong_algorithms_in_it(tmp_path: Path, issued: IssuedWithKey) -> None:
    password = new_password()
    write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, password)
    told = openssl(tmp_path, password, "-info", "-noout").stderr
    assert "MAC: sha256" in told
    assert "AES-256-CBC" in told
    assert "3DES" not in told


def test_openssl_does_not_open_it_with_another_password(tmp_path: Path, issued: IssuedWithKey) -> None:
    write_pkcs12(tmp_path / "cam-1.p12", "cam-1", issued, new_password())
    refused = openssl(tmp_path, new_password(), "-nodes")
    assert refused.returncode != 0
    assert "invalid password" in refused.stderr
    assert "PRIVATE KEY" not in refused.stdout
