from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.watch import Word
from hub.directory import MOST_MET, Directory, Route, device_of, tags_of, topic_root, vendor_topics
from hub.errors import Reason, Rejected
from hub.profiles.schema import Profile
from hub.profiles.topics import subscription
from tests.shipped import PROFILES, VOCABULARY
from tests.unit.decode.line_protocol import parse_line

LEAVES = ("telemetry", "events", "status")
NOW = 1_790_000_000_000_000_000


class Device(NamedTuple):
    device: str
    profile: str = "generic_ipcamera"
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    serial: str | None = None
    imei: str | None = None
    modbus: str | None = None
    unit: int | None = None
    local_recording: bool = False


IDS = st.sampled_from(["a", "b", "c", "gw"])
DEVICES = st.builds(
    Device,
    IDS,
    st.sampled_from(["generic_ipcamera", "generic_tracker", "no_such_model"]),
    parent=st.sampled_from([None, "gw", "gw2"]),
)
SNAPSHOTS = st.lists(DEVICES, unique_by=lambda device: device.device)


def directory(*devices: Device) -> Directory:
    made = Directory(VOCABULARY, PROFILES, keep_ns=10**18)
    made.update(devices)
    return made


def lead(made: Directory, topic: str) -> Route | None:
    """Return where a topic leads, as the hot path finds it."""
    return made.routes.get(topic) or made.resolve(topic)


TOPICS = [
    f"{topic_root(device, parent)}/{leaf}"
    for device in ("a", "b", "c", "gw", "cam", "car", "van", "air-1", "child")
    for parent in (None, "gw", "gw2")
    for leaf in LEAVES
]


def heard(made: Directory) -> dict[str, Route]:
    """Return where the hub's own topics lead."""
    return {topic: route for topic in TOPICS if (route := lead(made, topic)) is not None}


def test_a_topic_leads_to_the_devices_tags_and_its_models_decoder() -> None:
    camera = Device("cam-1", agency="dinkominfo", site="bobotsari", zones=("traffic", "crime"))
    route = directory(camera).resolve("devices/cam-1/telemetry")
    assert route is not None
    tags, decode, watch = route

    line = decode(tags, b'{"fps":25}', NOW, False, watch)  # noqa: FBT003 - the hot path's own order

    assert line == (",agency=dinkominfo,device=cam-1,profile=generic_ipcamera,site=bobotsari,zone=crime+traffic").join(
        ["cctv", f" fps=25 {NOW}\n"]
    )


def test_devices_of_a_model_share_their_decoders() -> None:
    routes = heard(directory(Device("a"), Device("b")))

    assert routes["devices/a/telemetry"].decode is routes["devices/b/telemetry"].decode
    assert routes["devices/a/telemetry"].decode is not routes["devices/a/events"].decode


def test_a_gateways_child_is_found_under_its_gateway_only() -> None:
    made = directory(Device("gw"), Device("child", parent="gw"))

    assert made.resolve("devices/gw/children/child/telemetry") is not None
    assert made.resolve("devices/child/telemetry") is None
    assert made.missing("devices/child/telemetry").reason is Reason.UNKNOWN_TOPIC


def test_a_moved_device_leaves_its_old_topics() -> None:
    made = directory(Device("a"))

    assert set(heard(made)) == {f"devices/a/{leaf}" for leaf in LEAVES}
    made.update([Device("a", parent="gw")], {"a"})

    assert set(heard(made)) == {f"devices/gw/children/a/{leaf}" for leaf in LEAVES}
    assert len(made) == 1


def test_a_changed_device_that_is_gone_is_forgotten() -> None:
    made = directory(Device("a"), Device("b"))

    assert {device_of(topic) for topic in heard(made)} == {"a", "b"}
    made.update([], {"a", "never-heard-of"})

    assert {device_of(topic) for topic in heard(made)} == {"b"}
    assert made.missing("devices/a/telemetry").reason is Reason.UNKNOWN_DEVICE


def test_a_device_whose_profile_is_not_here_is_named_and_known_but_not_served() -> None:
    made = directory()

    assert made.update([Device("a", profile="no_such_model"), Device("b")]) == ["a"]
    assert made.missing("devices/a/telemetry").reason is Reason.UNKNOWN_TOPIC
    assert len(made) == 2


# --- the vendors' own topics ---

VENDORS: dict[str, dict[str, object]] = {
    "tasmota": {
        "mqtt": {"sensor": {"topics": ["tele/{device}/SENSOR"], "readings": {"weather": {"temperature_c": "t"}}}},
        "presence": {"topics": ["tele/{device}/LWT"], "online": ["Online"], "offline": ["Offline"]},
    },
    "axis": {
        "mqtt": {
            "event": {
                "topics": ["{serial}/event/#", "axis/{serial}/event/#"],
                "readings": {"event": {"name": "$topic.2", "text": "x"}},
            }
        },
        "presence": {"topics": ["{serial}/event/connection"], "from": "on", "online": ["1"], "offline": ["0"]},
    },
    "tracker": {"mqtt": {"data": {"topics": ["+/{imei}/data"], "readings": {"gps": {"speed_kmh": "s"}}}}},
    "twins": {
        "mqtt": {
            "a": {"topics": ["t/{device}"], "partial": True, "readings": {"weather": {"temperature_c": "t"}}},
            "b": {"topics": ["t/{device}"], "partial": True, "readings": {"level": {"distance_mm": "d"}}},
        }
    },
    "axis_copy": {"mqtt": {"e": {"topics": ["{serial}/event/x"], "readings": {"event": {"name": "x"}}}}},
}
ABOUT = {"vendor": "V", "model": "M", "kind": "sensor", "about": "A", "interval_s": 60}
MODELS = PROFILES | {
    name: Profile.model_validate({**ABOUT, "manual": {"title": "T", "edition": "1"}, **said})
    for name, said in VENDORS.items()
}
IMEI = "490154203237518"


