"""What the registry keeps of agencies, sites, uplinks, contacts and zones, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.errors import AlreadyExists, InvalidIdentity, StillInUse, Unknown, UnknownDevice
from provisioning.records import Agency, Contact, Geofence, NewDevice, ReferenceData, Site, Tariff, Uplink, Zone

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.registry import Registry


@pytest.mark.parametrize(
    "data",
    [
        Agency("dinkes", "Dinas Kesehatan"),
        Contact("budi", "dishub", "Budi", "+6281234567890"),
        Site("kutasari", "Kutasari", None, -7.35, 109.33),
        Uplink("pasar-fiber", "bobotsari-pasar", 50_000_000, Tariff.PER_GIGABYTE, 12_000),
        Uplink(
            "pasar-4g",
            "bobotsari-pasar",
            20_000_000,
            Tariff.QUOTA,
            250_000,
            capacity_up_bps=5_000_000,
            quota_bytes=100_000_000_000,
            overage_rupiah=5_000,
        ),
        Geofence("alun-alun", '{"type":"Polygon"}', "dishub", 30.0),
        Zone("traffic", "Lalu lintas"),
    ],
)
def test_what_is_added_can_be_got_listed_changed_and_removed(city: Registry, data: ReferenceData) -> None:
    city.add(data)
    assert city.get(type(data), data.id) == data
    assert data in city.all(type(data))

    city.update(data)
    assert city.get(type(data), data.id) == data

    city.remove(type(data), data.id)
    assert data not in city.all(type(data))


def test_a_tariff_comes_back_as_a_tariff(city: Registry) -> None:
    city.add(Uplink("u", "bobotsari-pasar", 1))
    assert city.get(Uplink, "u").tariff is Tariff.MONTHLY


def test_a_router_measures_one_uplink(city: Registry) -> None:
    city.add_device(NewDevice(id="gw-1", profile="generic_ipcamera"))
    city.add(Uplink("fiber", "bobotsari-pasar", 1, router="gw-1"))
    with pytest.raises(AlreadyExists, match="The router 'gw-1' belongs to uplink 'fiber' already"):
        city.add(Uplink("radio", "bobotsari-pasar", 1, router="gw-1"))
    with pytest.raises(UnknownDevice, match="There is no device 'gw-2'; did you mean 'gw-1'"):
        city.add(Uplink("radio", "bobotsari-pasar", 1, router="gw-2"))
    with pytest.raises(StillInUse, match="1 uplink entry"):
        city.remove_device("gw-1")


def test_an_outline_stands_in_the_audit_log_by_its_digest(city: Registry, engine: Engine) -> None:
    city.add(Geofence("alun-alun", "{}"))
    detail = audit.read(engine, 1)[0].detail
    assert detail == {"geojson": "sha256 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}


def test_an_id_is_taken_once(city: Registry) -> None:
    with pytest.raises(AlreadyExists, match="The agency 'dishub' exists already"):
        city.add(Agency("dishub"))


def test_an_unknown_reference_names_the_nearest(city: Registry) -> None:
    with pytest.raises(Unknown, match="There is no agency 'dishubb'; did you mean 'dishub'"):
        city.add(Site("kutasari", agency="dishubb"))
    assert [site.id for site in city.all(Site)] == ["bobotsari-pasar"]


def test_a_change_of_something_unknown_is_refused(city: Registry) -> None:
    with pytest.raises(Unknown, match="There is no site 'bobotsari'"):
        city.update(Site("bobotsari"))
    with pytest.raises(Unknown, match="There is no zone 'crime'"):
        city.remove(Zone, "crime")
    with pytest.raises(Unknown, match="There is no zone 'crime'"):
        city.get(Zone, "crime")


def test_a_change_to_an_unknown_reference_is_refused(city: Registry) -> None:
    with pytest.raises(Unknown, match="did you mean 'dishub'"):
        city.update(Site("bobotsari-pasar", agency="dishab"))


def test_what_something_refers_to_is_not_removed(city: Registry) -> None:
    with pytest.raises(StillInUse, match="The agency 'dishub' is still referred to by 1 site entry"):
        city.remove(Agency, "dishub")


@pytest.mark.parametrize(
    "data",
    [
        Agency("dis hub"),
        Contact("budi", "dishub", "Budi", "0812"),
        Site("s", lat=1),
        Uplink("u", "bobotsari-pasar", 0),
        Uplink("u", "bobotsari-pasar", 1, rupiah=-1),
        Uplink("u", "bobotsari-pasar", 1, capacity_up_bps=0),
        Uplink("u", "bobotsari-pasar", 1, Tariff.QUOTA, 1, quota_bytes=1),
        Uplink("u", "bobotsari-pasar", 1, Tariff.QUOTA, 1, quota_bytes=-1, overage_rupiah=1),
        Uplink("u", "bobotsari-pasar", 1, Tariff.MONTHLY, 1, quota_bytes=1, overage_rupiah=1),
        Geofence("f", "x" * 1_000_001),
        Geofence("f", "{}", limit_kmh=0),
        Geofence("f", "{}", limit_kmh=float("nan")),
        Zone("a,b"),
    ],
)
def test_what_breaks_a_rule_is_refused(city: Registry, data: ReferenceData) -> None:
    with pytest.raises(InvalidIdentity):
        city.add(data)
