from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.directory import Directory, device_of, tags_of, topic_root
from hub.errors import Reason
from hub.profiles.loader import load_profiles
from tests.unit.decode.line_protocol import parse_line

LEAVES = ("telemetry", "events", "status")
NOW = 1_790_000_000_000_000_000
VOCABULARY, PROFILES = load_profiles()


class Device(NamedTuple):
    device: str
    profile: str = "generic_ipcamera"
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None


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


def test_a_topic_leads_to_the_devices_tags_and_its_models_decoder() -> None:
    camera = Device("cam-1", agency="dinkominfo", site="bobotsari", zones=("traffic", "crime"))
    tags, decode, watch = directory(camera).routes["devices/cam-1/telemetry"]

    line = decode(tags, b'{"fps":25}', NOW, False, watch)  # noqa: FBT003 - the hot path's own order

    assert line == (",agency=dinkominfo,device=cam-1,profile=generic_ipcamera,site=bobotsari,zone=crime+traffic").join(
        ["cctv", f" fps=25 {NOW}\n"]
    )


def test_devices_of_a_model_share_their_decoders() -> None:
    routes = directory(Device("a"), Device("b")).routes

    assert routes["devices/a/telemetry"].decode is routes["devices/b/telemetry"].decode
    assert routes["devices/a/telemetry"].decode is not routes["devices/a/events"].decode


def test_a_gateways_child_is_found_under_its_gateway_only() -> None:
    made = directory(Device("gw"), Device("child", parent="gw"))

    assert "devices/gw/children/child/telemetry" in made.routes
    assert "devices/child/telemetry" not in made.routes
    assert made.missing("devices/child/telemetry").reason is Reason.UNKNOWN_TOPIC


def test_a_moved_device_leaves_its_old_topics() -> None:
    made = directory(Device("a"))

    made.update([Device("a", parent="gw")], {"a"})

    assert set(made.routes) == {f"devices/gw/children/a/{leaf}" for leaf in LEAVES}
    assert len(made) == 1


def test_a_changed_device_that_is_gone_is_forgotten() -> None:
    made = directory(Device("a"), Device("b"))

    made.update([], {"a", "never-heard-of"})

    assert {device_of(topic) for topic in made.routes} == {"b"}
    assert made.missing("devices/a/telemetry").reason is Reason.UNKNOWN_DEVICE


def test_a_device_whose_profile_is_not_here_is_named_and_known_but_not_served() -> None:
    made = directory()

    assert made.update([Device("a", profile="no_such_model"), Device("b")]) == ["a"]
    assert made.missing("devices/a/telemetry").reason is Reason.UNKNOWN_TOPIC
    assert len(made) == 2


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

    assert len(made) == len(left)
    assert {topic: route.tags for topic, route in made.routes.items()} == {
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
