"""Certificates are revoked, and the lists say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from sqlalchemy import insert

from provisioning import audit
from provisioning.audit import Actor
from provisioning.crl import Reason, read_lists
from provisioning.database import writing
from provisioning.errors import AuthorityProblem, InvalidIdentity, Unknown, UnknownDevice, WrongState
from provisioning.records import NewDevice
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation
from provisioning.tables import certificate as certificates
from tests.unit.provisioning.life import DAY_NS, NOW_NS, Moment, leaf

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture(autouse=True)
def cameras(registry: Registry) -> None:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-1", "cam-2")])


@pytest.fixture
def revocation(engine: Engine, authority: Authority, clock: Moment) -> Revocation:
    return Revocation(engine, authority, clock, Actor("siti", "10.1.2.3"))


def issue(enrolment: Enrolment, device_id: str, days: int = 365) -> str:
    return f"{leaf(enrolment.issue_with_hub_key(device_id, days)).serial_number:x}"


def listed(revocation: Revocation) -> list[set[str]]:
    """The serial numbers on each list, without the canary's."""
    return [{f"{entry.serial_number:x}" for entry in list(one)[1:]} for one in read_lists(revocation.crl())]


def numbers(content: bytes) -> list[int]:
    return [one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in read_lists(content)]


def test_nothing_is_revoked_at_first(revocation: Revocation) -> None:
    assert listed(revocation) == [set()]


def test_all_certificates_of_a_device_are_revoked(
    revocation: Revocation, enrolment: Enrolment, registry: Registry
) -> None:
    first, second, other = (issue(enrolment, name) for name in ("cam-1", "cam-1", "cam-2"))
    assert set(revocation.revoke("cam-1", Reason.KEY_COMPROMISE)) == {first, second}
    assert listed(revocation) == [{first, second}]
    assert {(one.revoked_ns, one.reason) for one in registry.certificates("cam-1")} == {(NOW_NS, "key_compromise")}
    assert [one.revoked_ns for one in registry.certificates("cam-2") if one.serial == other] == [None]


def test_the_first_revocation_stays(
    revocation: Revocation, enrolment: Enrolment, registry: Registry, clock: Moment
) -> None:
    issue(enrolment, "cam-1")
    revocation.revoke("cam-1", Reason.KEY_COMPROMISE)
    clock.pass_days(1)
    assert revocation.revoke("cam-1", Reason.SUPERSEDED) == []
    assert {(one.revoked_ns, one.reason) for one in registry.certificates("cam-1")} == {(NOW_NS, "key_compromise")}


def test_one_certificate_is_revoked_and_the_others_stay(revocation: Revocation, enrolment: Enrolment) -> None:
    first, _ = issue(enrolment, "cam-1"), issue(enrolment, "cam-1")
    assert revocation.revoke_certificate(first, Reason.SUPERSEDED) == "cam-1"
    assert listed(revocation) == [{first}]
    with pytest.raises(WrongState, match="is revoked already"):
        revocation.revoke_certificate(first, Reason.SUPERSEDED)


def test_what_there_is_not_cannot_be_revoked(revocation: Revocation) -> None:
    with pytest.raises(UnknownDevice):
        revocation.revoke("cam-9", Reason.SUPERSEDED)
    with pytest.raises(Unknown, match="There is no certificate 'abc'"):
        revocation.revoke_certificate("abc", Reason.SUPERSEDED)
    with pytest.raises(InvalidIdentity):
        revocation.revoke("cam-1", Reason.SUPERSEDED, "two\nlines")


def test_a_device_may_enrol_again_with_another_key(revocation: Revocation, enrolment: Enrolment) -> None:
    old = issue(enrolment, "cam-1")
    revocation.revoke("cam-1", Reason.SUPERSEDED)
    issue(enrolment, "cam-1")
    assert listed(revocation) == [{old}]


def test_the_change_feed_names_the_device(revocation: Revocation, registry: Registry) -> None:
    before = registry.latest_change()
    revocation.revoke("cam-1", Reason.SUPERSEDED)
    assert registry.changes_since(before)[1] == {"cam-1"}


def test_the_record_says_who_and_why(revocation: Revocation, enrolment: Enrolment, engine: Engine) -> None:
    serial = issue(enrolment, "cam-1")
    revocation.revoke("cam-1", Reason.KEY_COMPROMISE, "stolen from its pole")
    [row] = audit.read(engine, 1)
    assert (row.actor, row.origin, row.action, row.subject) == (
        "siti",
        "10.1.2.3",
        "certificate.revoke",
        "device/cam-1",
    )
    assert row.detail == {"serials": [serial], "reason": "key_compromise", "note": "stolen from its pole"}
    assert audit.verify(engine) == []


def test_each_list_has_a_higher_number(revocation: Revocation) -> None:
    assert [numbers(revocation.crl()) for _ in range(3)] == [[1], [2], [3]]


def test_a_certificate_leaves_the_list_a_week_after_its_end(
    revocation: Revocation, enrolment: Enrolment, clock: Moment
) -> None:
    serial = issue(enrolment, "cam-1", days=30)
    revocation.revoke("cam-1", Reason.SUPERSEDED)
    clock.pass_days(36)
    assert listed(revocation) == [{serial}]
    clock.pass_days(1)
    assert listed(revocation) == [set()]


def test_revocation_outlives_a_rotation(
    revocation: Revocation, enrolment: Enrolment, engine: Engine, clock: Moment, tmp_path: Path
) -> None:
    before = issue(enrolment, "cam-1")
    later = issue(enrolment, "cam-2")
    revocation.revoke("cam-1", Reason.SUPERSEDED)
    Rotation(engine, tmp_path / "pki", clock).rotate()
    after = issue(enrolment, "cam-1")
    revocation.revoke("cam-1", Reason.SUPERSEDED)
    revocation.revoke("cam-2", Reason.SUPERSEDED)
    assert listed(revocation) == [{after}, {before, later}]


def test_what_was_issued_before_issuers_were_recorded_is_on_every_list(
    revocation: Revocation, engine: Engine, clock: Moment, tmp_path: Path
) -> None:
    insert_revoked(engine, 1)
    Rotation(engine, tmp_path / "pki", clock).rotate()
    assert listed(revocation) == [{"1"}, {"1"}]


@pytest.mark.slow
def test_a_hundred_thousand_are_listed(revocation: Revocation, engine: Engine) -> None:
    insert_revoked(engine, 100_000)
    assert [len(one) for one in listed(revocation)] == [100_000]


def insert_revoked(engine: Engine, count: int) -> None:
    row = {"device": "cam-1", "fingerprint": "", "key_fingerprint": "", "not_before_ns": 0, "issued_ns": 0}
    row |= {"not_after_ns": NOW_NS + DAY_NS, "revoked_ns": NOW_NS, "reason": "superseded"}
    with writing(engine) as connection:
        rows = [row | {"serial": f"{number:x}"} for number in range(1, count + 1)]
        connection.execute(insert(certificates), rows)


def test_no_list_is_signed_by_an_authority_that_ended(revocation: Revocation, clock: Moment) -> None:
    clock.pass_days(3651)
    with pytest.raises(AuthorityProblem, match="replace the CA with `cityhub ca rotate`"):
        revocation.crl()
