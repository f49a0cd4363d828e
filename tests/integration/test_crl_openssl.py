"""What OpenSSL and mosquitto, who know nothing of us, make of the lists of revoked certificates."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from provisioning.ca import Authority
from provisioning.canary import ensure_canary
from provisioning.crl import Reason
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.files import write_atomically
from provisioning.records import NewDevice
from provisioning.registry import Registry
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation
from provisioning.schema import metadata
from tests.ports import PATIENCE_S, free_port, wait_for_listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

VERDICTS = {"old-good": True, "old-revoked": False, "new-good": True, "new-revoked": False, "canary": False}


@dataclass
class City:
    """A city with two issuing CAs, the second of which signs, and a folder of certificates with their keys."""

    folder: Path
    engine: Engine
    authority: Authority
    old_issuer: str

    @property
    def revocation(self) -> Revocation:
        return Revocation(self.engine, self.authority, time.time_ns)

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.engine, self.folder / "pki", time.time_ns)

    def enrol(self, name: str) -> None:
        Registry(self.engine, time.time_ns).add_device(NewDevice(id=name, profile="generic_ipcamera"))
        issued = Enrolment(self.engine, self.authority, time.time_ns).issue_with_hub_key(name)
        write_atomically(self.folder / f"{name}.pem", issued.presented_pem + issued.key_pem)

    def write_lists(self) -> None:
        write_atomically(self.folder / "crl.pem", self.revocation.crl())
        write_atomically(self.folder / "chain.pem", self.authority.chain_pem)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    engine = open_engine(tmp_path / "registry.db")
    metadata.create_all(engine)
    authority = Authority.create(tmp_path / "pki", clock=time.time_ns)
    city = City(tmp_path, engine, authority, "")
    for name in ("old-good", "old-revoked"):
        city.enrol(name)
    city.revocation.revoke("old-revoked", Reason.KEY_COMPROMISE)
    [city.old_issuer] = {one.issuer for one in Registry(engine, time.time_ns).certificates("old-good") if one.issuer}
    city.rotation.rotate()
    for name in ("new-good", "new-revoked"):
        city.enrol(name)
    city.revocation.revoke("new-revoked", Reason.CESSATION_OF_OPERATION)
    ensure_canary(tmp_path / "canary.pem", authority)
    city.write_lists()
    yield city
    engine.dispose()


def test_openssl_reads_each_list(city: City) -> None:
    lists = (city.folder / "crl.pem").read_text().split("-----END X509 CRL-----\n")[:-1]
    texts = [_openssl("crl", "-noout", "-text", given=part + "-----END X509 CRL-----\n") for part in lists]
    assert [re.findall(r"Issuer: CN = (Cityhub Issuing CA \w+)", text) != [] for text in texts] == [True, True]
    assert [re.findall(r"X509v3 CRL Number: \s+(\d+)", text) for text in texts] == [["1"], ["1"]]
    assert [text.count("Serial Number:") for text in texts] == [2, 2]
    assert [re.findall(r"CRL Reason Code: \s+([\w ]+)", text) for text in texts] == [
        ["Cessation Of Operation"],
        ["Key Compromise"],
    ]


def test_openssl_takes_lists_of_two_issuers_from_one_file(city: City) -> None:
    assert {name: _verifies(city.folder, name) for name in VERDICTS} == VERDICTS


def test_a_dropped_ca_takes_its_certificates_with_it(city: City) -> None:
    city.rotation.drop(city.old_issuer, force=True)
    city.write_lists()
    assert {name: _verifies(city.folder, name) for name in VERDICTS} == VERDICTS | {"old-good": False}


def test_mosquitto_takes_lists_of_two_issuers_from_one_file(city: City, broker: int) -> None:
    assert {name: _publishes(city.folder, name, broker) for name in VERDICTS} == VERDICTS


def test_mosquitto_refuses_a_device_of_a_ca_without_a_list(city: City, broker_without_old: int) -> None:
    """Although the root is trusted, and the device presents the CA's certificate."""
    verdicts = {name: _publishes(city.folder, name, broker_without_old) for name in VERDICTS}
    assert verdicts == VERDICTS | {"old-good": False}


@pytest.fixture
def broker(city: City) -> Iterator[int]:
    """The port of a mosquitto that enforces the lists of both CAs."""
    yield from _broker(city)


@pytest.fixture
def broker_without_old(city: City) -> Iterator[int]:
    """The port of a mosquitto that enforces the new CA's list, after the old one was dropped."""
    city.rotation.drop(city.old_issuer, force=True)
    city.write_lists()
    yield from _broker(city)


def _broker(city: City) -> Iterator[int]:
    issued = city.authority.issue_service("broker.cityhub", dns=["localhost"], ips=["127.0.0.1"])
    write_atomically(city.folder / "server.pem", issued.presented_pem)
    write_atomically(city.folder / "server.key", issued.key_pem)
    port = free_port()
    config = f"""
        user root
        listener {port} 127.0.0.1
        cafile {city.folder}/chain.pem
        crlfile {city.folder}/crl.pem
        certfile {city.folder}/server.pem
        keyfile {city.folder}/server.key
        require_certificate true
        use_identity_as_username true
        allow_anonymous false
    """
    (city.folder / "mosquitto.conf").write_text("\n".join(line.strip() for line in config.splitlines()))
    process = subprocess.Popen([_mosquitto(), "-c", city.folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_for_listener(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _publishes(folder: Path, name: str, port: int) -> bool:
    command = ["mosquitto_pub", "-h", "localhost", "-p", str(port), "--cafile", "chain.pem", "--cert", f"{name}.pem"]
    command += ["--key", f"{name}.pem", "-i", name, "-q", "1", "-t", "t", "-m", "m"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE_S, check=False).returncode == 0


def _verifies(folder: Path, name: str) -> bool:
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-crl_check", "-CRLfile", "crl.pem"]
    command += ["-CAfile", "chain.pem", "-untrusted", f"{name}.pem", f"{name}.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE_S, check=False).returncode == 0


def _openssl(*arguments: str, given: str) -> str:
    command = ["openssl", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout


def _mosquitto() -> str:
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "mosquitto"
