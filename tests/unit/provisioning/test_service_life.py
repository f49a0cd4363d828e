"""A device is retired, handed over, or gets new hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.approvals import Pending
from provisioning.audit import Actor
from provisioning.claims import Claims
from provisioning.errors import AlreadyExists, InvalidIdentity, KeyProblem, Refused, Unknown, UnknownDevice, WrongState
from provisioning.records import Agency, Lifecycle, NewDevice
from provisioning.service_life import ServiceLife
from tests.unit.provisioning.life import DAY_NS, NOW_NS, Moment, fresh_key, request

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def life(engine: Engine, clock: Moment, registry: Registry) -> ServiceLife:
    registry.add(Agency("dishub"))
    registry.add(Agency("satpolpp", approval_required=True))
    registry.add_device(NewDevice(id="cam-1", profile="p", agency="dishub", serial="DS1", zones=("traffic",)))
    registry.add_device(NewDevice(id="cam-2", profile="p", serial="DS2"))
    return ServiceLife(engine, clock, Actor("siti", "10.1.2.3"))


@pytest.fixture
def claims(engine: Engine, authority: Authority, clock: Moment) -> Claims:
    return Claims(engine, authority, clock)


def states(registry: Registry, device_id: str = "cam-1") -> list[str | None]:
    return [one.reason for one in registry.certificates(device_id)]


def test_a_retired_device_has_no_certificate_any_more(
    life: ServiceLife, enrolment: Enrolment, registry: Registry
) -> None:
    enrolment.issue_with_hub_key("cam-1")
    assert len(life.retire("cam-1", "the road was moved")) == 1
    assert registry.device("cam-1").lifecycle is Lifecycle.RETIRED
    assert states(registry) == ["cessation_of_operation"]
    assert registry.entries(["cam-1"]) == []


def test_a_device_retires_once(life: ServiceLife) -> None:
    life.retire("cam-1")
    for again in (
        life.retire,
        lambda name: life.transfer(name, "satpolpp"),
        lambda name: life.replace_hardware(name, "X"),
    ):
        with pytest.raises(WrongState, match="is retired already"):
            again("cam-1")


def test_another_agency_takes_over_the_device_and_its_certificate(
    life: ServiceLife, enrolment: Enrolment, registry: Registry
) -> None:
    enrolment.issue_with_hub_key("cam-1")
    life.transfer("cam-1", "satpolpp")
    device = registry.device("cam-1")
    assert (device.agency, device.zones, device.serial) == ("satpolpp", ("traffic",), "DS1")
    assert states(registry) == [None]


def test_the_new_agency_decides_about_claims(life: ServiceLife, claims: Claims) -> None:
    code, csr = claims.create("cam-1"), request(fresh_key(), "cam-1")
    life.transfer("cam-1", "satpolpp")
    with pytest.raises(Refused):
        claims.redeem(code, csr)
    assert claims.redeem(claims.create("cam-1"), csr) == Pending()


def test_a_transfer_leads_somewhere_else(life: ServiceLife) -> None:
    with pytest.raises(Unknown, match="There is no agency 'dishubb'; did you mean 'dishub'"):
        life.transfer("cam-1", "dishubb")
    with pytest.raises(WrongState, match="belongs to 'dishub' already"):
        life.transfer("cam-1", "dishub")


def test_new_hardware_has_the_same_id_and_no_certificate(
    life: ServiceLife, enrolment: Enrolment, registry: Registry, clock: Moment
) -> None:
    enrolment.issue_with_hub_key("cam-1")
    clock.pass_days(1)
    life.replace_hardware("cam-1", "DS9", "490154203237518")
    device = registry.device("cam-1")
    assert (device.serial, device.imei, device.agency) == ("DS9", "490154203237518", "dishub")
    assert (device.created_ns, device.updated_ns) == (NOW_NS, NOW_NS + DAY_NS)
    assert states(registry) == ["superseded"]


def test_the_old_hardwares_key_is_out_for_good(life: ServiceLife, enrolment: Enrolment, claims: Claims) -> None:
    key = fresh_key()
    enrolment.issue_from_csr("cam-1", request(key, "cam-1"))
    code = claims.create("cam-1")
    life.replace_hardware("cam-1", "DS9")
    with pytest.raises(Refused):
        claims.redeem(code, request(fresh_key(), "cam-1"))
    with pytest.raises(KeyProblem, match="was revoked"):
        claims.redeem(claims.create("cam-1"), request(key, "cam-1", "DS9"))
    claims.redeem(claims.create("cam-1"), request(fresh_key(), "cam-1", "DS9"))


def test_new_hardware_has_a_serial_number_of_its_own(
    life: ServiceLife, registry: Registry, enrolment: Enrolment
) -> None:
    enrolment.issue_with_hub_key("cam-1")
    with pytest.raises(WrongState, match="has the serial number DS1 already"):
        life.replace_hardware("cam-1", "DS1")
    with pytest.raises(AlreadyExists, match="belongs to device 'cam-2' already"):
        life.replace_hardware("cam-1", "DS2")
    with pytest.raises(InvalidIdentity):
        life.replace_hardware("cam-1", "DS/3")
    assert states(registry) == [None]


def test_an_unknown_device_is_named(life: ServiceLife) -> None:
    with pytest.raises(UnknownDevice, match="did you mean 'cam-1'"):
        life.retire("cam-01")


def test_each_change_is_recorded_with_what_was_before(life: ServiceLife, engine: Engine, registry: Registry) -> None:
    before = registry.latest_change()
    life.transfer("cam-1", "satpolpp")
    life.replace_hardware("cam-1", "DS9")
    life.retire("cam-1", "the road was moved")
    rows = {row.action: row.detail for row in audit.read(engine, 5, "device/cam-1") if row.actor == "siti"}
    assert rows["device.transfer"] == {"agency": ["dishub", "satpolpp"]}
    assert rows["device.replace"] == {"serial": ["DS1", "DS9"], "imei": [None, None]}
    assert rows["device.retire"] == {"lifecycle": ["registered", "retired"]}
    assert registry.changes_since(before)[1] == {"cam-1"}
    assert audit.verify(engine) == []
