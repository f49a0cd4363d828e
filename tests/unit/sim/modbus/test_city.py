"""The units of the city can be registered as they are, and are the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from hub.sim.city import plan_city
from hub.sim.modbus.city import Polled, plan_polled
from hub.sim.modbus.plan import GaugePlan, Manner
from hub.sim.plan import RiverPlan


def ports(polled: Polled) -> list[int]:
    return list(range(5000, 5000 + len(polled.buses)))


def test_the_city_has_as_many_units_of_each_kind_as_were_asked_for() -> None:
    polled = plan_polled(12, 6, 4)
    records = polled.records(ports(polled))
    assert Counter(record.profile for record in records) == {
        "eastron_sdm120": 12,
        "apc_smartups": 6,
        "dfrobot_sen0492": 4,
    }
    assert plan_polled(0, 0, 0).buses == ()


def test_the_same_seed_gives_the_same_units_and_another_seed_others() -> None:
    assert plan_polled(seed=1) == plan_polled(seed=1)
    assert plan_polled(seed=1) != plan_polled(seed=2)


@pytest.mark.parametrize("polled", [plan_polled(), plan_polled(100, 70, 30, seed=7)], ids=["default", "large"])
def test_everything_keeps_the_rules_of_the_registry_and_no_address_is_used_twice(polled: Polled) -> None:
    records = polled.records(ports(polled))
    for site in polled.sites:
        site.check()
    for record in records:
        record.check()
    for names in ([r.id for r in records], [r.serial for r in records], [(r.modbus, r.unit) for r in records]):
        assert len(names) == len(set(names))
    assert {record.site for record in records} == {site.id for site in polled.sites}


def test_the_same_unit_is_played_that_is_registered() -> None:
    polled = plan_polled()
    played = {
        (f"{'rtutcp' if gateway.rtu else 'tcp'}://127.0.0.1:{gateway.port}", unit.unit, unit.id)
        for gateway in polled.plan(ports(polled)).gateways
        for unit in gateway.units
    }
    assert {(one.modbus, one.unit, one.id) for one in polled.records(ports(polled))} == played


def test_one_unit_is_dead_one_slow_and_one_answers_exceptions_and_each_has_good_neighbours() -> None:
    polled = plan_polled()
    manners = [Counter(one.plan.manner for one in bus.devices) for bus in polled.buses]
    total = sum(manners, Counter())
    assert [total[manner] for manner in (Manner.DEAD, Manner.SLOW, Manner.FAULTY)] == [1, 1, 1]
    assert all(count[Manner.STEADY] >= 2 for count in manners)


def test_a_distance_sensor_hangs_above_the_same_flood_as_the_gauge_of_its_post() -> None:
    models = [one.plan.model for bus in plan_polled().buses for one in bus.devices]
    over_modbus = [model.river for model in models if isinstance(model, GaugePlan)]
    over_mqtt = [device.plan.model for device in plan_city().devices if isinstance(device.plan.model, RiverPlan)]
    assert over_modbus == over_mqtt[:4]
    assert sum(1 for river in over_modbus if river.flood_cm) >= 2


def test_ups_and_distance_sensor_stand_where_their_camera_and_gauge_do() -> None:
    sites = {site.id: site for site in plan_city().sites}
    for bus in plan_polled().buses:
        for one in bus.devices:
            if not one.record.id.startswith("kwh-"):
                assert sites[one.site.id] == one.site
