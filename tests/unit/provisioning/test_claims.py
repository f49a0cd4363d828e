"""A one-time code is exchanged for a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from provisioning import audit
from provisioning.approvals import Pending
from provisioning.audit import Actor
from provisioning.claim_code import new_code
from provisioning.claims import Claims
from provisioning.crl import Reason
from provisioning.database import reading, writing
from provisioning.errors import BadClaim, BadRequest, InvalidIdentity, KeyProblem, Refused, UnknownDevice, WrongState
from provisioning.life_tables import claim
from provisioning.records import Lifecycle, NewDevice
from provisioning.revocation import Revocation
from tests.unit.provisioning.life import DAY_NS, NOW_NS, Moment, fresh_key, leaf, request

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.issued import Issued
    from provisioning.records import DeviceChanges
    from provisioning.registry import Registry

DEVICE = Actor("device/cam-1", "10.1.2.3")


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def claims(engine: Engine, authority: Authority, clock: Moment, registry: Registry) -> Claims:
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera", serial="DS1"))
    registry.add_device(NewDevice(id="cam-2", profile="generic_ipcamera"))
    return Claims(engine, authority, clock, DEVICE)


def redeem(claims: Claims, code: str, csr: bytes) -> Issued:
    issued = claims.redeem(code, csr)
    assert not isinstance(issued, Pending)
    return issued


def attempts_left(claims: Claims, device_id: str = "cam-1") -> int:
    [found] = [one for one in claims.list() if one.device == device_id]
    return found.attempts_left


def test_a_code_is_exchanged_for_a_certificate(claims: Claims, registry: Registry) -> None:
    key = fresh_key()
    certificate = leaf(redeem(claims, claims.create("cam-1"), request(key, "cam-1")))
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=cam-1"
    assert [f"{certificate.serial_number:x}"] == [one.serial for one in registry.certificates("cam-1")]


def test_the_code_itself_is_kept_nowhere(claims: Claims, engine: Engine) -> None:
    code = claims.create("cam-1")
    with reading(engine) as connection:
        stored = repr(connection.execute(select(claim)).all()) + repr(audit.read(engine, 100))
    assert code not in stored
    assert code.replace("-", "") not in stored


def test_a_hash_copied_to_another_device_is_worth_nothing_there(claims: Claims, engine: Engine) -> None:
    code, _ = claims.create_many(["cam-1", "cam-2"])
    with writing(engine) as connection:
        stolen = connection.scalar(select(claim.c.code_hash).where(claim.c.device == "cam-1"))
        connection.execute(update(claim).where(claim.c.device == "cam-2").values(code_hash=stolen))
    with pytest.raises(Refused):
        claims.redeem(code, request(fresh_key(), "cam-2"))


def test_codes_of_many_devices_are_made_at_once_or_none(claims: Claims) -> None:
    with pytest.raises(UnknownDevice):
        claims.create_many(["cam-1", "cam-9"])
    assert claims.list() == []
    one, two = claims.create_many(["cam-1", "cam-2"])
    redeem(claims, one, request(fresh_key(), "cam-1"))
    redeem(claims, two, request(fresh_key(), "cam-2"))


def test_a_code_may_be_typed_carelessly(claims: Claims) -> None:
    code = claims.create("cam-1").replace("-", " ").lower()
    redeem(claims, code, request(fresh_key(), "cam-1"))


def test_a_slip_costs_no_attempt(claims: Claims) -> None:
    code = claims.create("cam-1", attempts=1)
    with pytest.raises(BadClaim):
        claims.redeem(code[:-1] + ("0" if code[-1] != "0" else "1"), request(fresh_key(), "cam-1"))
    redeem(claims, code, request(fresh_key(), "cam-1"))


def test_a_wrong_code_costs_an_attempt_and_is_recorded(claims: Claims, engine: Engine) -> None:
    claims.create("cam-1", attempts=3)
    with pytest.raises(Refused, match="not valid for this device"):
        claims.redeem(new_code(), request(fresh_key(), "cam-1"))
    assert attempts_left(claims) == 2
    [row] = audit.read(engine, 1, "device/cam-1")
    assert (row.action, row.actor, row.origin) == ("claim.refuse", "device/cam-1", "10.1.2.3")


def test_after_the_last_attempt_the_right_code_is_wrong_too_and_the_record_stops_growing(
    claims: Claims, engine: Engine
) -> None:
    code = claims.create("cam-1", attempts=2)
    for wrong in (new_code(), new_code(), new_code(), code):
        with pytest.raises(Refused, match="not valid for this device"):
            claims.redeem(wrong, request(fresh_key(), "cam-1"))
    assert attempts_left(claims) == 0
    assert [row.action for row in audit.read(engine, 10)].count("claim.refuse") == 2


@pytest.mark.parametrize("device_id", ["cam-2", "cam-9"])
def test_a_code_is_for_one_device(claims: Claims, device_id: str) -> None:
    code = claims.create("cam-1")
    with pytest.raises(Refused, match="not valid for this device"):
        claims.redeem(code, request(fresh_key(), device_id))


def test_the_code_of_another_device_is_worth_nothing(claims: Claims) -> None:
    one, _ = claims.create_many(["cam-1", "cam-2"])
    with pytest.raises(Refused, match="not valid for this device"):
        claims.redeem(one, request(fresh_key(), "cam-2"))
    assert attempts_left(claims, "cam-2") == 9


def test_a_code_expires(claims: Claims, clock: Moment) -> None:
    code = claims.create("cam-1", days=7)
    clock.pass_days(7)
    with pytest.raises(Refused, match="This code expired on 2026-09-28: have a new one made for 'cam-1'"):
        claims.redeem(code, request(fresh_key(), "cam-1"))


def test_a_code_holds_until_it_expires(claims: Claims, clock: Moment) -> None:
    code = claims.create("cam-1", days=7)
    clock.now_ns += 7 * DAY_NS - 1
    redeem(claims, code, request(fresh_key(), "cam-1"))


def test_a_request_that_states_the_serial_number_must_state_the_right_one(claims: Claims) -> None:
    code = claims.create("cam-1", attempts=2)
    with pytest.raises(Refused, match="The request is from serial number 'DS2', the code is for DS1"):
        claims.redeem(code, request(fresh_key(), "cam-1", "DS2"))
    assert attempts_left(claims) == 1
    redeem(claims, code, request(fresh_key(), "cam-1", "DS1"))


def test_a_serial_number_that_nobody_registered_is_wrong(claims: Claims) -> None:
    code = claims.create("cam-2")
    with pytest.raises(Refused, match="the code is for none"):
        claims.redeem(code, request(fresh_key(), "cam-2", "DS2"))


@pytest.mark.parametrize("changes", [{"serial": "DS7"}, {"profile": "generic_weather"}])
def test_a_code_is_void_once_the_device_is_another(claims: Claims, registry: Registry, changes: DeviceChanges) -> None:
    code = claims.create("cam-1")
    registry.update_device("cam-1", **changes)
    with pytest.raises(Refused, match="changed since this code was made"):
        claims.redeem(code, request(fresh_key(), "cam-1"))


def test_the_same_key_may_ask_again_as_its_answer_may_be_lost(claims: Claims, registry: Registry) -> None:
    code, key = claims.create("cam-1", attempts=2), fresh_key()
    for _ in range(2):
        redeem(claims, code, request(key, "cam-1"))
    with pytest.raises(Refused):
        claims.redeem(code, request(key, "cam-1"))
    assert len(registry.certificates("cam-1")) == 2


def test_another_key_may_not(claims: Claims) -> None:
    code = claims.create("cam-1")
    redeem(claims, code, request(fresh_key(), "cam-1"))
    with pytest.raises(Refused, match="This code was used with another key"):
        claims.redeem(code, request(fresh_key(), "cam-1"))


def test_a_new_code_makes_the_one_before_void(claims: Claims) -> None:
    before, code = claims.create("cam-1"), claims.create("cam-1")
    with pytest.raises(Refused):
        claims.redeem(before, request(fresh_key(), "cam-1"))
    redeem(claims, code, request(fresh_key(), "cam-1"))


def test_a_code_can_be_withdrawn(claims: Claims, engine: Engine) -> None:
    code = claims.create("cam-1")
    assert (claims.withdraw("cam-1"), claims.withdraw("cam-1")) == (True, False)
    with pytest.raises(Refused):
        claims.redeem(code, request(fresh_key(), "cam-1"))
    assert [row.action for row in audit.read(engine, 10)].count("claim.revoke") == 1


def test_a_code_and_its_use_are_recorded(claims: Claims, engine: Engine) -> None:
    redeem(claims, claims.create("cam-1"), request(fresh_key(), "cam-1"))
    actions = [row.action for row in reversed(audit.read(engine, 10, "device/cam-1"))]
    assert actions == ["device.add", "claim.create", "claim.redeem", "certificate.issue"]
    assert audit.verify(engine) == []


def test_a_retired_device_gets_no_code(claims: Claims, registry: Registry) -> None:
    registry.move_device("cam-1", Lifecycle.RETIRED)
    with pytest.raises(WrongState, match="'cam-1' is retired"):
        claims.create("cam-1")


@pytest.mark.parametrize(("days", "attempts"), [(0, 1), (401, 1), (1, 0), (1, 101)])
def test_a_code_has_bounds(claims: Claims, days: int, attempts: int) -> None:
    with pytest.raises(InvalidIdentity, match="1 to 400 days, 1 to 100 attempts"):
        claims.create("cam-1", days=days, attempts=attempts)


def test_a_bad_request_is_refused_with_the_right_code_and_costs_no_attempt(claims: Claims) -> None:
    code = claims.create("cam-1")
    with pytest.raises(BadRequest):
        claims.redeem(code, b"rubbish")
    with pytest.raises(InvalidIdentity):
        claims.redeem(code, request(fresh_key(), "cam/1"))
    assert attempts_left(claims) == 10


def test_another_devices_key_is_refused(claims: Claims) -> None:
    key = fresh_key()
    one, two = claims.create_many(["cam-1", "cam-2"])
    redeem(claims, one, request(key, "cam-1"))
    with pytest.raises(KeyProblem, match="belongs to the device 'cam-1'"):
        claims.redeem(two, request(key, "cam-2"))


def test_a_key_that_was_revoked_gets_no_certificate_ever_again(
    claims: Claims, engine: Engine, authority: Authority, clock: Moment
) -> None:
    key = fresh_key()
    redeem(claims, claims.create("cam-1"), request(key, "cam-1"))
    Revocation(engine, authority, clock).revoke("cam-1", Reason.KEY_COMPROMISE)
    with pytest.raises(KeyProblem, match="was revoked: make a new key for 'cam-1'"):
        claims.redeem(claims.create("cam-1"), request(key, "cam-1"))


def test_revoking_a_device_makes_its_code_void(
    claims: Claims, engine: Engine, authority: Authority, clock: Moment
) -> None:
    code = claims.create("cam-1")
    Revocation(engine, authority, clock).revoke("cam-1", Reason.PRIVILEGE_WITHDRAWN)
    with pytest.raises(Refused):
        claims.redeem(code, request(fresh_key(), "cam-1"))


def test_claims_are_listed_without_their_codes(claims: Claims) -> None:
    claims.create("cam-1", days=2, attempts=3)
    [found] = claims.list()
    assert (found.device, found.profile, found.serial) == ("cam-1", "generic_ipcamera", "DS1")
    assert (found.expires_ns, found.attempts_left, found.key_fingerprint) == (NOW_NS + 2 * DAY_NS, 3, None)


def test_a_device_that_never_held_a_certificate_can_be_removed_with_its_code(
    claims: Claims, registry: Registry
) -> None:
    claims.create("cam-1")
    registry.remove_device("cam-1")
    assert claims.list() == []
