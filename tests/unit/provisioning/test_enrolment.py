"""A registered device gets a certificate, one way or the other."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from provisioning import audit
from provisioning.audit import Actor
from provisioning.certificates import issuer_id
from provisioning.errors import BadRequest, KeyProblem, UnknownDevice, WrongState
from provisioning.issued import IssuedWithKey
from provisioning.records import CertificateRecord, Lifecycle, NewDevice

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry

NOW_NS = 1_790_000_000_000_000_000
MINUTE_NS = 60 * 10**9
DAY_NS = 24 * 60 * MINUTE_NS


@pytest.fixture(autouse=True)
def cameras(registry: Registry) -> None:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-1", "cam-2")])


def request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, SHA256()).public_bytes(Encoding.PEM)


def test_a_key_made_here_comes_with_its_certificate(enrolment: Enrolment) -> None:
    issued = enrolment.issue_with_hub_key("cam-1")
    key = load_pem_private_key(issued.key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == x509.load_pem_x509_certificate(issued.cert_pem).public_key()


def test_a_request_gets_a_certificate_for_its_key(enrolment: Enrolment) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = enrolment.issue_from_csr("cam-1", request(key, "cam-1"))
    assert not isinstance(issued, IssuedWithKey)
    assert x509.load_pem_x509_certificate(issued.cert_pem).public_key() == key.public_key()


def test_certificates_come_with_those_that_vouch_for_them(enrolment: Enrolment) -> None:
    issued = enrolment.issue_with_hub_key("cam-1")
    leaf, issuing = x509.load_pem_x509_certificates(issued.presented_pem)
    trusted_issuing, root = x509.load_pem_x509_certificates(issued.chain_pem)
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    assert issuing == trusted_issuing


def test_each_certificate_is_recorded(registry: Registry, enrolment: Enrolment) -> None:
    certificate = x509.load_pem_x509_certificate(enrolment.issue_with_hub_key("cam-1", days=30).cert_pem)
    [record] = registry.certificates("cam-1")
    assert record == CertificateRecord(
        serial=f"{certificate.serial_number:x}",
        device="cam-1",
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        key_fingerprint=record.key_fingerprint,
        not_before_ns=NOW_NS - 5 * MINUTE_NS,
        not_after_ns=NOW_NS + 30 * DAY_NS,
        issued_ns=NOW_NS,
        issuer=issuer_id(certificate),
        key_kind="EC-256",
    )


def test_each_certificate_is_entered_in_the_audit_log(registry: Registry, enrolment: Enrolment, engine: Engine) -> None:
    siti = enrolment.acting(Actor("siti", "10.1.2.3"))
    siti.issue_with_hub_keys(["cam-1", "cam-2"])
    siti.issue_from_csr("cam-1", request(ec.generate_private_key(ec.SECP256R1()), "cam-1"))
    rows = [row for row in reversed(audit.read(engine, 10)) if row.action == "certificate.issue"]
    assert [(row.actor, row.subject) for row in rows] == [
        ("siti", "device/cam-1"),
        ("siti", "device/cam-2"),
        ("siti", "device/cam-1"),
    ]
    issued = {one.serial: one for name in ("cam-1", "cam-2") for one in registry.certificates(name)}
    for row in rows:
        record = asdict(issued[str(row.detail["serial"])])
        assert row.detail == {name: record[name] for name in row.detail}
    assert audit.verify(engine) == []


def test_many_devices_are_enrolled_at_once_or_none(registry: Registry, enrolment: Enrolment) -> None:
    with pytest.raises(UnknownDevice):
        enrolment.issue_with_hub_keys(["cam-1", "cam-9"])
    assert registry.certificates("cam-1") == []

    issued = enrolment.issue_with_hub_keys(["cam-2", "cam-1"])
    names = [x509.load_pem_x509_certificate(one.cert_pem).subject.rfc4514_string() for one in issued]
    assert names == ["CN=cam-2", "CN=cam-1"]


def test_a_device_may_renew_with_its_own_key(registry: Registry, enrolment: Enrolment) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(2):
        enrolment.issue_from_csr("cam-1", request(key, "cam-1"))
    assert len(registry.certificates("cam-1")) == 2


def test_a_key_belongs_to_one_device(registry: Registry, enrolment: Enrolment) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    enrolment.issue_from_csr("cam-1", request(key, "cam-1"))
    with pytest.raises(KeyProblem, match="belongs to the device 'cam-1': make a new key for 'cam-2'"):
        enrolment.issue_from_csr("cam-2", request(key, "cam-2"))
    assert registry.certificates("cam-2") == []


def test_a_key_made_here_belongs_to_one_device_too(enrolment: Enrolment) -> None:
    key = load_pem_private_key(enrolment.issue_with_hub_key("cam-1").key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(KeyProblem, match="belongs to the device 'cam-1'"):
        enrolment.issue_from_csr("cam-2", request(key, "cam-2"))


def test_a_request_for_another_device_is_refused(enrolment: Enrolment) -> None:
    with pytest.raises(BadRequest, match="CN is 'cam-2'"):
        enrolment.issue_from_csr("cam-1", request(ec.generate_private_key(ec.SECP256R1()), "cam-2"))


def test_an_unknown_device_gets_nothing(enrolment: Enrolment) -> None:
    with pytest.raises(UnknownDevice, match="There is no device 'cam-3'"):
        enrolment.issue_with_hub_key("cam-3")
    with pytest.raises(UnknownDevice, match="There is no device 'cam-3'"):
        enrolment.issue_from_csr("cam-3", request(ec.generate_private_key(ec.SECP256R1()), "cam-3"))


def test_a_retired_device_gets_nothing(registry: Registry, enrolment: Enrolment) -> None:
    registry.move_device("cam-1", Lifecycle.RETIRED)
    with pytest.raises(WrongState, match="The device 'cam-1' is retired"):
        enrolment.issue_with_hub_key("cam-1")
