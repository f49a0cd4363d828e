"""What a profile says of its devices' certificates holds in whatever way they get them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from provisioning.bundle import bundle_files, write_pkcs12
from provisioning.certificate_rules import CertificateRule, KeyKind
from provisioning.claims import Claims
from provisioning.enrolment import Enrolment
from provisioning.hygiene import Fault, audit, read_certificates
from provisioning.importing.bundles import Bundler
from provisioning.importing.importer import Importer
from provisioning.issued import Issued
from provisioning.records import NewDevice
from tests.unit.provisioning.life import NOW_NS, Moment, fresh_key, leaf, request
from tests.unit.provisioning.spreadsheets import csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.registry import Registry

OLD = CertificateRule(5, KeyKind.RSA)
RULES = {"old_camera": OLD}


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def enrolment(engine: Engine, authority: Authority, clock: Moment, registry: Registry) -> Enrolment:
    registry.add_devices([NewDevice(id="old-1", profile="old_camera"), NewDevice(id="cam-1", profile="camera")])
    return Enrolment(engine, authority, clock, rules=RULES)


@pytest.fixture
def life(registry: Registry) -> Callable[[str], list[int]]:
    """The days for which a device's certificates were issued, the latest first."""
    day = 24 * 3600 * 10**9
    return lambda device: [(one.not_after_ns - one.not_before_ns) // day for one in registry.certificates(device)]


def test_a_key_made_here_is_of_the_kind_that_the_profile_names(
    enrolment: Enrolment, registry: Registry, life: Callable[[str], list[int]]
) -> None:
    issued, _ = enrolment.issue_with_hub_keys(["old-1", "cam-1"])
    key = load_pem_private_key(issued.key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.public_key() == leaf(issued).public_key()
    assert [registry.certificates(one)[0].key_kind for one in ("old-1", "cam-1")] == ["RSA-2048", "EC-256"]
    assert [life(one) for one in ("old-1", "cam-1")] == [[1825], [365]]
    assert enrolment.kept("old-1") == issued


def test_such_a_key_fits_into_pkcs12(enrolment: Enrolment, tmp_path: Path) -> None:
    write_pkcs12(tmp_path / "old.p12", "old-1", enrolment.issue_with_hub_key("old-1"), "twelve or more")
    found = load_pkcs12((tmp_path / "old.p12").read_bytes(), b"twelve or more")
    assert isinstance(found.key, rsa.RSAPrivateKey)


def test_whoever_acts_goes_by_the_same_rules(enrolment: Enrolment, life: Callable[[str], list[int]]) -> None:
    enrolment.acting(enrolment._actor).issue_from_csr("old-1", request(fresh_key(), "old-1"))
    assert life("old-1") == [1825]


def test_a_claim_is_redeemed_by_the_rule(
    engine: Engine, authority: Authority, clock: Moment, enrolment: Enrolment, life: Callable[[str], list[int]]
) -> None:
    claims = Claims(engine, authority, clock, rules=RULES).acting(enrolment._actor)
    assert isinstance(claims.redeem(claims.create("old-1"), request(fresh_key(), "old-1")), Issued)
    assert life("old-1") == [1825]


def test_a_renewal_goes_by_the_rule_as_it_is_then(
    enrolment: Enrolment, registry: Registry, clock: Moment, life: Callable[[str], list[int]]
) -> None:
    key = fresh_key()
    held = leaf(enrolment.issue_from_csr("old-1", request(key, "old-1")))
    clock.pass_days(1300)
    held = leaf(enrolment.renew(held, request(key, "old-1")))
    registry.update_device("old-1", profile="camera")
    clock.pass_days(1300)
    enrolment.renew(held, request(key, "old-1"))
    assert life("old-1") == [365, 1825, 1825]


def test_an_import_goes_by_the_rule(
    engine: Engine, clock: Moment, enrolment: Enrolment, tmp_path: Path, life: Callable[[str], list[int]]
) -> None:
    bundler = Bundler(
        tmp_path / "out",
        enrolment,
        lambda device, issued: bundle_files(device.id, issued, broker=("hub.local", 8883), sample="{}"),
        lambda _done, _total: None,
    )
    Importer(engine, clock, ["old_camera"]).run(csv("id,profile", "old-2,old_camera"), bundler=bundler)
    with zipfile.ZipFile(tmp_path / "out" / "old-2.zip") as archive:
        assert isinstance(load_pem_private_key(archive.read("device.key"), None), rsa.RSAPrivateKey)
        assert isinstance(x509.load_pem_x509_certificates(archive.read("device.pem"))[0].public_key(), rsa.RSAPublicKey)
    assert life("old-2") == [1825]
    assert enrolment.kept("old-2") is not None


def test_an_audit_judges_by_the_rule(enrolment: Enrolment, engine: Engine) -> None:
    enrolment.issue_with_hub_key("old-1")
    found = read_certificates(engine)
    assert audit(found, NOW_NS, rules={"old-1": OLD}) == []
    assert [(one.fault, one.sentence) for one in audit(found, NOW_NS)] == [
        (Fault.WEAK_KEY, "Its key is RSA-2048; its profile asks for EC-256, or RSA from 3072 bits on."),
        (Fault.LONG_LIFE, "It lives for 1825 days, and its profile allows 365."),
    ]
