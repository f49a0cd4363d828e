from __future__ import annotations

import pytest

from hub.decode.watch import Watch
from hub.status.fleet import Ear, Fleet
from hub.status.presence import SECOND, State
from hub.status.roster import BROKER, Group, Kind, Roster
from tests.unit.status.night import MIDNIGHT, Entry

SITE, GATE = Group(Kind.SITE, "pasar"), Group(Kind.GATEWAY, "gate")


@pytest.fixture
def watches() -> dict[str, Watch]:
    return {name: Watch(name, number) for number, name in enumerate(("gate", "child", "cam", "kwh"))}


@pytest.fixture
def roster(watches: dict[str, Watch]) -> Roster:
    known = {"camera": 30 * SECOND, "meter": 10 * SECOND}
    roster = Roster(Fleet(), watches, known.get)
    roster.update([
        Entry("gate", site="pasar"),
        Entry("child", site="pasar", parent="gate"),
        Entry("cam", site="pasar"),
        Entry("kwh", "meter", modbus="tcp://10.0.0.2:502"),
    ])  # fmt: skip
    return roster


def test_devices_hang_on_the_broker_a_site_and_a_gateway_or_bus(roster: Roster) -> None:
    assert roster.groups(1) == [BROKER, SITE, GATE]
    assert roster.groups(0) == [BROKER, SITE, GATE]
    assert roster.groups(2) == [BROKER, SITE]
    assert roster.groups(3) == [Group(Kind.GATEWAY, "tcp://10.0.0.2:502")]
    assert roster.groups(2) == [BROKER, SITE]
    assert (roster.members(BROKER), roster.members(SITE), roster.members(GATE)) == ({0, 1, 2}, {0, 1, 2}, {0, 1})


def test_a_device_that_moves_hangs_on_something_else(roster: Roster) -> None:
    roster.update([Entry("cam", site="alun")], ["cam"])
    assert (roster.members(SITE), roster.members(Group(Kind.SITE, "alun"))) == ({0, 1}, {2})


def test_a_device_that_is_gone_hangs_on_nothing(roster: Roster) -> None:
    roster.update([], ["cam"])
    assert (roster.groups(2), roster.members(SITE), "cam" in roster.index) == ([], {0, 1}, False)


def test_a_device_whose_profile_is_missing_is_not_watched(roster: Roster) -> None:
    roster.update([Entry("cam", "unheard_of")], ["cam"])
    assert "cam" not in roster.index


def test_a_device_keeps_how_it_stands_when_it_gets_another_watch(roster: Roster, watches: dict[str, Watch]) -> None:
    fleet = roster._fleet
    fleet.hear(Ear.MQTT, MIDNIGHT)
    watches["cam"].heard_ns = MIDNIGHT
    fleet.tick(MIDNIGHT)
    watches["cam"] = Watch("cam", 9)
    roster.update([Entry("cam", site="pasar")], ["cam"])
    assert fleet.standing(9).state is State.ONLINE
    assert (roster.index["cam"], roster.members(SITE)) == (9, {0, 1, 9})


@pytest.mark.parametrize(
    ("entry", "quiet", "word"),
    [
        (Entry("cam"), False, "active"),
        (Entry("cam", lifecycle="registered"), False, "registered"),
        (Entry("cam", lifecycle="maintenance"), True, "maintenance"),
        (Entry("cam", maintenance_until_ns=MIDNIGHT + 1), True, "maintenance"),
        (Entry("cam", maintenance_until_ns=MIDNIGHT), False, "active"),
    ],
)
def test_maintenance_is_a_window_or_a_place_in_life(roster: Roster, entry: Entry, quiet: bool, word: str) -> None:  # noqa: FBT001 - a row
    roster.update([entry], ["cam"])
    assert (roster.quiet(2, MIDNIGHT), roster.lifecycle(2, MIDNIGHT)) == (quiet, word)
