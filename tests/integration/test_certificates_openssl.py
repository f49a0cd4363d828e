"""What OpenSSL, the library that brokers and devices use, makes of the certificates."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from provisioning.bundle import bundle_files, write_folder
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.errors import KeyProblem
from provisioning.files import write_atomically
from provisioning.records import NewDevice
from provisioning.registry import Registry
from provisioning.tables import metadata
from tests.ports import PATIENCE_S, free_port, wait_for_listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provisioning.issued import Issued


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "pki", clock=time.time_ns)


@pytest.fixture
def enrolment(tmp_path: Path, authority: Authority) -> Iterator[Enrolment]:
    engine = open_engine(tmp_path / "registry.db")
    metadata.create_all(engine)
    Registry(engine, time.time_ns).add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    yield Enrolment(engine, authority, time.time_ns)
    engine.dispose()


@pytest.fixture
def device(tmp_path: Path, enrolment: Enrolment) -> Path:
    """The folder of a device's bundle."""
    return unpacked(tmp_path / "cam-1", enrolment.issue_with_hub_key("cam-1"))


@pytest.fixture
def service(tmp_path: Path, authority: Authority) -> Path:
    """The folder of a service's key and certificates, named as in a bundle."""
    issued = authority.issue_service("broker.cityhub", dns=["localhost"], ips=["127.0.0.1"])
    return unpacked(tmp_path / "broker", issued)


def unpacked(folder: Path, issued: Issued) -> Path:
    write_folder(folder, bundle_files("cam-1", issued, broker=("localhost", 8883), sample="{}"))
    write_atomically(folder / "leaf.pem", issued.cert_pem)
    write_atomically(folder / "issuing.pem", issued.issuing_pem)
    write_atomically(folder / "root.pem", issued.root_pem)
    return folder


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(
        ["openssl", *arguments], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    ).stdout


def verdict(folder: Path, purpose: str) -> bool:
    """Whether the leaf verifies for a purpose when only the root is trusted."""
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem"]
    command += ["-untrusted", "issuing.pem", "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE_S, check=False).returncode == 0


def test_a_device_is_a_client_only(device: Path) -> None:
    assert {purpose: verdict(device, purpose) for purpose in ("sslclient", "sslserver")} == {
        "sslclient": True,
        "sslserver": False,
    }


def test_a_service_is_both_server_and_client(service: Path) -> None:
    assert {purpose: verdict(service, purpose) for purpose in ("sslclient", "sslserver")} == {
        "sslclient": True,
        "sslserver": True,
    }


def test_a_device_cannot_sign_certificates(tmp_path: Path, device: Path) -> None:
    child = tmp_path / "child"
    child.mkdir()
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=cam-2",
            "-keyout", child / "device.key", "-out", child / "device.csr")  # fmt: skip
    openssl("x509", "-req", "-in", child / "device.csr", "-CA", device / "leaf.pem", "-CAkey", device / "device.key",
            "-CAcreateserial", "-out", child / "leaf.pem")  # fmt: skip
    (child / "root.pem").write_bytes((device / "root.pem").read_bytes())
    (child / "issuing.pem").write_bytes((device / "device.pem").read_bytes())
    assert not verdict(child, "sslclient")


def test_openssl_reads_the_extensions_of_a_device(device: Path) -> None:
    text = openssl("x509", "-in", device / "leaf.pem", "-noout", "-text")
    assert re.search(r"Subject: CN = cam-1\n", text)
    assert re.search(r"X509v3 Basic Constraints: critical\s+CA:FALSE\n", text)
    assert re.search(r"X509v3 Key Usage: critical\s+Digital Signature\n", text)
    assert re.search(r"X509v3 Extended Key Usage: \s+TLS Web Client Authentication\n", text)
    assert "X509v3 Subject Key Identifier" in text
    assert "X509v3 Authority Key Identifier" in text
    assert "ASN1 OID: prime256v1" in text


