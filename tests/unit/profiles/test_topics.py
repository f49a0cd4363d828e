from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.profiles.topics import fill, is_exact, matcher, problem, subscription


class Device(NamedTuple):
    device: str = "cam-1"
    serial: str | None = "S1"
    imei: str | None = None


@pytest.mark.parametrize(
    ("topic", "filled"),
    [
        ("tele/{device}/SENSOR", "tele/cam-1/SENSOR"),
        ("{serial}/event/#", "S1/event/#"),
        ("x-{serial}/{device}/{serial}", "x-S1/cam-1/S1"),
        ("+/{imei}/data", None),
    ],
)
def test_placeholders_are_filled_with_what_the_registry_knows(topic: str, filled: str | None) -> None:
    assert fill(topic, Device()) == filled


def test_no_serial_leads_into_the_hubs_own_tree() -> None:
    assert fill("{serial}/event/#", Device(serial="devices")) is None
    assert fill("{device}/rpc", Device(device="devices")) is None


@pytest.mark.parametrize(
    ("topic", "pattern"),
    [("tele/{device}/SENSOR", "tele/+/SENSOR"), ("x-{serial}/event/#", "+/event/#"), ("+/{imei}/data", "+/+/data")],
)
def test_the_hub_subscribes_for_all_devices(topic: str, pattern: str) -> None:
    assert subscription(topic) == pattern


@pytest.mark.parametrize(
    ("topic", "sent", "found"),
    [
        ("tele/{device}/SENSOR", "tele/a/SENSOR", {"device": "a"}),
        ("tele/{device}/SENSOR", "tele/a/b/SENSOR", None),
        ("{serial}/event/#", "S1/event", {"serial": "S1"}),
        ("{serial}/event/#", "S1/event/a/b", {"serial": "S1"}),
        ("{serial}/event/#", "S1/events", None),
        ("+/{imei}/data", "/1/data", {"imei": "1"}),
        ("x-{serial}/{serial}", "x-1/1", {"serial": "1"}),
        ("x-{serial}/{serial}", "x-1/2", None),
        ("a.b/{serial}", "a-b/1", None),
        ("tele/{device}", "tele/", None),
    ],
)
def test_a_topic_tells_whose_it_is(topic: str, sent: str, found: dict[str, str] | None) -> None:
    matched = matcher(topic).fullmatch(sent)

    assert (matched and matched.groupdict()) == found


def test_only_a_filter_without_wildcards_is_one_topic() -> None:
    assert [is_exact(topic) for topic in ("a/{device}", "a/+/{device}", "{serial}/#")] == [True, False, False]


LEVELS = st.sampled_from(["{device}", "{serial}", "x-{imei}", "+", "#", "a", "devices", "telemetry", "status", "x"])
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True) | st.just("devices")


@given(st.lists(LEVELS, min_size=1, max_size=5).map("/".join), st.builds(Device, IDS, IDS, st.just("490154203237518")))
def test_what_a_device_may_say_is_heard_is_told_to_be_its_own_and_is_never_the_hubs(topic: str, device: Device) -> None:
    if problem(topic) or (filled := fill(topic, device)) is None:
        return
    sent = filled.replace("+", "any").replace("#", "more/levels")

    matched = matcher(topic).fullmatch(sent)
    assert matched is not None
    assert all(getattr(device, name) == value for name, value in matched.groupdict().items())
    assert matcher(subscription(topic)).fullmatch(sent)
    natives = [f"devices/x/{above}{leaf}" for above in ("", "children/y/") for leaf in ("telemetry", "desired", "acks")]
    assert not any(matcher(filled).fullmatch(native) for native in natives)
