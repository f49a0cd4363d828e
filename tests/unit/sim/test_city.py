"""The planned city can be registered as it is, and is the same for the same seed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hub.profiles.loader import profile_names
from hub.sim.city import AGENCIES, CONTACTS, ZONES, City, plan_city
from hub.sim.geography import DISTRICTS, ROUTES, Point, course_deg, distance_m
from hub.sim.plan import Behaviour

if TYPE_CHECKING:
    from provisioning.records import ReferenceData


def test_the_city_has_as_many_devices_of_each_kind_as_were_asked_for() -> None:
    city = plan_city(cctv=60, trackers=30, sensors=30)
    assert Counter(device.record.profile for device in city.devices) == {
        "generic_ipcamera": 60,
        "generic_tracker": 30,
        "generic_environment": 30,
    }


def test_a_city_may_be_empty() -> None:
    assert plan_city(0, 0, 0).devices == ()


def test_the_same_seed_gives_the_same_city_and_another_seed_another() -> None:
    assert plan_city(seed=1) == plan_city(seed=1)
    assert plan_city(seed=1) != plan_city(seed=2)


@pytest.mark.parametrize("city", [plan_city(), plan_city(300, 200, 100, seed=7)], ids=["default", "large"])
def test_everything_in_the_city_keeps_the_rules_of_the_registry(city: City) -> None:
    data: tuple[ReferenceData, ...] = (*city.agencies, *city.contacts, *city.zones, *city.sites)
    for one in data:
        one.check()
    for device in city.devices:
        device.record.check()


@pytest.mark.parametrize("city", [plan_city(), plan_city(300, 200, 100, seed=7)], ids=["default", "large"])
def test_no_id_serial_or_imei_is_used_twice(city: City) -> None:
    records = [device.record for device in city.devices]
    for names in (
        [r.id for r in records],
        [r.serial for r in records if r.serial],
        [r.imei for r in records if r.imei],
    ):
        assert len(names) == len(set(names))


def test_devices_refer_only_to_what_the_city_has() -> None:
    city = plan_city()
    records = [device.record for device in city.devices]
    assert {record.agency for record in records} == {agency.id for agency in AGENCIES}
    assert {record.site for record in records} == {site.id for site in city.sites}
    assert {zone for record in records for zone in record.zones} == {zone.id for zone in ZONES}
    assert {contact.agency for contact in CONTACTS} == {agency.id for agency in AGENCIES}
    assert {record.profile for record in records} <= set(profile_names())


def test_the_same_device_is_played_that_is_registered() -> None:
    assert all(device.record.id == device.plan.id for device in plan_city().devices)


def test_all_districts_of_purbalingga_have_a_camera() -> None:
    sites = {device.record.id for device in plan_city().devices}
    assert all(f"cam-{district}-01" in sites for district in DISTRICTS)
    assert len(DISTRICTS) == 18


def test_all_sites_lie_within_the_regency() -> None:
    centre = Point(-7.32, 109.40)
    assert all(distance_m(centre, Point(site.lat or 0, site.lon or 0)) < 25_000 for site in plan_city().sites)


def test_some_devices_misbehave_in_each_way_and_most_do_not() -> None:
    count = Counter(device.plan.behaviour for device in plan_city().devices)
    assert set(count) == set(Behaviour)
    assert count[Behaviour.STEADY] > 100


def test_routes_stop_at_districts_that_exist() -> None:
    assert {stop for route in ROUTES for stop in route} <= set(DISTRICTS)


def test_distance_and_course_follow_the_map() -> None:
    purbalingga, bobotsari = DISTRICTS["purbalingga"].centre, DISTRICTS["bobotsari"].centre
    assert distance_m(purbalingga, bobotsari) == pytest.approx(9_018, abs=10)
    assert course_deg(purbalingga, bobotsari) == pytest.approx(0.7, abs=0.1)
    assert course_deg(bobotsari, purbalingga) == pytest.approx(180.7, abs=0.1)
