"""The hub's own health, and whether it hears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.status.base import Cause
from hub.status.incidents import IncidentBook
from hub.status.presence import SECOND
from hub.status.wellness import Clocks, Hearing, Vitals, Wellness

NOW = 1_790_000_000 * SECOND
WELL = Vitals(linked=True, expected_per_s=100.0, others={}, dropped=0)


class Hub:
    """A hub of which a second passes at a time."""

    def __init__(self) -> None:
        self.book = IncidentBook(600 * SECOND)
        self.wellness = Wellness(self.book, 15 * SECOND)
        self.now = NOW

    def seconds(self, count: int, vitals: Vitals) -> list[str]:
        for _ in range(count):
            self.now += SECOND
            self.wellness.tick(vitals, self.now)
        return [one.text for one in self.book.open()]


@pytest.mark.parametrize(
    ("vitals", "text"),
    [
        (replace(WELL, linked=False, link="refused"), "not connected to the broker: refused"),
        (replace(WELL, database="timed out"), "cannot write to the database: timed out"),
        (replace(WELL, spool_full="the spool holds 9 of 9 MB"), "the spool holds 9 of 9 MB"),
        (replace(WELL, spool_percent=60), "the spool is filling: more than half of its bound is in use"),
        (replace(WELL, registry="locked"), "cannot read the registry: locked"),
        (replace(WELL, others={"server-influxd": "the server influxd is down"}), "the server influxd is down"),
    ],
)
def test_an_illness_that_lasts_is_an_incident_and_ends_with_it(vitals: Vitals, text: str) -> None:
    hub = Hub()
    assert hub.seconds(15, vitals) == []
    assert hub.seconds(2, vitals) == [text]
    assert hub.seconds(1, WELL) == []


def test_a_short_one_is_none() -> None:
    hub = Hub()
    for _ in range(5):
        assert hub.seconds(10, replace(WELL, linked=False)) == []
        hub.seconds(1, WELL)


def test_messages_that_the_broker_drops_are_told_at_once_and_for_a_while() -> None:
    hub = Hub()
    hub.seconds(1, replace(WELL, dropped=7))
    assert hub.seconds(1, replace(WELL, dropped=9)) == ["the broker dropped 2 messages: its queue for somebody is full"]
    assert len(hub.seconds(590, replace(WELL, dropped=9))) == 1
    assert hub.seconds(20, replace(WELL, dropped=9)) == []


def test_a_broker_that_counts_from_zero_again_has_dropped_nothing() -> None:
    hub = Hub()
    for dropped in (7, None, 0, 0):
        assert hub.seconds(1, replace(WELL, dropped=dropped)) == []


def test_a_restart_does_not_close_what_is_still_wrong_nor_keep_what_is_over() -> None:
    before = Hub()
    before.seconds(20, replace(WELL, database="timed out", linked=False, link="refused"))
    after = Hub()
    after.book.restore(before.book.open(), 3)
    after.wellness.restore({"influxdb", "broker"}, after.now)
    assert len(after.seconds(10, replace(WELL, database="timed out"))) == 2
    assert after.seconds(10, replace(WELL, database="timed out")) == ["cannot write to the database: timed out"]
    assert {one.cause for one in after.book.open()} == {Cause.HUB_UNWELL}


# --- hearing ---


def judged(arrived: list[int], vitals: Vitals = WELL) -> list[bool]:
    """Whether it hears, second after second, while so many messages arrive."""
    hearing, total, found = Hearing(), 0, []
    for second, count in enumerate(arrived):
        total += count
        found.append(hearing.judge(replace(vitals, messages=total), NOW + second * SECOND))
    return found


def test_it_hears_a_moment_after_the_link_is_made() -> None:
    assert judged([0, 90, 110, 100, 100]) == [False, False, False, True, True]


def test_it_hears_nothing_new_while_a_backlog_is_drained() -> None:
    assert judged([0, 9000, 9000, 9000, 9000, 9000, 100, 100]) == [*[False] * 6, True, True]


def test_devices_that_say_far_more_than_promised_are_heard_in_the_end() -> None:
    assert judged([9000] * 610)[598:605] == [*[False] * 3, *[True] * 4]


def test_it_hears_nothing_without_a_link_or_without_room() -> None:
    assert not any(judged([100] * 9, replace(WELL, linked=False)))
    assert not any(judged([100] * 9, replace(WELL, spool_full="full")))


# --- time ---


def test_time_that_goes_on_is_nothing_to_tell() -> None:
    clocks = Clocks()
    assert [clocks.judge(NOW + n * SECOND, n * SECOND) for n in range(5)] == [""] * 5


def test_a_clock_that_was_set_and_a_hub_that_was_stuck_are_told_apart() -> None:
    clocks = Clocks()
    clocks.judge(NOW, 0)
    assert clocks.judge(NOW + 3601 * SECOND, SECOND) == "the clock of the hub was set by +3600 s"
    assert clocks.judge(NOW + SECOND, 2 * SECOND) == "the clock of the hub was set by -3601 s"
    assert clocks.judge(NOW + 41 * SECOND, 42 * SECOND) == "the hub was stuck, or its machine asleep, for 40 s"