def vendors(*devices: Device) -> Directory:
    made = Directory(VOCABULARY, MODELS, keep_ns=10**18)
    made.update(devices)
    return made


def line(route: Route | None, payload: bytes) -> str:
    assert route is not None
    return route.decode(route.tags, payload, NOW, False, route.watch)  # noqa: FBT003 - the hot path's own order


def test_a_vendors_topic_is_the_devices_as_much_as_its_native_one() -> None:
    made = vendors(Device("air-1", "tasmota"))

    assert set(heard(made)) == {"devices/air-1/status"}
    assert set(made.routes) == {"devices/air-1/status", "tele/air-1/SENSOR", "tele/air-1/LWT"}
    assert line(made.routes["tele/air-1/SENSOR"], b'{"t":21.5}') == (
        f"weather,device=air-1,profile=tasmota temperature_c=21.5 {NOW}\n"
    )
    assert line(made.routes["tele/air-1/LWT"], b"Online") == ""
    assert made.watches["air-1"].take_words() == [Word(NOW, online=True, retained=False)]


def test_what_wildcards_cover_is_resolved_once_and_forgotten_with_the_device() -> None:
    made = vendors(Device("cam", "axis", serial="S1"), Device("other", "axis", serial="S2"))

    assert "S1/event/VMD" not in made.routes
    assert line(made.resolve("S1/event/VMD"), b'{"x":"y"}').startswith('event,device=cam,profile=axis name="VMD",')
    assert made.routes["S1/event/VMD"].watch is made.watches["cam"]
    assert line(made.resolve("axis/S2/event"), b'{"x":"y"}').startswith('event,device=other,profile=axis name="event",')

    made.update([Device("cam", "axis", serial="S3")], {"cam"})
    assert "S1/event/VMD" not in made.routes
    assert made.resolve("S1/event/VMD") is None
    assert made.resolve("S3/event/VMD") is not None

    made.update([], {"cam", "other"})
    assert made.routes == {}
    assert made.resolve("S3/event/VMD") is None


def test_a_topic_that_a_wildcard_covers_as_well_is_heard_by_both() -> None:
    made = vendors(Device("cam", "axis", serial="S1"))
    route = made.routes["S1/event/connection"]

    assert line(route, b'{"on":1,"x":"y"}').startswith('event,device=cam,profile=axis name="connection",text="y" ')
    assert line(route, b'{"on":0,"x":"y"}') == ""
    assert [word.online for word in made.watches["cam"].words] == [True, False]


def test_a_device_without_the_serial_or_imei_that_its_topics_need_is_not_heard_there() -> None:
    made = vendors(Device("cam", "axis"), Device("car", "tracker", imei=IMEI), Device("van", "tracker"))

    assert set(heard(made)) == {"devices/cam/status", "devices/car/status", "devices/van/status"}
    assert made.routes.keys() == heard(made).keys()
    assert line(made.resolve(f"fleet/{IMEI}/data"), b'{"s":1}').startswith("gps,device=car,")


def test_several_messages_may_come_on_one_topic() -> None:
    route = vendors(Device("d", "twins")).routes["t/d"]

    assert [one.split(",")[0] for one in line(route, b'{"t":1,"d":2}').splitlines()] == ["weather", "level"]
    assert line(route, b'{"d":2}').startswith("level,")
    with pytest.raises(Rejected, match="not JSON") as caught:
        line(route, b"{")
    assert len(caught.value.faults) == 1


def test_a_gateways_child_keeps_its_vendors_topics_and_its_native_ones_are_the_gateways() -> None:
    made = vendors(Device("gw"), Device("child", "tasmota", parent="gw"))

    assert {topic for topic, route in (made.routes | heard(made)).items() if route.watch.device == "child"} == {
        "devices/gw/children/child/status",
        "tele/child/SENSOR",
        "tele/child/LWT",
    }


def test_who_has_a_topic_keeps_it_until_it_lets_go() -> None:
    first, second = Device("one", "axis_copy", serial="S1"), Device("two", "axis_copy", serial="S1")
    made = vendors(first, second)

    assert made.routes["S1/event/x"].watch.device == "one"
    assert made.contested == {"S1/event/x": {"two"}}

    made.update([first], {"one"})
    assert made.routes["S1/event/x"].watch.device == "one"
    made.update([], {"one"})
    assert made.contested == {}
    assert made.routes["S1/event/x"].watch.device == "two"

    made.update([Device("two", "axis_copy", serial="S2")], {"two"})
    assert "S1/event/x" not in made.routes
    made.update([first], {"one"})
    assert made.routes["S1/event/x"].watch.device == "one"


