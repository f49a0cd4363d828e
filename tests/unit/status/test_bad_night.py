"""A bad night, minute by minute: the incidents that come out are those that a person would write by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.status.wording import Names
from tests.unit.status.night import City, Entry

if TYPE_CHECKING:
    from sqlalchemy import Engine

SITES = 100
CAMERAS, SENSORS, SLOW, METERS = 38, 8, 2, 2
"""Devices of a site: 50 in all, and 5,000 in the city."""


def city_of_5000() -> list[Entry]:
    """Every site has cameras and sensors, a few sensors that speak every five minutes, and two meters on a bus."""
    entries = []
    for number in range(SITES):
        site = f"site-{number:02d}"
        bus = f"tcp://10.0.{number}.2:502"
        entries += [Entry(f"cam-{number:02d}-{one:02d}", site=site) for one in range(CAMERAS)]
        entries += [Entry(f"env-{number:02d}-{one}", "sensor", site=site) for one in range(SENSORS)]
        entries += [Entry(f"slow-{number:02d}-{one}", "slow", site=site) for one in range(SLOW)]
        entries += [Entry(f"kwh-{number:02d}-{one}", "meter", "pln", site, modbus=bus) for one in range(METERS)]
    return entries


# What happened, and what a person would write:
EXPECTED = [
    # 00:05 the uplink of a crossing is cut; 00:15 it is back, but one camera there never comes back
    "00:07 site_silent site/site-07 (50): uplink or power at Simpang: 50 of 50 devices silent since 00:05; until 00:20",
    "00:20 device_offline device/cam-07-11 (1): cam-07-11 silent since 00:05; still open",
    # 00:25 the broker restarts, and nothing comes of it
    # 00:30 power fails at site-42; the hub restarts in the middle of it, and is killed soon after; 00:42 it is back
    "00:32 site_silent site/site-42 (48): uplink or power at site-42: 48 of 50 devices silent since 00:30; until 00:42",
    # 00:46 a radio link comes and goes
    "00:51 flapping device/cam-63-05 (1): cam-63-05 is lost and found again and again; until 01:09",
    # 01:00 one camera is dead for real
    "01:02 device_offline device/cam-88-30 (1): cam-88-30 silent since 01:00; still open",
]


@pytest.mark.slow
def test_the_incidents_of_a_bad_night_are_those_a_person_would_write(engine: Engine) -> None:
    city = City(city_of_5000(), engine)
    assert len(city.devices) == 5_000
    city.status.name(Names(sites={"site-07": "Simpang"}), city.now)
    city.until(5.5)

    city.cut(lambda entry: entry.site == "site-07")
    city.until(15)
    city.restore(lambda entry: entry.site == "site-07" and entry.device != "cam-07-11")

    city.until(25)
    city.link(up=False)
    city.until(26)
    city.link(up=True)

    city.until(30.5)
    city.cut(lambda entry: entry.site == "site-42")
    city.until(34)
    city.stop()
    city.until(35)
    city.start()
    city.until(37)
    city.stop(killed=True)
    city.until(37.5)
    city.start()
    city.until(42)
    city.restore(lambda entry: entry.site == "site-42")

    for minute in range(46, 60, 4):
        city.until(minute)
        city.will("cam-63-05")
        city.until(minute + 1)
        city.reconnect("cam-63-05")

    city.until(60.5)
    city.cut(lambda entry: entry.device == "cam-88-30")
    city.until(71)

    assert city.story() == EXPECTED
