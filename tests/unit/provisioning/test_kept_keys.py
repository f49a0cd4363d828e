"""A key that was made here is given once more until its device is heard or for a day, and is then gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.audit import Actor
from provisioning.crl import Reason
from provisioning.errors import UnknownDevice, WrongState
from provisioning.kept_keys import KEPT_NS, KeptKeys
from provisioning.records import Lifecycle, NewDevice
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation
from tests.unit.provisioning.life import NOW_NS, Moment, fresh_key, request

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.enrolment import Enrolment
    from provisioning.issued import IssuedWithKey
    from provisioning.registry import Registry


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def keys(engine: Engine, clock: Moment) -> KeptKeys:
    return KeptKeys(engine, clock)


@pytest.fixture
def given(registry: Registry, enrolment: Enrolment) -> IssuedWithKey:
    """What cam-1 was given first."""
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-1", "cam-2")])
    return enrolment.issue_with_hub_key("cam-1")


def test_it_is_given_once_more_until_a_day_is_over(enrolment: Enrolment, given: IssuedWithKey, clock: Moment) -> None:
    clock.now_ns += KEPT_NS - 1
    assert enrolment.kept("cam-1") == given
    clock.now_ns += 1
    assert enrolment.kept("cam-1") is None


def test_each_time_is_recorded_and_no_key_is(enrolment: Enrolment, given: IssuedWithKey, engine: Engine) -> None:
    enrolment.acting(Actor("siti", "10.1.2.3")).kept("cam-1")
    row, *_ = rows = audit.read(engine, 10)
    assert (row.actor, row.action, row.subject) == ("siti", "certificate.repeat", "device/cam-1")
    body = given.key_pem.splitlines()[1].decode()
    assert body not in repr(rows)


def test_the_database_never_holds_it_as_it_is(given: IssuedWithKey, tmp_path: Path) -> None:
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("registry.db*"))
    assert stored
    assert given.key_pem.splitlines()[1] not in stored


def test_it_is_gone_once_the_device_is_heard(enrolment: Enrolment, given: IssuedWithKey, keys: KeptKeys) -> None:
    del given
    assert keys.since() == {"cam-1": NOW_NS}
    assert keys.drop({"cam-1": NOW_NS + 1}) == 1
    assert enrolment.kept("cam-1") is None
    assert keys.since() == {}


def test_who_was_heard_before_it_was_made_has_not_used_it(
    enrolment: Enrolment, given: IssuedWithKey, keys: KeptKeys
) -> None:
    assert keys.drop({"cam-1": NOW_NS}) == 0
    assert enrolment.kept("cam-1") == given


def test_it_is_deleted_when_its_day_is_over(given: IssuedWithKey, keys: KeptKeys, clock: Moment) -> None:
    del given
    assert keys.drop({}) == 0
    clock.now_ns += KEPT_NS
    assert keys.drop({}) == 1
    assert keys.since() == {}


def test_it_is_void_once_revoked(  # noqa: PLR0913, PLR0917 - the fixtures it takes
    enrolment: Enrolment, given: IssuedWithKey, keys: KeptKeys, engine: Engine, authority: Authority, clock: Moment
) -> None:
    del given
    Revocation(engine, authority, clock).revoke("cam-1", Reason.KEY_COMPROMISE)
    assert enrolment.kept("cam-1") is None
    assert keys.drop({}) == 1


def test_it_is_void_for_another_profile(
    enrolment: Enrolment, given: IssuedWithKey, keys: KeptKeys, registry: Registry
) -> None:
    del given
    registry.update_device("cam-1", profile="generic_tracker")
    assert enrolment.kept("cam-1") is None
    assert keys.drop({}) == 1


def test_a_newer_certificate_takes_its_place(enrolment: Enrolment, given: IssuedWithKey) -> None:
    second = enrolment.issue_with_hub_key("cam-1")
    assert second != given
    assert enrolment.kept("cam-1") == second
    enrolment.issue_from_csr("cam-1", request(fresh_key(), "cam-1"))
    assert enrolment.kept("cam-1") is None


def test_it_survives_a_change_of_the_issuing_ca_until_that_is_dropped(
    enrolment: Enrolment, given: IssuedWithKey, engine: Engine, tmp_path: Path, clock: Moment
) -> None:
    rotation = Rotation(engine, tmp_path / "pki", clock)
    rotation.rotate()
    again = enrolment.kept("cam-1")
    assert again is not None
    assert (again.key_pem, again.presented_pem) == (given.key_pem, given.presented_pem)
    [earlier] = [path.stem for path in (tmp_path / "pki" / "previous").glob("*.pem")]
    rotation.drop(earlier, force=True)
    assert enrolment.kept("cam-1") is None


def test_devices_that_have_none(enrolment: Enrolment, given: IssuedWithKey, registry: Registry) -> None:
    del given
    assert enrolment.kept("cam-2") is None
    with pytest.raises(UnknownDevice):
        enrolment.kept("cam-3")
    registry.move_device("cam-1", Lifecycle.RETIRED)
    with pytest.raises(WrongState):
        enrolment.kept("cam-1")