def test_a_topic_that_two_devices_wildcards_cover_is_nobodys() -> None:
    made = vendors(Device("cam", "axis", serial="data"), Device("car", "tracker", imei=IMEI))

    assert made.resolve("data/event/x") is not None
    assert made.resolve(f"data/{IMEI}/data") is not None
    made.update([Device("event", "tracker", imei="event")], {"event"})
    assert made.resolve("data/event/data") is None


def test_of_topics_without_end_only_some_are_remembered() -> None:
    made = vendors(Device("cam", "axis", serial="S1"))
    for number in range(MOST_MET + 5):
        assert made.resolve(f"S1/event/{number}") is not None

    assert len([topic for topic in made.routes if topic.startswith("S1/event/")]) == MOST_MET + 1


def test_the_hub_subscribes_to_what_any_profile_needs() -> None:
    made_up = {name: model for name, model in MODELS.items() if name not in PROFILES}
    assert Directory(VOCABULARY, made_up, keep_ns=10**18).filters == [
        "+/+/data",
        "+/event/#",
        "+/event/connection",
        "+/event/x",
        "axis/+/event/#",
        "t/+",
        "tele/+/LWT",
        "tele/+/SENSOR",
    ]
    assert directory().filters == sorted(
        {subscription(topic) for one in PROFILES.values() for topic in vendor_topics(one)}
    )


def test_vital_signs_of_another_profile_mean_nothing_any_more() -> None:
    made = directory(Device("a"))
    watch = made.watches["a"]
    watch.keep((NOW, NOW, 1))

    made.update([Device("a", agency="x")], {"a"})
    assert (made.watches["a"], watch.samples) == (watch, [(NOW, NOW, 1)])
    made.update([Device("a", "generic_tracker")], {"a"})
    assert (made.watches["a"], watch.samples) == (watch, ())
    assert made.profile_of("a") is PROFILES["generic_tracker"]
    assert made.profile_of("b") is None


def test_each_device_has_an_index_of_its_own() -> None:
    made = directory(Device("a"), Device("b"))
    made.update([], {"a"})
    made.update([Device("c"), Device("b")], {"b", "c"})

    assert {name: watch.index for name, watch in made.watches.items()} == {"b": 1, "c": 2}


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("devices/a/replies", Reason.UNKNOWN_TOPIC),
        ("devices/x/telemetry", Reason.UNKNOWN_DEVICE),
        ("weather", Reason.UNKNOWN_DEVICE),
    ],
)
def test_why_a_topic_leads_nowhere(topic: str, reason: Reason) -> None:
    assert directory(Device("a")).missing(topic).reason is reason


@pytest.mark.slow
@given(st.lists(st.tuples(SNAPSHOTS, st.sets(IDS)), max_size=6))
def test_after_any_changes_the_routes_are_those_of_the_devices_that_are_left(
    steps: list[tuple[list[Device], set[str]]],
) -> None:
    made, left = directory(), dict[str, Device]()
    for devices, changed in steps:
        unserved = made.update(devices, changed)
        left = {name: device for name, device in left.items() if name not in changed}
        left |= {device.device: device for device in devices}
        assert unserved == [device.device for device in devices if device.profile not in PROFILES]
        heard(made)  # what was met before must not outlive a change

    assert len(made) == len(left)
    assert made.routes.keys() <= heard(made).keys()
    assert {topic: route.tags for topic, route in heard(made).items()} == {
        f"{topic_root(device.device, device.parent)}/{leaf}": tags_of(device)
        for device in left.values()
        if device.profile in PROFILES
        for leaf in LEAVES
    }


@given(
    st.builds(Device, *[st.text(min_size=1)] * 2, st.none() | st.text(), st.none() | st.text(), st.tuples(st.text()))
)
def test_whatever_the_registry_holds_the_tags_are_valid(device: Device) -> None:
    tags = parse_line(f"m{tags_of(device)} v=1 1").tags

    assert tags.keys() >= {"device", "profile"}
    assert "" not in tags.values()


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("devices/a/telemetry", "a"),
        ("devices/gw/children/a/telemetry", "a"),
        ("devices/gw/children/a", "a"),
        ("devices/gw/children", "gw"),
        ("devices/a", "a"),
        ("devices", ""),
        ("", ""),
        ("$SYS/broker", ""),
    ],
)
def test_the_device_that_a_topic_names(topic: str, device: str) -> None:
    assert device_of(topic) == device


@given(st.text())
def test_any_topic_names_a_device_or_none(topic: str) -> None:
    assert device_of(topic) in {"", *topic.split("/")}


@given(IDS, st.none() | IDS, st.sampled_from(LEAVES))
def test_the_device_of_its_own_topics_is_the_device(device: str, parent: str | None, leaf: str) -> None:
    assert device_of(f"{topic_root(device, parent)}/{leaf}") == device
