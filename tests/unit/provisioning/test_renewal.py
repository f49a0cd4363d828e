"""A certificate is exchanged for the next one, by rules that any moment of its life falls under."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning import audit
from provisioning.ca import Authority
from provisioning.certificates import issuer_id
from provisioning.crl import Reason
from provisioning.errors import BadRequest, KeyProblem, Refused, WrongState
from provisioning.records import CertificateRecord, Lifecycle, NewDevice
from provisioning.renewal import check_renewable, due_ns
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation
from tests.unit.provisioning.life import DAY_NS, MINUTE_NS, NOW_NS, Moment, fresh_key, leaf, request

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from sqlalchemy import Engine

    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry

lives = st.builds(
    lambda begin, life: CertificateRecord(
        serial="1",
        device="cam-1",
        fingerprint="f",
        key_fingerprint="own",
        not_before_ns=begin,
        not_after_ns=begin + life,
        issued_ns=begin,
    ),
    st.integers(0, NOW_NS),
    st.integers(1, 2000).map(lambda days: days * DAY_NS),
)
keys = st.sampled_from(["own", "new"])


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def key(registry: Registry) -> ec.EllipticCurvePrivateKey:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-1", "cam-2")])
    return fresh_key()


@pytest.fixture
def held(enrolment: Enrolment, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """What cam-1 holds, for 90 days."""
    return leaf(enrolment.issue_from_csr("cam-1", request(key, "cam-1"), days=90))


@pytest.fixture
def rotation(engine: Engine, tmp_path: Path, clock: Moment) -> Rotation:
    return Rotation(engine, tmp_path / "pki", clock)


@given(lives, keys, st.floats(0, 0.999))
def test_before_two_thirds_of_its_life_nothing_is_renewed(record: CertificateRecord, key: str, part: float) -> None:
    due = due_ns(record.not_before_ns, record.not_after_ns)
    now = record.not_before_ns + int((due - 1 - record.not_before_ns) * part)
    with pytest.raises(Refused, match="is not due: renew it from"):
        check_renewable(record, key, now, 30)


@given(lives, keys, st.floats(0, 1))
def test_in_its_last_third_it_is_renewed_with_any_key(record: CertificateRecord, key: str, part: float) -> None:
    due = due_ns(record.not_before_ns, record.not_after_ns)
    check_renewable(record, key, due + int((record.not_after_ns - due) * part), 30)


@given(lives, st.integers(0, 400), st.floats(0, 1))
def test_in_its_grace_period_it_is_renewed_with_its_own_key_only(
    record: CertificateRecord, grace_days: int, part: float
) -> None:
    now = record.not_after_ns + int(grace_days * DAY_NS * part)
    check_renewable(record, "own", now, grace_days)
    if now > record.not_after_ns:
        with pytest.raises(Refused, match="If it is lost: have a claim code made"):
            check_renewable(record, "new", now, grace_days)


@given(lives, keys, st.integers(0, 400), st.integers(1, 10**20))
def test_after_its_grace_period_it_is_not_renewed(
    record: CertificateRecord, key: str, grace_days: int, late: int
) -> None:
    late = min(late, 10**9 * DAY_NS)
    with pytest.raises(Refused, match=f"more than {grace_days} days ago: have a claim code made"):
        check_renewable(record, key, record.not_after_ns + grace_days * DAY_NS + late, grace_days)


@given(lives, keys, st.integers(0, 2 * NOW_NS))
def test_revoked_is_for_good(record: CertificateRecord, key: str, now_ns: int) -> None:
    revoked = replace(record, revoked_ns=NOW_NS)
    with pytest.raises(Refused, match="was revoked on 2026-09-21"):
        check_renewable(revoked, key, now_ns, 30)


def test_a_device_renews_with_the_same_key(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Moment
) -> None:
    clock.pass_days(61)
    renewed = leaf(enrolment.renew(held, request(key, "cam-1")))
    assert renewed.public_key() == held.public_key()
    assert renewed.serial_number != held.serial_number


def test_a_device_renews_with_a_new_key(enrolment: Enrolment, held: x509.Certificate, clock: Moment) -> None:
    clock.pass_days(61)
    key = fresh_key()
    assert leaf(enrolment.renew(held, request(key, "cam-1"), days=30)).public_key() == key.public_key()


def test_a_device_that_slept_through_its_end_comes_back_by_itself(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Moment
) -> None:
    clock.pass_days(90 + 29)
    enrolment.renew(held, request(key, "cam-1"))


def test_the_operator_sets_the_grace_period(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Moment
) -> None:
    clock.pass_days(90 + 29)
    with pytest.raises(Refused, match="ended on 2026-12-20, more than 7 days ago"):
        enrolment.renew(held, request(key, "cam-1"), grace_days=7)


def test_too_early_is_refused_and_leaves_nothing_behind(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, registry: Registry
) -> None:
    with pytest.raises(Refused, match="is not due: renew it from 2026-11-20 on"):
        enrolment.renew(held, request(key, "cam-1"))
    assert len(registry.certificates("cam-1")) == 1


def test_a_revoked_certificate_is_never_renewed(
    enrolment: Enrolment, held: x509.Certificate, authority: Authority, engine: Engine, clock: Moment
) -> None:
    Revocation(engine, authority, clock).revoke("cam-1", Reason.KEY_COMPROMISE)
    clock.pass_days(61)
    with pytest.raises(Refused, match="was revoked on"):
        enrolment.renew(held, request(fresh_key(), "cam-1"))


def test_a_retired_device_is_not_renewed(
    enrolment: Enrolment, held: x509.Certificate, registry: Registry, clock: Moment
) -> None:
    registry.move_device("cam-1", Lifecycle.RETIRED)
    clock.pass_days(61)
    with pytest.raises(WrongState, match="is retired"):
        enrolment.renew(held, request(fresh_key(), "cam-1"))


def test_a_certificate_that_was_not_issued_here_is_refused(
    enrolment: Enrolment, held: x509.Certificate, tmp_path: Path, clock: Moment
) -> None:
    del held
    other = Authority.create(tmp_path / "other", clock=clock)
    with pytest.raises(Refused, match="was not issued here"):
        enrolment.renew(other.issue_device(fresh_key().public_key(), "cam-1"), request(fresh_key(), "cam-1"))


def test_a_service_cannot_become_a_device(enrolment: Enrolment, authority: Authority) -> None:
    with pytest.raises(Refused, match="was not issued here"):
        enrolment.renew(leaf(authority.issue_service("hub.cityhub")), request(fresh_key(), "hub.cityhub"))


def test_the_cn_stays(enrolment: Enrolment, held: x509.Certificate, clock: Moment) -> None:
    clock.pass_days(61)
    with pytest.raises(BadRequest, match="CN is 'cam-2': make the request with `-subj /CN=cam-1`"):
        enrolment.renew(held, request(fresh_key(), "cam-2"))


def test_another_devices_key_is_refused(enrolment: Enrolment, held: x509.Certificate, clock: Moment) -> None:
    other = fresh_key()
    enrolment.issue_from_csr("cam-2", request(other, "cam-2"))
    clock.pass_days(61)
    with pytest.raises(KeyProblem, match="belongs to the device 'cam-2'"):
        enrolment.renew(held, request(other, "cam-1"))


def test_after_a_rotation_devices_come_over_as_they_renew(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Moment, rotation: Rotation
) -> None:
    rotation.rotate()
    clock.pass_days(61)
    assert leaf(enrolment.renew(held, request(key, "cam-1"))).issuer != held.issuer


def test_what_a_dropped_ca_issued_is_not_renewed(
    enrolment: Enrolment,
    held: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    clock: Moment,
    rotation: Rotation,
) -> None:
    rotation.rotate()
    rotation.drop(issuer_id(held), force=True)
    clock.pass_days(61)
    with pytest.raises(Refused, match="trusted no more: redeem a claim code instead"):
        enrolment.renew(held, request(key, "cam-1"))


def test_a_renewal_is_recorded(
    enrolment: Enrolment, held: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Moment, engine: Engine
) -> None:
    clock.pass_days(61)
    renewed = leaf(enrolment.renew(held, request(key, "cam-1")))
    [row] = audit.read(engine, 1)
    assert (row.action, row.subject) == ("certificate.issue", "device/cam-1")
    assert row.detail["serial"] == f"{renewed.serial_number:x}"


def test_due_is_two_thirds() -> None:
    assert due_ns(NOW_NS, NOW_NS + 3 * MINUTE_NS) == NOW_NS + 2 * MINUTE_NS
