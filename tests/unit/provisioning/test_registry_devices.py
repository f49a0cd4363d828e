"""What the registry keeps of devices and their lives, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from provisioning.errors import AlreadyExists, InvalidIdentity, StillInUse, Unknown, UnknownDevice, WrongState
from provisioning.records import Agency, Device, DeviceChanges, Lifecycle, NewDevice, Zone
from tests.unit.provisioning.cameras import IMEI, camera

if TYPE_CHECKING:
    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry


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


def test_video_that_stays_at_its_site_is_marked(city: Registry) -> None:
    city.add_device(NewDevice(id="cam-1", profile="generic_ipcamera", local_recording=True))
    assert city.device("cam-1").local_recording is True
    assert [entry.local_recording for entry in city.entries()] == [True]
    city.update_device("cam-1", local_recording=False)
    assert [entry.local_recording for entry in city.entries()] == [False]


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
