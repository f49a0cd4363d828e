from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.broker.acl import AccessList
from provisioning.errors import InvalidIdentity


class Entry(NamedTuple):
    device: str
    parent: str | None = None
    profile: str = "generic_ipcamera"
    serial: str | None = None
    imei: str | None = None


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


def _sections(access: AccessList) -> dict[str, list[str]]:
    """Return the lines of each user; those of everybody under an empty name."""
    sections: dict[str, list[str]] = {"": []}
    user = ""
    for line in access.render().decode().splitlines():
        if line.startswith("user "):
            user = line.removeprefix("user ")
            assert user not in sections
            sections[user] = []
        elif line and not line.startswith("#"):
            sections[user].append(line)
    return sections


def _access(*entries: Entry) -> AccessList:
    access = AccessList()
    access.update(entries)
    return access


def test_everybody_gets_what_the_contract_names_in_its_direction() -> None:
    assert [line for line in _sections(AccessList())[""] if not line.startswith("pattern deny")] == [
        "pattern write devices/%u/telemetry",
        "pattern write devices/%u/events",
        "pattern write devices/%u/status",
        "pattern write devices/%u/reported",
        "pattern write devices/%u/replies",
        "pattern read devices/%u/desired",
        "pattern read devices/%u/commands/+",
        "pattern read devices/%u/acks",
        "pattern read devices/%u/children/+/desired",
        "pattern read devices/%u/children/+/commands/+",
        "pattern read devices/%u/children/+/acks",
    ]


def test_a_name_with_slashes_is_denied_what_it_could_say_deeper_in_the_tree() -> None:
    assert [line for line in _sections(AccessList())[""] if line.startswith("pattern deny")] == [
        f"pattern deny devices/{above}/{leaf}"
        for above in ("+/+", "+/+/+")
        for leaf in ("telemetry", "events", "status", "reported", "replies")
    ]


def test_a_device_of_its_own_costs_no_line() -> None:
    assert _access(Entry("dev1"), Entry("dev2")).render() == AccessList().render()


def test_a_gateway_says_what_the_children_that_are_assigned_to_it_say() -> None:
    assert _sections(_access(Entry("gw"), Entry("meter-1", "gw")))["gw"] == [
        "topic write devices/gw/children/meter-1/telemetry",
        "topic write devices/gw/children/meter-1/events",
        "topic write devices/gw/children/meter-1/status",
        "topic write devices/gw/children/meter-1/reported",
        "topic write devices/gw/children/meter-1/replies",
    ]


def test_a_child_that_moves_is_spoken_for_by_its_new_gateway_alone() -> None:
    access = _access(Entry("meter-1", "gw"))
    access.update([Entry("meter-1", "gw2")], ["meter-1"])
    assert [*_sections(access)] == ["", "gw2"]


@pytest.mark.parametrize("entries", [[], [Entry("meter-1")]])
def test_a_child_that_is_gone_or_on_its_own_is_spoken_for_by_nobody(entries: list[Entry]) -> None:
    access = _access(Entry("meter-1", "gw"))
    access.update(entries, ["meter-1"])
    assert [*_sections(access)] == [""]


def test_who_is_denied_is_denied_everything() -> None:
    access = _access(Entry("meter-1", "gw"))
    access.deny(["gw", "dev1"])
    assert {user: lines for user, lines in _sections(access).items() if user} == {
        "dev1": ["topic deny #"],
        "gw": ["topic deny #"],
    }


def test_nobody_speaks_for_a_child_that_is_denied() -> None:
    access = _access(Entry("meter-1", "gw"), Entry("meter-2", "gw"))
    access.deny(["meter-1"])
    assert not [line for line in _sections(access)["gw"] if "meter-1" in line]


def test_who_is_denied_no_longer_has_its_say_again() -> None:
    access = _access(Entry("meter-1", "gw"))
    before = access.render()
    access.deny(["gw"])
    access.deny([])
    assert access.render() == before