def test_openssl_reads_the_names_of_a_service(service: Path) -> None:
    text = openssl("x509", "-in", service / "leaf.pem", "-noout", "-text")
    assert re.search(r"X509v3 Subject Alternative Name: \s+DNS:localhost, IP Address:127.0.0.1\n", text)
    assert re.search(r"TLS Web Server Authentication, TLS Web Client Authentication\n", text)


@pytest.mark.parametrize(("name", "depth"), [("root", 1), ("issuing", 0)])
def test_openssl_reads_the_depth_of_a_ca(device: Path, name: str, depth: int) -> None:
    text = openssl("x509", "-in", device / f"{name}.pem", "-noout", "-text")
    assert re.search(rf"X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:{depth}\n", text)
    assert re.search(r"X509v3 Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign\n", text)


P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


@pytest.mark.parametrize("algorithm", [P256, RSA], ids=["P-256", "RSA-2048"])
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_request_made_by_openssl_is_signed(
    tmp_path: Path, enrolment: Enrolment, algorithm: tuple[str, ...], form: str
) -> None:
    request = tmp_path / "device.csr"
    openssl("req", "-new", "-newkey", *algorithm, "-nodes", "-subj", "/O=Dishub/CN=cam-1", "-outform", form,
            "-keyout", tmp_path / "device.key", "-out", request)  # fmt: skip
    folder = unpacked(tmp_path / "cam-1", enrolment.issue_from_csr("cam-1", request.read_bytes()))
    assert verdict(folder, "sslclient")
    assert openssl("x509", "-in", folder / "leaf.pem", "-noout", "-pubkey") == openssl(
        "pkey", "-in", tmp_path / "device.key", "-pubout"
    )


def test_an_ed25519_request_made_by_openssl_is_refused(tmp_path: Path, enrolment: Enrolment) -> None:
    request = tmp_path / "device.csr"
    openssl(
        "req", "-new", "-newkey", "ed25519", "-nodes", "-subj", "/CN=cam-1", "-keyout", tmp_path / "k", "-out", request
    )
    with pytest.raises(KeyProblem, match="Edwards-curve"):
        enrolment.issue_from_csr("cam-1", request.read_bytes())


@pytest.fixture
def server(service: Path) -> Iterator[int]:
    """The port of an OpenSSL server that demands a client certificate."""
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-Verify", "3", "-verify_return_error", "-quiet"]
    command += ["-cert_chain", "device.pem", "-cert", "leaf.pem", "-key", "device.key", "-CAfile", "root.pem", "-www"]
    process = subprocess.Popen(command, cwd=service, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_for_listener(port)
        yield port
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_device_and_service_shake_hands(device: Path, server: int, version: str) -> None:
    assert "HTTP/1.0 200 ok" in _talk(device, server, version, *_PRESENT)


def test_a_client_without_a_certificate_is_turned_away(device: Path, server: int) -> None:
    assert "HTTP/1.0 200 ok" not in _talk(device, server, "-tls1_3")


def test_a_device_of_another_authority_is_turned_away(tmp_path: Path, device: Path, server: int) -> None:
    other = Authority.create(tmp_path / "other", clock=time.time_ns).issue_service("cam.other")
    write_atomically(device / "device.pem", other.presented_pem)
    write_atomically(device / "device.key", other.key_pem)
    assert "HTTP/1.0 200 ok" not in _talk(device, server, "-tls1_3", *_PRESENT)


_PRESENT = ("-cert", "device.pem", "-cert_chain", "device.pem", "-key", "device.key")


def _talk(folder: Path, port: int, *options: str) -> str:
    """Ask the server for its page, as a device would: the broker's name is checked against its certificate."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-verify_ip", "127.0.0.1", "-quiet"]
    command += ["-verify_return_error", "-CAfile", "ca.pem", *options]
    request = b"GET / HTTP/1.0\r\n\r\n"
    return subprocess.run(
        command, cwd=folder, input=request, capture_output=True, timeout=PATIENCE_S, check=False
    ).stdout.decode()
