"""What the registry keeps, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.access import LEAST_ROLE
from provisioning.audit import Actor
from provisioning.errors import (
    AlreadyExists,
    InvalidIdentity,
    ProvisioningError,
    StillInUse,
    Unknown,
    UnknownDevice,
    WrongState,
)
from provisioning.records import (
    Agency,
    Contact,
    Device,
    DeviceChanges,
    Geofence,
    Lifecycle,
    NewDevice,
    ReferenceData,
    Site,
    Tariff,
    Uplink,
    Zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry

IMEI = "490154203237518"


def camera(device_id: str = "cam-1", **changes: object) -> NewDevice:
    return replace(NewDevice(id=device_id, profile="generic_ipcamera"), **changes)  # type: ignore[arg-type]


@pytest.fixture
def city(registry: Registry) -> Registry:
    registry.add(Agency("dishub", "Dinas Perhubungan"))
    registry.add(Site("bobotsari-pasar", "Pasar Bobotsari", "dishub", -7.307, 109.362))
    return registry


# Agencies, sites, uplinks, contacts, zones


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


def test_video_that_stays_at_its_site_is_marked(city: Registry) -> None:
    city.add_device(NewDevice(id="cam-1", profile="generic_ipcamera", local_recording=True))
    assert city.device("cam-1").local_recording is True
    assert [entry.local_recording for entry in city.entries()] == [True]
    city.update_device("cam-1", local_recording=False)
    assert [entry.local_recording for entry in city.entries()] == [False]


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


# Devices


def test_a_device_keeps_all_that_it_was_registered_with(city: Registry) -> None:
    city.add_device(camera("gateway-1"))
    new = camera(
        name="Gerbang utara",
        agency="dishub",
        site="bobotsari-pasar",
        zones=("traffic", "crime"),
        serial="DS1",
        imei=IMEI,
        lat=-7.3,
        lon=109.3,
        parent="gateway-1",
    )
    expected = Device(
        id="cam-1",
        profile="generic_ipcamera",
        name="Gerbang utara",
        agency="dishub",
        site="bobotsari-pasar",
        zones=("crime", "traffic"),
        serial="DS1",
        imei=IMEI,
        lat=-7.3,
        lon=109.3,
        parent="gateway-1",
        lifecycle=Lifecycle.REGISTERED,
        created_ns=1_790_000_000_000_000_000,
        updated_ns=1_790_000_000_000_000_000,
    )
    assert city.add_device(new) == expected
    assert city.device("cam-1") == expected


def test_zones_are_created_on_first_use(city: Registry) -> None:
    city.add_devices([camera("cam-1", zones=("traffic", "traffic")), camera("cam-2", zones=("crime", "traffic"))])
    assert city.all(Zone) == [Zone("crime"), Zone("traffic")]


def test_an_unknown_device_names_the_nearest(city: Registry) -> None:
    city.add_device(camera("cam-bobotsari-01"))
    with pytest.raises(UnknownDevice, match="There is no device 'cam-bobotsri-01'; did you mean 'cam-bobotsari-01'"):
        city.device("cam-bobotsri-01")


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (camera("cam-1"), "The device 'cam-1' exists already"),
        (camera("cam-2", serial="DS1"), "The serial 'DS1' belongs to device 'cam-1' already"),
        (camera("cam-2", imei=IMEI), f"The imei '{IMEI}' belongs to device 'cam-1' already"),
    ],
)
def test_what_identifies_a_device_is_taken_once(city: Registry, second: NewDevice, sentence: str) -> None:
    first = camera("cam-1", serial="DS1", imei=IMEI)
    with pytest.raises(AlreadyExists, match=sentence):
        city.add_devices([first, second])
    assert city.devices() == []

    city.add_device(first)
    with pytest.raises(AlreadyExists, match=sentence):
        city.add_device(second)


def test_two_profiles_may_share_a_serial(city: Registry) -> None:
    city.add_devices([camera("cam-1", serial="1"), camera("gps-1", profile="generic_tracker", serial="1")])
    assert [device.id for device in city.devices()] == ["cam-1", "gps-1"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agency": "dishup"}, "There is no agency 'dishup'; did you mean 'dishub'"),
        ({"site": "bobotsari-psar"}, "There is no site 'bobotsari-psar'; did you mean 'bobotsari-pasar'"),
        ({"parent": "gateway"}, "There is no device 'gateway'. Add the device first"),
    ],
)
def test_a_device_refers_only_to_what_there_is(city: Registry, changes: DeviceChanges, sentence: str) -> None:
    with pytest.raises(Unknown, match=sentence):
        city.add_device(camera("cam-1", **changes))
    city.add_device(camera("cam-1"))
    with pytest.raises(Unknown, match=sentence):
        city.update_device("cam-1", **changes)


def test_all_of_many_devices_are_registered_or_none(city: Registry) -> None:
    with pytest.raises(Unknown):
        city.add_devices([camera("cam-1", zones=("traffic",)), camera("cam-2", site="nowhere")])
    assert city.devices() == []
    assert city.all(Zone) == []
    assert city.latest_change() == 0


def test_a_gateway_may_stand_behind_its_children_in_the_list(city: Registry) -> None:
    city.add_devices([camera("meter-1", parent="gateway-1"), camera("gateway-1")])
    assert city.device("meter-1").parent == "gateway-1"


def test_a_gateway_has_no_gateway(city: Registry) -> None:
    city.add_devices([camera("gateway-1"), camera("meter-1", parent="gateway-1"), camera("gateway-2")])
    with pytest.raises(InvalidIdentity, match="The gateway 'meter-1' of 'probe-1' has a gateway itself"):
        city.add_device(camera("probe-1", parent="meter-1"))
    with pytest.raises(InvalidIdentity, match="The gateway 'gateway-1' of 'meter-1' has a gateway itself"):
        city.update_device("gateway-1", parent="gateway-2")
    with pytest.raises(InvalidIdentity, match="its own gateway"):
        city.update_device("gateway-1", parent="gateway-1")


@pytest.mark.parametrize(
    "new", [camera("cam/1"), camera(profile="a b"), camera(serial="#"), camera(imei="1"), camera(zones=("a,b",))]
)
def test_a_device_that_breaks_a_rule_is_refused(city: Registry, new: NewDevice) -> None:
    with pytest.raises(InvalidIdentity):
        city.add_device(new)


def test_a_change_leaves_the_rest(city: Registry) -> None:
    before = city.add_device(camera(serial="DS1", zones=("crime",)))
    assert city.update_device("cam-1", name="Gerbang", zones=("traffic",)) == city.device("cam-1")
    assert city.device("cam-1") == replace(before, name="Gerbang", zones=("traffic",))


def test_a_serial_can_be_handed_on(city: Registry) -> None:
    city.add_devices([camera("cam-1", serial="DS1"), camera("cam-2")])
    with pytest.raises(AlreadyExists, match="'DS1' belongs to device 'cam-1'"):
        city.update_device("cam-2", serial="DS1")
    city.update_device("cam-1", serial=None)
    assert city.update_device("cam-2", serial="DS1").serial == "DS1"


def test_devices_are_listed_by_what_they_belong_to(city: Registry) -> None:
    city.add(Agency("dinkes"))
    city.add_devices(
        [
            camera("a", site="bobotsari-pasar", zones=("traffic",)),
            camera("b", agency="dinkes", site="bobotsari-pasar"),
            camera("c", profile="generic_tracker", agency="dishub", zones=("crime", "traffic")),
        ]
    )
    assert [device.id for device in city.devices(agency="dishub")] == ["a", "c"]
    assert [device.id for device in city.devices(site="bobotsari-pasar")] == ["a", "b"]
    assert [device.id for device in city.devices(zone="traffic")] == ["a", "c"]
    assert [device.id for device in city.devices(profile="generic_tracker", zone="crime")] == ["c"]


def test_devices_are_read_a_page_at_a_time(city: Registry) -> None:
    city.add_devices([camera(name, agency="dishub", zones=("traffic",)) for name in ("c", "a", "b")])
    city.add_devices([camera("d"), camera("e", site="bobotsari-pasar")])
    assert [device.id for device in city.page("", 2)] == ["a", "b"]
    assert [device.id for device in city.page("b", 2)] == ["c", "d"]
    assert [device.id for device in city.page("b", 9, agencies=["dishub", "bpbd"])] == ["c", "e"]
    assert [device.id for device in city.page("a", 9, zone="traffic")] == ["b", "c"]
    assert city.page("", 9, agencies=frozenset()) == []
    assert city.page("e", 9) == []


def test_a_device_is_removed_with_its_zones(city: Registry) -> None:
    city.add_device(camera(zones=("traffic",)))
    city.remove_device("cam-1")
    city.remove(Zone, "traffic")
    assert city.devices() == []
    with pytest.raises(UnknownDevice):
        city.remove_device("cam-1")


def test_a_device_that_held_a_certificate_is_not_removed(city: Registry, enrolment: Enrolment) -> None:
    city.add_device(camera())
    enrolment.issue_with_hub_key("cam-1")
    with pytest.raises(StillInUse, match="The device 'cam-1' is still referred to by 1 certificate entry"):
        city.remove_device("cam-1")


STEPS = {
    (Lifecycle.REGISTERED, Lifecycle.ACTIVE),
    (Lifecycle.REGISTERED, Lifecycle.MAINTENANCE),
    (Lifecycle.REGISTERED, Lifecycle.RETIRED),
    (Lifecycle.ACTIVE, Lifecycle.MAINTENANCE),
    (Lifecycle.ACTIVE, Lifecycle.RETIRED),
    (Lifecycle.MAINTENANCE, Lifecycle.ACTIVE),
    (Lifecycle.MAINTENANCE, Lifecycle.RETIRED),
    (Lifecycle.RETIRED, Lifecycle.REGISTERED),
}
WAY = {
    Lifecycle.REGISTERED: [],
    Lifecycle.ACTIVE: [Lifecycle.ACTIVE],
    Lifecycle.MAINTENANCE: [Lifecycle.MAINTENANCE],
    Lifecycle.RETIRED: [Lifecycle.RETIRED],
}


@pytest.mark.parametrize("to", Lifecycle)
@pytest.mark.parametrize("start", Lifecycle)
def test_a_life_goes_its_steps(city: Registry, start: Lifecycle, to: Lifecycle) -> None:
    city.add_device(camera())
    for step in WAY[start]:
        city.move_device("cam-1", step)
    if (start, to) in STEPS:
        city.move_device("cam-1", to)
        assert city.device("cam-1").lifecycle is to
    else:
        with pytest.raises(WrongState, match=f"is {start} and cannot become {to}"):
            city.move_device("cam-1", to)


# The record


def recorded(engine: Engine) -> list[tuple[str, str, str, object]]:
    """What was done, in order."""
    rows = reversed(audit.read(engine, 100))
    return [(row.actor, row.action, row.subject, row.detail) for row in rows]


Recorded = list[tuple[str, str, object]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda it: it.add(Uplink("fiber", "bobotsari-pasar", 1_000)),
            [
                (
                    "uplink.add",
                    "uplink/fiber",
                    {"site": "bobotsari-pasar", "capacity_bps": 1_000, "tariff": "monthly", "rupiah": 0},
                )
            ],
        ),
        (
            lambda it: it.update(Site("bobotsari-pasar", "Pasar", None, -7.307, 109.362)),
            [
                (
                    "site.update",
                    "site/bobotsari-pasar",
                    {"name": ["Pasar Bobotsari", "Pasar"], "agency": ["dishub", None]},
                )
            ],
        ),
        (lambda it: it.remove(Zone, "flood"), [("zone.remove", "zone/flood", {"name": "Banjir"})]),
        (
            lambda it: it.add_device(camera("cam-2", zones=("crime",), lat=-7.3, lon=109.3)),
            [
                ("zone.add", "zone/crime", {}),
                (
                    "device.add",
                    "device/cam-2",
                    {"profile": "generic_ipcamera", "zones": ["crime"], "lat": -7.3, "lon": 109.3},
                ),
            ],
        ),
        (
            lambda it: it.update_device("cam-1", name="Gerbang", zones=("crime",)),
            [
                ("zone.add", "zone/crime", {}),
                ("device.update", "device/cam-1", {"name": ["", "Gerbang"], "zones": [[], ["crime"]]}),
            ],
        ),
        (
            lambda it: it.move_device("cam-1", Lifecycle.ACTIVE),
            [("device.lifecycle", "device/cam-1", {"lifecycle": ["registered", "active"]})],
        ),
        (
            lambda it: it.remove_device("cam-1"),
            [("device.remove", "device/cam-1", {"profile": "generic_ipcamera", "lifecycle": "registered"})],
        ),
        (
            lambda it: it.add(Contact("budi", "dishub", "Budi", "+6281234567890")),
            [("contact.add", "contact/budi", {"agency": "dishub", "name": "(personal)", "phone": "(personal)"})],
        ),
        (
            lambda it: it.update(Contact("siti", "dishub", "Siti", "+6281111111111")),
            [("contact.update", "contact/siti", {"phone": ["(personal)", "(personal)"]})],
        ),
    ],
)
def test_every_change_is_recorded_as_the_actors(
    city: Registry, engine: Engine, change: Callable[[Registry], None], expected: Recorded
) -> None:
    city.add(Zone("flood", "Banjir"))
    city.add(Contact("siti", "dishub", "Siti", "+6281234567890"))
    city.add_device(camera())
    before = len(recorded(engine))
    change(city.acting(Actor("budi", "cli@hub-1")))
    assert recorded(engine)[before:] == [("budi", *row) for row in expected]
    assert audit.verify(engine) == []


def test_each_of_many_devices_has_a_row_of_its_own(registry: Registry, engine: Engine) -> None:
    registry.add_devices([camera(f"cam-{number}") for number in range(20)])
    assert [(actor, subject) for actor, _, subject, _ in recorded(engine)] == [
        ("system", f"device/cam-{number}") for number in range(20)
    ]


def test_a_change_that_is_refused_is_not_recorded(city: Registry, engine: Engine) -> None:
    before = recorded(engine)
    changes: list[Callable[[], object]] = [
        lambda: city.add(Agency("dishub")),
        lambda: city.update(Site("bobotsari-pasar", agency="dishab")),
        lambda: city.remove(Agency, "dishub"),
        lambda: city.add_devices([camera(zones=("crime",)), camera("cam-2", site="nowhere")]),
        lambda: city.move_device("cam-9", Lifecycle.ACTIVE),
    ]
    for change in changes:
        with pytest.raises(ProvisioningError):
            change()
    assert recorded(engine) == before


def test_every_recorded_action_is_one_that_a_role_may_do(city: Registry, engine: Engine) -> None:
    city.add_device(camera(zones=("crime",)))
    city.update_device("cam-1", name="Gerbang")
    city.move_device("cam-1", Lifecycle.MAINTENANCE)
    city.remove_device("cam-1")
    assert {action for _, action, *_ in recorded(engine)} <= LEAST_ROLE.keys()


def test_every_error_is_a_provisioning_error_with_a_sentence(city: Registry) -> None:
    with pytest.raises(ProvisioningError) as refused:
        city.move_device("cam-9", Lifecycle.ACTIVE)
    assert str(refused.value) == "There is no device 'cam-9'. Add the device first, or list those there are."