def test_a_service_says_and_hears_everything() -> None:
    assert _sections(AccessList(["edge.cityhub"]))["edge.cityhub"] == ["topic readwrite #", "topic read $SYS/#"]


@pytest.mark.parametrize("name", ["cam-1", "", "hub.cityhub\ntopic readwrite #", "#"])
def test_a_name_that_is_no_services_gets_nothing(name: str) -> None:
    with pytest.raises(InvalidIdentity):
        AccessList([name])


@pytest.mark.parametrize("name", ["hub.cityhub", "", "dev1\nuser dev2", "#"])
def test_only_devices_can_be_denied(name: str) -> None:
    with pytest.raises(InvalidIdentity):
        AccessList().deny([name])


VENDORS = {
    "tasmota": ["tele/{device}/SENSOR", "tele/{device}/LWT"],
    "axis": ["{serial}/event/#", "axis/{serial}/event/#"],
    "fmb": ["{imei}/data", "+/{imei}/data"],
    "both": ["x/{device}/{serial}"],
}


def _vendors(*entries: Entry) -> AccessList:
    access = AccessList(vendors=VENDORS)
    access.update(entries)
    return access


def test_a_vendors_topic_with_the_devices_id_is_one_pattern_and_costs_a_device_no_line() -> None:
    sections = _sections(_vendors(Entry("air-1", profile="tasmota"), Entry("air-2", profile="tasmota")))

    assert sections[""][-2:] == ["pattern write tele/%u/LWT", "pattern write tele/%u/SENSOR"]
    assert [*sections] == [""]


def test_topics_with_a_serial_or_imei_are_granted_to_whom_they_belong() -> None:
    sections = _sections(
        _vendors(
            Entry("cam", profile="axis", serial="S1"),
            Entry("car", profile="fmb", imei="490154203237518"),
            Entry("x", profile="both", serial="S2"),
            Entry("no-serial", profile="axis"),
            Entry("other", profile="generic_ipcamera", serial="S3"),
        )
    )

    assert {user: lines for user, lines in sections.items() if user} == {
        "cam": ["topic write S1/event/#", "topic write axis/S1/event/#"],
        "car": ["topic write 490154203237518/data", "topic write +/490154203237518/data"],
        "x": ["topic write x/x/S2"],
    }


def test_a_gateway_says_what_its_children_say_on_their_vendors_topics() -> None:
    sections = _sections(
        _vendors(Entry("air-1", "gw", profile="tasmota"), Entry("cam", "gw", profile="axis", serial="S1"))
    )

    assert [line for line in sections["gw"] if "children" not in line] == [
        "topic write tele/air-1/SENSOR",
        "topic write tele/air-1/LWT",
        "topic write S1/event/#",
        "topic write axis/S1/event/#",
    ]
    assert [*sections] == ["", "gw"]


def test_no_serial_gives_a_say_in_the_hubs_own_tree() -> None:
    assert _sections(_vendors(Entry("cam", profile="axis", serial="devices")))["cam"] == [
        "topic write axis/devices/event/#"
    ]


@given(children=st.dictionaries(IDS, IDS, max_size=20), denied=st.sets(IDS, max_size=5))
def test_nobody_ever_speaks_outside_its_own_tree(children: dict[str, str], denied: set[str]) -> None:
    access = _access(*(Entry(child, gateway) for child, gateway in children.items()))
    access.deny(denied)
    for user, lines in _sections(access).items():
        if user in denied:
            assert lines == ["topic deny #"]
        elif user:
            assert all(line.startswith(f"topic write devices/{user}/children/") for line in lines)


@given(st.lists(st.tuples(IDS, IDS), unique_by=lambda pair: pair[0], max_size=20))
def test_the_same_rights_are_the_same_bytes_however_they_came_about(pairs: list[tuple[str, str]]) -> None:
    forwards = _access(*(Entry(*pair) for pair in pairs))
    backwards = _access(*(Entry(*pair) for pair in reversed(pairs)))
    assert forwards.render() == backwards.render()
