from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.errors import InvalidIdentity, Unknown, UnknownDevice
from provisioning.maintenance import Maintenance, Place
from provisioning.records import NewDevice, Site
from tests.unit.provisioning.conftest import NOW_NS

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.registry import Registry

HOUR_NS = 3600 * 10**9


@pytest.fixture
def city(registry: Registry) -> Registry:
    registry.add(Site("pasar"))
    registry.add_devices([NewDevice(id="cam-1", profile="p", site="pasar"), NewDevice(id="cam-2", profile="p")])
    return registry


@pytest.fixture
def maintenance(engine: Engine, clock: Clock) -> Maintenance:
    return Maintenance(engine, clock)


def ends(city: Registry) -> dict[str, int]:
    return {entry.device: entry.maintenance_until_ns for entry in city.entries()}


def test_a_device_is_under_maintenance_until_an_end(city: Registry, maintenance: Maintenance) -> None:
    maintenance.begin("device", "cam-1", NOW_NS + HOUR_NS, "new lens")
    assert ends(city) == {"cam-1": NOW_NS + HOUR_NS, "cam-2": 0}
    assert city.device("cam-1").maintenance_reason == "new lens"
    assert city.device("cam-1").lifecycle == "registered"


def test_a_sites_maintenance_is_that_of_its_devices_and_the_later_end_counts(
    city: Registry, maintenance: Maintenance
) -> None:
    maintenance.begin("device", "cam-1", NOW_NS + HOUR_NS, "new lens")
    maintenance.begin("site", "pasar", NOW_NS + 3 * HOUR_NS, "power is moved")
    assert ends(city) == {"cam-1": NOW_NS + 3 * HOUR_NS, "cam-2": 0}
    assert city.get(Site, "pasar").maintenance_reason == "power is moved"


def test_it_can_be_ended_early(city: Registry, maintenance: Maintenance) -> None:
    maintenance.begin("site", "pasar", NOW_NS + HOUR_NS, "power is moved")
    maintenance.end("site", "pasar")
    maintenance.end("site", "pasar")
    assert ends(city) == {"cam-1": 0, "cam-2": 0}


@pytest.mark.parametrize(("place", "name"), [("device", "cam-1"), ("site", "pasar")])
def test_a_running_hub_hears_of_it(city: Registry, maintenance: Maintenance, place: Place, name: str) -> None:
    seen = city.latest_change()
    maintenance.begin(place, name, NOW_NS + HOUR_NS, "work")
    assert city.changes_since(seen)[1] == {"cam-1"}


def test_it_is_recorded(city: Registry, engine: Engine, maintenance: Maintenance) -> None:
    del city
    maintenance.begin("device", "cam-1", NOW_NS + HOUR_NS, "new lens")
    maintenance.end("device", "cam-1")
    ended, began = audit.read(engine, 2)
    assert (began.action, began.subject) == ("device.maintenance", "device/cam-1")
    assert began.detail == {"reason": "new lens", "until": "2026-09-21T15:13:20Z"}
    assert ended.detail == {"until": None}


@pytest.mark.parametrize("hours", [-1, 0, 31 * 24])
def test_an_end_in_the_past_or_far_away_is_refused(city: Registry, maintenance: Maintenance, hours: int) -> None:
    with pytest.raises(InvalidIdentity, match="within the next 30 days"):
        maintenance.begin("device", "cam-1", NOW_NS + hours * HOUR_NS, "new lens")
    assert ends(city)["cam-1"] == 0


def test_a_reason_is_asked_for(city: Registry, maintenance: Maintenance) -> None:
    del city
    with pytest.raises(InvalidIdentity, match="why"):
        maintenance.begin("device", "cam-1", NOW_NS + HOUR_NS, "")


def test_what_does_not_exist_cannot_be_maintained(city: Registry, maintenance: Maintenance) -> None:
    del city
    with pytest.raises(UnknownDevice):
        maintenance.begin("device", "cam-9", NOW_NS + HOUR_NS, "new lens")
    with pytest.raises(Unknown, match="did you mean 'pasar'"):
        maintenance.end("site", "pasir")
