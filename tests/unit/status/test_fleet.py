"""Reachability from evidence, with an injected clock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.watch import Watch, Word
from hub.status.fleet import Change, Ear, Fleet, Standing
from hub.status.presence import SECOND, Event, State

START = 1_790_000_000 * SECOND
INTERVAL_S = 30
MISSED_S, OVERDUE_S = 45, 90


class Street:
    """A few devices of 30 s, a clock, and what has been reported."""

    def __init__(self, devices: int = 1, ear: Ear = Ear.MQTT) -> None:
        self.fleet = Fleet()
        self.now = START
        self.watches = [Watch(f"cam-{number}", number) for number in range(devices)]
        for watch in self.watches:
            self.fleet.learn(watch, INTERVAL_S * SECOND, ear)
        self.fleet.hear(Ear.MQTT, self.now)
        self.fleet.hear(Ear.MODBUS, self.now)

    def heard(self, index: int = 0) -> None:
        self.watches[index].heard_ns = self.now

    def connects(self, *, retained: bool = False) -> None:
        self.watches[0].say(Word(self.now, online=True, retained=retained))

    def leaves(self, index: int = 0, *, retained: bool = False) -> None:
        self.watches[index].say(Word(self.now, online=False, retained=retained))

    def after(self, seconds: float) -> list[Change]:
        """Let the seconds pass, with a tick each."""
        changes = []
        for _ in range(int(seconds)):
            self.now += SECOND
            changes += self.fleet.tick(self.now)
        return changes

    def state(self, index: int = 0) -> State:
        return State(self.fleet.state[index])


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
def online() -> Street:
    street = Street()
    street.heard()
    street.after(1)
    assert street.state() is State.ONLINE
    return street


# --- silence ---


@pytest.mark.slow
def test_a_device_that_was_never_heard_is_never_seen(street: Street) -> None:
    assert street.after(86_400) == []
    assert street.state() is State.NEVER_SEEN


def test_a_reading_makes_it_online(street: Street) -> None:
    street.heard()
    assert street.after(1) == [Change(0, State.NEVER_SEEN, State.ONLINE, Event.HEARD)]


def test_silence_makes_it_stale_then_offline_each_within_a_second_of_its_deadline(online: Street) -> None:
    assert online.after(MISSED_S - 2) == []  # a second has passed already
    assert online.after(1) == [Change(0, State.ONLINE, State.STALE, Event.MISSED)]
    assert online.after(OVERDUE_S - MISSED_S - 1) == []
    assert online.after(1) == [Change(0, State.STALE, State.OFFLINE, Event.OVERDUE)]


def test_speaking_in_time_keeps_it_online(online: Street) -> None:
    for _ in range(10):
        assert online.after(INTERVAL_S) == []
        online.heard()


def test_it_returns_from_stale_and_from_offline(online: Street) -> None:
    for seconds in (MISSED_S + 2, OVERDUE_S + 2):
        online.after(seconds)
        assert online.state() is not State.ONLINE
        online.heard()
        online.after(1)
        assert online.state() is State.ONLINE


# --- words ---


def test_a_retained_last_will_is_no_evidence(online: Street) -> None:
    online.leaves(retained=True)
    assert online.after(40) == []


def test_a_retained_word_that_it_is_there_is_none_either(street: Street) -> None:
    street.connects(retained=True)
    assert street.after(10) == []


def test_a_last_will_counts_after_30_s_without_a_word(online: Street) -> None:
    online.leaves()
    assert online.after(29) == []
    assert online.after(1) == [Change(0, State.ONLINE, State.OFFLINE, Event.GONE)]


def test_a_reconnect_after_a_change_of_address_is_no_outage(online: Street) -> None:
    online.leaves()
    online.after(2)
    online.connects()
    online.after(20)
    online.heard()
    assert online.after(40) == []


def test_a_reading_after_the_last_will_takes_it_back(online: Street) -> None:
    online.leaves()
    online.after(5)
    online.heard()
    assert online.after(40) == []


def test_a_device_that_connects_and_sends_nothing_is_stale_not_online(street: Street) -> None:
    street.connects()
    assert street.after(1) == [Change(0, State.NEVER_SEEN, State.STALE, Event.CONNECTED)]


def test_a_connected_device_that_falls_mute_stays_stale_and_is_told_once(online: Street) -> None:
    online.connects()
    assert [change.event for change in online.after(3600)] == [Event.MISSED, Event.MUTE]
    assert online.state() is State.STALE


def test_the_last_will_of_a_mute_device_makes_it_offline(online: Street) -> None:
    online.connects()
    online.after(200)
    online.leaves()
    assert online.after(30) == [Change(0, State.STALE, State.OFFLINE, Event.GONE)]


# --- the hub's own illness ---


def test_while_the_hub_is_deaf_everything_it_knew_is_unknown(online: Street) -> None:
    online.fleet.deafen(Ear.MQTT, online.now)
    assert online.state() is State.UNKNOWN
    assert online.after(3600) == []


def test_what_arrives_while_it_is_deaf_is_no_evidence(online: Street) -> None:
    online.fleet.deafen(Ear.MQTT, online.now)
    online.after(10)
    online.heard()
    assert online.after(10) == []
    online.fleet.hear(Ear.MQTT, online.now)
    assert online.after(OVERDUE_S - 1) == []


def test_after_it_every_device_has_its_full_deadline_anew(online: Street) -> None:
    online.fleet.deafen(Ear.MQTT, online.now)
    online.after(3600)
    online.fleet.hear(Ear.MQTT, online.now)
    assert online.after(OVERDUE_S - 1) == []
    assert online.after(1) == [Change(0, State.UNKNOWN, State.OFFLINE, Event.OVERDUE)]


def test_it_keeps_since_when_it_was_what_it_is_again(online: Street) -> None:
    since = online.fleet.since[0]
    online.fleet.deafen(Ear.MQTT, online.now)
    online.after(60)
    online.fleet.hear(Ear.MQTT, online.now)
    online.after(5)
    online.heard()
    assert [change.now for change in online.after(2)] == [State.ONLINE]
    assert online.fleet.since[0] == since


def test_what_is_heard_over_modbus_does_not_depend_on_the_broker() -> None:
    street = Street(ear=Ear.MODBUS)
    street.heard()
    street.after(1)
    street.fleet.deafen(Ear.MQTT, street.now)
    assert street.state() is State.ONLINE
    assert street.after(MISSED_S)[0].now is State.STALE


def test_a_restart_judges_by_fresh_evidence_and_reports_nothing_of_itself() -> None:
    before, after = Street(2), Street(0)
    before.heard(0)
    before.after(2)
    kept = [before.fleet.standing(index) for index in range(2)]
    assert kept == [Standing(State.ONLINE, START + SECOND, START), Standing(State.NEVER_SEEN, 0, 0)]
    for watch, standing in zip(before.watches, kept, strict=True):
        fresh = Watch(watch.device, watch.index)
        after.fleet.learn(fresh, INTERVAL_S * SECOND, Ear.MQTT)
        after.fleet.restore(watch.index, standing)
    assert [after.state(index) for index in range(2)] == [State.UNKNOWN, State.NEVER_SEEN]
    after.fleet.hear(Ear.MQTT, after.now)
    assert after.after(OVERDUE_S - 1) == []
    assert after.after(1) == [Change(0, State.UNKNOWN, State.OFFLINE, Event.OVERDUE)]
    assert after.fleet.last_seen(0) == START


# --- gateways ---


def test_a_gateway_is_alive_as_long_as_it_brings_something() -> None:
    street = Street(2)
    street.fleet.learn(street.watches[1], INTERVAL_S * SECOND, Ear.MQTT, parent="cam-0")
    for _ in range(5):
        street.heard(1)
        street.after(INTERVAL_S)
    assert [street.state(index) for index in range(2)] == [State.ONLINE, State.ONLINE]
    street.after(OVERDUE_S)
    assert [street.state(index) for index in range(2)] == [State.OFFLINE, State.OFFLINE]


def test_a_gateways_word_for_its_child_is_the_childs() -> None:
    street = Street(2)
    street.fleet.learn(street.watches[1], INTERVAL_S * SECOND, Ear.MQTT, parent="cam-0")
    street.heard(0)
    street.heard(1)
    street.after(1)
    street.leaves(1)
    street.after(15)
    street.heard(0)
    assert [(change.who, change.now) for change in street.after(15)] == [(1, State.OFFLINE)]


def test_a_live_word_of_one_that_is_online_is_a_sign_of_life_but_no_reading(online: Street) -> None:
    online.after(29)
    online.connects()
    assert [change.event for change in online.after(15)] == [Event.MISSED]
    assert online.fleet.last_seen(0) == START + 30 * SECOND
    online.leaves()
    assert [change.event for change in online.after(30)] == [Event.GONE]


def test_a_live_word_moves_the_end_of_its_patience(online: Street) -> None:
    online.connects()
    online.after(60)
    online.leaves()
    assert online.after(29) == []
    assert [change.now for change in online.after(1)] == [State.OFFLINE]


# --- who is followed ---


def test_a_device_that_is_forgotten_is_counted_no_longer(online: Street) -> None:
    online.fleet.forget(0)
    assert online.after(OVERDUE_S) == []
    assert sum(online.fleet.counts().values()) == 0
    online.fleet.forget(0)


def test_another_device_at_the_same_index_begins_anew(online: Street) -> None:
    online.fleet.learn(Watch("cam-new", 0), INTERVAL_S * SECOND, Ear.MQTT)
    assert online.state() is State.NEVER_SEEN


def test_another_interval_counts_at_once(online: Street) -> None:
    online.fleet.learn(online.watches[0], 300 * SECOND, Ear.MQTT)
    assert online.after(328) == []
    assert [change.event for change in online.after(2)] == [Event.MISSED]


def test_states_are_counted_by_their_words(online: Street) -> None:
    assert online.fleet.counts() == {"never_seen": 0, "online": 1, "stale": 0, "offline": 0, "unknown": 0}


# --- whatever happens ---


class Story(Street):
    """Notes beside what happens what a person would know of the device."""

    spoke = sign = will = 0
    deaf = False

    def heard(self, index: int = 0) -> None:
        super().heard(index)
        if not self.deaf:
            self.spoke = self.sign = self.now

    def connects(self, *, retained: bool = False) -> None:
        super().connects(retained=retained)
        if not retained and not self.deaf:
            self.sign = self.now

    def leaves(self, index: int = 0, *, retained: bool = False) -> None:
        super().leaves(index, retained=retained)
        if not retained and self.will <= self.sign:  # of several without a word between them, the first counts
            self.will = self.now

    def kept(self) -> None:
        self.connects(retained=True)
        self.leaves(retained=True)

    def ill(self) -> None:
        self.fleet.tick(self.now)
        self.fleet.deafen(Ear.MQTT, self.now)
        self.deaf = True

    def well(self) -> None:
        self.fleet.hear(Ear.MQTT, self.now)
        self.will = 0 if self.deaf else self.will  # who was not deaf has heard nothing new
        self.deaf = False

    def check(self) -> None:
        state = self.state()
        if state is State.ONLINE:
            assert self.spoke
            assert (self.now - self.spoke) / SECOND <= MISSED_S
        if state is State.OFFLINE:
            assert (self.now - self.sign) / SECOND >= OVERDUE_S or (self.will and (self.now - self.will) / SECOND >= 30)
        if self.deaf:
            assert state in {State.UNKNOWN, State.NEVER_SEEN}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Story.heard, Story.connects, Story.leaves, Story.kept, Story.ill, Story.well]),
            st.integers(1, 100),
        ),
        max_size=40,
    )
)
def test_it_is_never_online_without_evidence_nor_offline_before_the_deadline(happenings: list[tuple[Any, int]]) -> None:
    story = Story()
    for happen, seconds in happenings:
        happen(story)
        for _ in range(seconds):
            story.after(1)
            story.check()
