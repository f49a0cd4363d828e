"""One cause, one incident: small cities, one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.status.base import Cause
from hub.status.fleet import Ear
from tests.unit.status.night import City, Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    Make = Callable[[list[Entry]], City]


@pytest.fixture
def make(engine: Engine) -> Make:
    def build(entries: list[Entry]) -> City:
        city = City(entries, engine)
        city.until(5)
        return city

    return build


def cams(site: str, count: int) -> list[Entry]:
    return [Entry(f"{site}-{number:02d}", site=site) for number in range(count)]


def told(city: City) -> list[tuple[str, int, bool]]:
    """Cause with subject, how many devices, whether it is open; in the order of the alphabet."""
    return sorted((f"{one.cause} {one.subject}", len(one.devices), not one.closed_ns) for one in city.everything())


def test_a_device_dead_on_its_own_is_its_own_incident_after_the_window(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 10))
    city.cut(lambda entry: entry.device == "pasar-03")
    city.until(7)
    assert told(city) == []
    city.until(8)
    assert told(city) == [("device_offline device/pasar-03", 1, True)]
    city.restore(lambda _: True)
    city.until(9)
    assert told(city) == [("device_offline device/pasar-03", 1, False)]


def test_two_devices_are_no_site(make: Make) -> None:
    city = make(cams("pasar", 2) + cams("alun", 10))
    city.cut(lambda entry: entry.site == "pasar")
    city.until(9)
    assert told(city) == [("device_offline device/pasar-00", 1, True), ("device_offline device/pasar-01", 1, True)]


def test_seven_of_ten_are_a_site_and_six_are_not(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 10) + cams("desa", 20))
    down = {*(f"pasar-{number:02d}" for number in range(7)), *(f"alun-{number:02d}" for number in range(6))}
    city.cut(lambda entry: entry.device in down)
    city.until(9)
    singles = [(f"device_offline device/alun-{number:02d}", 1, True) for number in range(6)]
    assert told(city) == [*singles, ("site_silent site/pasar", 7, True)]


def test_those_that_were_silent_long_before_are_not_counted_nor_attached(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.cut(lambda entry: entry.device == "pasar-00")
    city.until(20)
    city.cut(lambda entry: entry.site == "pasar")
    city.until(24)
    assert told(city) == [("device_offline device/pasar-00", 1, True), ("site_silent site/pasar", 9, True)]
    assert "9 of 9 devices" in city.everything()[1].text


def test_a_later_failure_in_a_silent_site_is_attached(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.cut(lambda entry: entry.site == "pasar" and entry.device != "pasar-09")
    city.until(10)
    city.cut(lambda entry: entry.device == "pasar-09")
    city.until(14)
    assert told(city) == [("site_silent site/pasar", 10, True)]


def test_a_site_that_falls_again_soon_is_the_same_incident(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    for minute in (5, 10):
        city.until(minute)
        city.cut(lambda entry: entry.site == "pasar")
        city.until(minute + 3)
        city.restore(lambda _: True)
    city.until(20)
    assert told(city) == [("site_silent site/pasar", 10, False)]
    assert city.everything()[0].times == 2


def test_a_gateway_is_named_when_the_rest_of_its_site_goes_on(make: Make) -> None:
    children = [Entry(f"child-{number}", site="pasar", parent="gate") for number in range(8)]
    city = make([Entry("gate", site="pasar"), *children, *cams("pasar", 3), *cams("alun", 20)])
    city.cut(lambda entry: entry.parent == "gate" or entry.device == "gate")
    city.until(9)
    assert told(city) == [("gateway_silent gateway/gate", 9, True)]


def test_a_bus_is_a_gateway(make: Make) -> None:
    bus = "tcp://10.0.0.2:502"
    meters = [Entry(f"kwh-{number}", "meter", site="pasar", modbus=bus) for number in range(4)]
    city = make([*meters, *cams("pasar", 10), *cams("alun", 20)])
    city.cut(lambda entry: entry.modbus == bus)
    city.until(9)
    assert told(city) == [(f"gateway_silent gateway/{bus}", 4, True)]


def test_the_brokers_listener_is_one_incident_of_the_whole_city(make: Make) -> None:
    meters = [Entry(f"kwh-{number}", "meter", site="pasar", modbus="tcp://10.0.0.2:502") for number in range(4)]
    city = make([*meters, *(one for number in range(10) for one in cams(f"site-{number}", 10))])
    city.cut(lambda entry: entry.modbus is None)
    city.until(9)
    assert told(city) == [("listener_silent broker/mqtt", 100, True)]
    city.restore(lambda _: True)
    city.until(12)
    assert told(city) == [("listener_silent broker/mqtt", 100, False)]


def test_sensors_that_speak_seldom_neither_prevent_nor_pretend(make: Make) -> None:
    """They are attached once they are overdue; one that is heard meanwhile never is."""
    slow = [Entry(f"slow-{number}", "slow", site="pasar") for number in range(4)]
    city = make([*cams("pasar", 6), *slow, *cams("alun", 20)])
    city.until(11)
    city.cut(lambda entry: entry.site == "pasar" and entry.device != "slow-3")
    city.until(14)
    assert told(city) == [("site_silent site/pasar", 6, True)]
    city.until(30)
    assert told(city) == [("site_silent site/pasar", 9, True)]


def test_a_mute_camera_has_stale_data_and_is_not_offline(make: Make) -> None:
    city = make(cams("pasar", 10))
    city.reconnect("pasar-01")
    city.cut(lambda entry: entry.device == "pasar-01")
    city.until(9)
    assert told(city) == [("data_stale device/pasar-01", 1, True)]
    city.will("pasar-01")
    city.until(12)
    assert told(city) == [("data_stale device/pasar-01", 1, False), ("device_offline device/pasar-01", 1, True)]


def test_the_hubs_own_illness_never_becomes_offline_cameras(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.link(up=False)
    city.until(60)
    city.link(up=True)
    city.until(65)
    assert told(city) == []


def test_what_is_held_back_when_the_hub_falls_ill_is_judged_anew_afterwards(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.cut(lambda entry: entry.device == "pasar-03")
    city.until(6.75)
    city.link(up=False)
    city.until(10)
    city.link(up=True)
    city.until(11)
    assert told(city) == []
    city.until(13)
    assert told(city) == [("device_offline device/pasar-03", 1, True)]


def test_maintenance_silences_while_reachability_is_shown_and_its_end_is_an_alarm_again(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.change([one._replace(maintenance_until_ns=city.now + 20 * 60 * 10**9) for one in cams("pasar", 10)])
    city.cut(lambda entry: entry.site == "pasar")
    city.until(20)
    assert told(city) == []
    seen = city.status.of(city.status.roster.index["pasar-03"], city.now)
    assert (seen.state.word, seen.lifecycle) == ("offline", "maintenance")
    city.restore(lambda entry: entry.device != "pasar-03")
    city.until(26)
    assert told(city) == [("device_offline device/pasar-03", 1, True)]


def test_a_device_that_is_retired_takes_its_incidents_along(make: Make) -> None:
    city = make(cams("pasar", 10))
    city.cut(lambda entry: entry.device == "pasar-03")
    city.until(9)
    city.change([], ["pasar-03"])
    city.until(10)
    assert told(city) == [("device_offline device/pasar-03", 1, False)]


def test_a_restart_while_all_is_well_is_no_change(make: Make) -> None:
    """What is written meanwhile are those whose turn it is anyway, and their return."""
    city = make(cams("pasar", 600))
    city.stop()
    city.lines.clear()
    city.until(7)
    city.start()
    city.until(8)
    written = [line.split('"')[1] for line in city.lines if line.startswith("presence")]
    assert set(written) <= {"online", "unknown"}
    assert len(written) <= 2 * 600 * 60 / 300
    assert told(city) == []


def test_a_restart_neither_forgets_an_incident_nor_what_hangs_on_it(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.cut(lambda entry: entry.site == "pasar")
    city.until(9)
    for _ in range(2):
        city.stop(killed=True)
        city.start()
        city.until(city.now_s / 60 + 4)
    assert told(city) == [("site_silent site/pasar", 10, True)]
    city.restore(lambda _: True)
    city.until(city.now_s / 60 + 2)
    assert told(city) == [("site_silent site/pasar", 10, False)]


def test_an_illness_ends_while_a_site_is_out(make: Make) -> None:
    city = make(cams("pasar", 10) + cams("alun", 20))
    city.link(up=False)
    city.until(8)
    city.cut(lambda entry: entry.site == "pasar")
    city.until(10)
    city.link(up=True)
    city.until(14)
    assert told(city) == [("site_silent site/pasar", 10, True)]


def test_modbus_devices_are_judged_while_the_broker_is_away(make: Make) -> None:
    meters = [Entry(f"kwh-{number}", "meter", site="pasar", modbus=f"tcp://10.0.0.{number}:502") for number in range(9)]
    city = make([*meters, *cams("alun", 20)])
    city.status.deafen(Ear.MQTT, city.now)
    city.cut(lambda entry: entry.device == "kwh-3")
    city.until(9)
    assert told(city) == [("device_offline device/kwh-3", 1, True)]


def test_flapping_is_told_once_and_ends_when_it_is_steady(make: Make) -> None:
    city = make(cams("pasar", 10))
    for minute in range(5, 20, 3):
        city.until(minute)
        city.will("pasar-05")
        city.until(minute + 1)
        city.reconnect("pasar-05")
    assert told(city) == [("flapping device/pasar-05", 1, True)]
    during = [line for line in city.lines if line.startswith("presence") and "device=pasar-05," in line]
    city.until(32)
    assert told(city) == [("flapping device/pasar-05", 1, False)]
    assert len(during) < 12
    assert Cause.FLAPPING in {one.cause for one in city.everything()}
