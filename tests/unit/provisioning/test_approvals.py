"""Where an agency demands it, a claim waits for an operator."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.approvals import Approval, Approvals, Pending
from provisioning.audit import Actor
from provisioning.certificates import key_fingerprint
from provisioning.claims import Claims
from provisioning.errors import InvalidIdentity, Refused, WrongState
from provisioning.issued import Issued
from provisioning.records import Agency, NewDevice, Site
from tests.unit.provisioning.life import NOW_NS, Moment, fresh_key, request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.registry import Registry


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return fresh_key()


@pytest.fixture
def claims(engine: Engine, authority: Authority, clock: Moment, registry: Registry) -> Claims:
    registry.add(Agency("satpolpp", approval_required=True))
    registry.add(Agency("dishub"))
    registry.add(Site("alun-alun", agency="satpolpp"))
    registry.add_device(NewDevice(id="siren-1", profile="siren", agency="satpolpp"))
    registry.add_device(NewDevice(id="siren-2", profile="siren", site="alun-alun"))
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera", agency="dishub"))
    registry.add_device(NewDevice(id="cam-2", profile="generic_ipcamera"))
    registry.add_device(NewDevice(id="cam-3", profile="generic_ipcamera", agency="dishub", site="alun-alun"))
    return Claims(engine, authority, clock, Actor("device/siren-1", "10.1.2.3"))


@pytest.fixture
def approvals(engine: Engine, clock: Moment) -> Approvals:
    return Approvals(engine, clock, Actor("siti", "10.1.2.9"))


def test_a_claim_waits_gets_approved_and_gets_its_certificate(
    claims: Claims, approvals: Approvals, registry: Registry, key: ec.EllipticCurvePrivateKey
) -> None:
    code, csr = claims.create("siren-1"), request(key, "siren-1")
    assert [claims.redeem(code, csr) for _ in range(20)] == [Pending(60)] * 20
    assert registry.certificates("siren-1") == []

    [waiting] = approvals.list()
    assert waiting == Approval("siren-1", "satpolpp", key_fingerprint(key.public_key()), NOW_NS, "10.1.2.3")
    approvals.approve("siren-1", waiting.key_fingerprint)

    assert approvals.list() == []
    assert isinstance(claims.redeem(code, csr), Issued)
    assert len(registry.certificates("siren-1")) == 1


@pytest.mark.parametrize(
    ("device_id", "waits"), [("siren-2", True), ("cam-1", False), ("cam-2", False), ("cam-3", False)]
)
def test_the_agency_that_owns_the_device_decides_by_itself_or_through_its_site(
    claims: Claims, key: ec.EllipticCurvePrivateKey, device_id: str, *, waits: bool
) -> None:
    outcome = claims.redeem(claims.create(device_id), request(key, device_id))
    assert isinstance(outcome, Pending) == waits


def test_a_refusal_comes_with_its_reason(claims: Claims, approvals: Approvals, key: ec.EllipticCurvePrivateKey) -> None:
    code, csr = claims.create("siren-1"), request(key, "siren-1")
    claims.redeem(code, csr)
    approvals.refuse("siren-1", key_fingerprint(key.public_key()), "nobody ordered it")
    with pytest.raises(Refused, match="An operator refused this request: nobody ordered it"):
        claims.redeem(code, csr)


def test_only_the_key_that_the_operator_saw_is_approved(
    claims: Claims, approvals: Approvals, key: ec.EllipticCurvePrivateKey
) -> None:
    claims.redeem(claims.create("siren-1"), request(key, "siren-1"))
    [seen] = approvals.list()
    other, code = fresh_key(), claims.create("siren-1")
    claims.redeem(code, request(other, "siren-1"))
    with pytest.raises(WrongState, match="asks with another key by now"):
        approvals.approve("siren-1", seen.key_fingerprint)
    assert claims.redeem(code, request(other, "siren-1")) == Pending()


def test_a_new_code_takes_an_approval_away(
    claims: Claims, approvals: Approvals, key: ec.EllipticCurvePrivateKey
) -> None:
    claims.redeem(claims.create("siren-1"), request(key, "siren-1"))
    approvals.approve("siren-1", key_fingerprint(key.public_key()))
    assert claims.redeem(claims.create("siren-1"), request(key, "siren-1")) == Pending()


def test_a_decision_is_made_once(claims: Claims, approvals: Approvals, key: ec.EllipticCurvePrivateKey) -> None:
    claims.redeem(claims.create("siren-1"), request(key, "siren-1"))
    approvals.approve("siren-1", key_fingerprint(key.public_key()))
    with pytest.raises(WrongState, match="does not wait for an approval"):
        approvals.refuse("siren-1", key_fingerprint(key.public_key()), "")


def test_what_nobody_asked_for_cannot_be_approved(approvals: Approvals) -> None:
    with pytest.raises(WrongState, match="'cam-9' does not wait"):
        approvals.approve("cam-9", "0" * 64)


def test_a_reason_is_one_line(approvals: Approvals) -> None:
    with pytest.raises(InvalidIdentity):
        approvals.refuse("siren-1", "0" * 64, "two\nlines")


def test_an_agency_may_change_its_mind(claims: Claims, registry: Registry, key: ec.EllipticCurvePrivateKey) -> None:
    code = claims.create("siren-1")
    assert claims.redeem(code, request(key, "siren-1")) == Pending()
    registry.update(replace(registry.get(Agency, "satpolpp"), approval_required=False))
    assert isinstance(claims.redeem(code, request(key, "siren-1")), Issued)


def test_decisions_are_recorded_as_the_operators(
    claims: Claims, approvals: Approvals, engine: Engine, key: ec.EllipticCurvePrivateKey
) -> None:
    claims.redeem(claims.create("siren-1"), request(key, "siren-1"))
    approvals.approve("siren-1", key_fingerprint(key.public_key()))
    [row] = audit.read(engine, 1)
    assert (row.actor, row.action, row.subject) == ("siti", "approval.decide", "device/siren-1")
    assert row.detail == {"key_fingerprint": key_fingerprint(key.public_key()), "approved": True, "reason": None}
