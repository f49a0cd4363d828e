"""Resets, wraps, missed polls and late readings are told apart, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.status.counters import SECOND, Reading, counted, estimated
from hub.status.tracks import DAY_NS, MOST_KNOTS, Span, Track, measure_counter, measure_rate, plain
from tests.unit.status.devices import Counter, T

if TYPE_CHECKING:
    from hub.status.counters import Verdict, Width

M32 = 2**32
M64 = 2**64
MINUTE = 60 * SECOND


def at(seconds: float, value: int, uptime_s: int | None = None, boot: int | None = None) -> Reading:
    time_ns = T + round(seconds * SECOND)
    return Reading(time_ns, time_ns, value, uptime_s, boot)


@pytest.mark.parametrize(
    ("before", "after", "width", "amount", "verdict"),
    [
        # the device says that it did not reboot
        (at(0, 100, 500), at(60, 400, 560), None, 300, "counted"),
        (at(0, 100, 500), at(60, 100, 560), None, 0, "counted"),
        (at(0, M32 - 100, 500), at(60, 50, 560), 32, 150, "wrapped"),
        (at(0, M32 // 2, 500), at(60, 50, 560), 32, M32 // 2 + 50, "wrapped"),
        (at(0, M64 - 100, 500), at(60, 50, 560), 64, 150, "wrapped"),
        (at(0, 5_000, 500), at(60, 50, 560), 64, 50, "reset"),  # cleared: no link carries 2**64 in a minute
        (at(0, 5_000, 500), at(60, 50, 560), None, 50, "reset"),
        (at(0, M32 - 100, boot=7), at(60, 50, boot=7), 32, 150, "wrapped"),
        # ... that it did
        (at(0, 5_000, 500), at(60, 50, 20), 32, 50, "reset"),
        (at(0, 5_000, 500), at(60, 9_000, 20), 64, 9_000, "reset"),  # more than before, and all of it is new
        (at(0, 5_000, 10), at(3600, 9_000, 3000), 64, 9_000, "reset"),  # up for less than the gap
        (at(0, M32 - 100, boot=7), at(60, 50, boot=8), 32, 50, "reset"),
        (at(0, 100, 500, boot=7), at(60, 150, 560, boot=8), 64, 150, "reset"),  # the number decides, not the uptime
        # ... nothing
        (at(0, 100), at(60, 400), 32, 300, "counted"),
        (at(0, M32 - 100), at(60, 50), 32, 150, "wrapped"),
        (at(0, M32 // 2), at(60, 50), 32, 50, "reset"),
        (at(0, M32 - 100), at(60, M32 // 2), 32, M32 // 2, "reset"),
        (at(0, M32 - 100), at(60, 50), None, 50, "reset"),
        # an uptime that wraps by itself is no reboot
        (at(0, 10**12, 42_949_650), at(60, 10**12 + 9, 37), 64, 9, "counted"),
        (at(0, 10**12, 4_294_950), at(60, 10**12 + 9, 42), 64, 9, "counted"),
        (at(0, 10**12, M32 - 10), at(60, 10**12 + 9, 50), 64, 9, "counted"),
        # one that has just booted has not booted again
        (at(0.4, 10, 0), at(60.2, 500, 60), 64, 490, "counted"),
        (at(0.9, 10, 0), at(60.9, 500, 60), 64, 490, "counted"),
    ],
)
def test_what_two_readings_mean(
    before: Reading, after: Reading, width: Width | None, amount: int, verdict: Verdict
) -> None:
    assert counted(before, after, width) == (amount, verdict)


@given(st.data())
def test_an_amount_is_never_negative_nor_more_than_a_link_can_carry(data: st.DataObject) -> None:
    width: Width | None = data.draw(st.sampled_from([None, 32, 64]))
    values = st.integers(0, 2 ** (width or 64) - 1)
    uptimes = st.none() | st.integers(0, 2**32)
    before = at(0, data.draw(values), data.draw(uptimes))
    after = at(data.draw(st.integers(1, 86_400)), data.draw(values), data.draw(uptimes))
    amount, verdict = counted(before, after, width)
    assert amount >= 0
    assert verdict != "reset" or amount == after.value
    assert verdict != "counted" or amount == after.value - before.value
    assert verdict != "wrapped" or (before.value + amount) % 2 ** (width or 64) == after.value


def test_a_rate_stands_for_its_interval() -> None:
    assert estimated(at(0, 0), at(30, 8_000_000), 90 * SECOND) == (T, 30_000_000)


def test_a_rate_says_nothing_of_a_long_silence() -> None:
    assert estimated(at(0, 0), at(3600, 8_000_000), 90 * SECOND) == (T + 3510 * SECOND, 90_000_000)


# Tracks: the order in which readings come

COUNTED = measure_counter(64)


def total(spans: list[Span]) -> int:
    return sum(span.amount for span in spans)


def test_the_first_reading_is_where_counting_begins() -> None:
    assert Track(0).take(at(0, 5_000), COUNTED) == []


def test_the_next_reading_gives_the_difference_and_its_time() -> None:
    track = Track(0)
    track.take(at(0, 5_000), COUNTED)
    assert track.take(at(30, 5_600), COUNTED) == [Span(T, T + 30 * SECOND, 600, estimate=False)]


def test_a_missed_poll_covers_the_longer_time() -> None:
    track = Track(0)
    track.take(at(0, 0), COUNTED)
    (span,) = track.take(at(3600, 3_600_000), COUNTED)
    assert (span.end_ns - span.start_ns, span.amount) == (3600 * SECOND, 3_600_000)


def test_a_redelivered_reading_changes_nothing() -> None:
    track = Track(MINUTE)
    track.take(at(0, 100), COUNTED)
    track.take(at(30, 200), COUNTED)
    assert track.take(at(30, 200), COUNTED) == []
    assert track.take(at(0, 100), COUNTED) == []
    assert track.take(at(60, 250), COUNTED) == [Span(T + 30 * SECOND, T + 60 * SECOND, 50, estimate=False)]


def test_a_reading_that_falls_into_a_gap_splits_it() -> None:
    track = Track(MINUTE)
    track.take(at(0, 0), COUNTED)
    track.take(at(3600, 3_600), COUNTED)
    assert track.take(at(600, 3_000), COUNTED) == [
        Span(T, T + 3600 * SECOND, -3_600, estimate=False, withdrawn=True),
        Span(T, T + 600 * SECOND, 3_000, estimate=False),
        Span(T + 600 * SECOND, T + 3600 * SECOND, 600, estimate=False),
    ]


def test_a_late_reading_shows_a_reset_that_the_gap_had_hidden() -> None:
    track = Track(MINUTE)
    assert total(track.take(at(0, 100), COUNTED)) == 0
    assert total(track.take(at(3600, 5_000), COUNTED)) == 4_900
    assert total(track.take(at(1800, 20), COUNTED)) == 20 + 4_980 - 4_900


def test_what_came_before_the_first_reading_may_come_late() -> None:
    track = Track(MINUTE)
    track.take(at(3600, 5_000), COUNTED)
    assert total(track.take(at(1800, 4_000), COUNTED)) == 1_000


def test_a_reading_more_than_a_day_old_is_bridged_by_the_next() -> None:
    track = Track(MINUTE)
    track.take(at(0, 100), COUNTED)
    now = T + 3 * DAY_NS
    assert track.take(Reading(T + DAY_NS, now, 5_000), COUNTED) == []
    assert track.take(Reading(now, now, 9_100), COUNTED) == [Span(now - DAY_NS, now, 9_000, estimate=False)]


def test_a_track_stays_small_however_much_comes() -> None:
    track = Track(MINUTE)
    for number in range(10_000):
        track.take(at(number * 30, number), COUNTED)
    assert len(track.snapshot()) <= 2
    for number in range(1_000):
        track.take(at(300_000 + number * 300, 300_000 + number), COUNTED)
    assert len(track.snapshot()) <= MOST_KNOTS + 1


def test_a_backlog_after_the_live_reading_leaves_no_trace_in_memory() -> None:
    track = Track(MINUTE)
    track.take(at(0, 0), COUNTED)
    track.take(at(36_000, 36_000), COUNTED)
    amount = sum(total(track.take(at(number * 30, number * 30), COUNTED)) for number in range(1, 1200))
    assert amount == 0
    assert len(track.snapshot()) <= 2


STEPS = st.lists(
    st.tuples(
        st.floats(1.0, 3000.0),
        st.integers(0, 1_000_000_000),
        st.sampled_from(["poll", "poll", "poll", "missed", "reboot"]),
    ),
    max_size=60,
)


@given(
    STEPS,
    st.sampled_from([(32, M32 - 500_000_000), (64, M64 - 500_000_000), (64, 0), (32, 0), (64, 10**12)]),
    st.sampled_from([(True, False), (False, True), (True, True)]),
)
def test_the_sum_is_the_device_s_own_to_the_byte(
    steps: list[tuple[float, int, str]], start: tuple[Width, int], says: tuple[bool, bool]
) -> None:
    device = Counter(start[0], start[1], uptime=says[0], boot=says[1])
    track, measure = Track(MINUTE), measure_counter(start[0])
    amount = total(track.take(device.poll(), measure))
    since_poll = 0
    for seconds, sent, what in steps:
        if since_poll + sent >= M32:  # more than one wrap between two polls is the one thing that nobody can see
            amount += total(track.take(device.poll(), measure))
            since_poll = 0
        device.run(seconds, sent)
        since_poll += sent
        if what == "reboot":
            device.reboot()
            device.run(0.5, 100)
        if what == "poll":
            amount += total(track.take(device.poll(), measure))
            since_poll = 0
    amount += total(track.take(device.poll(), measure))
    assert amount == device.visible


@given(st.data())
def test_neither_order_nor_repetition_changes_a_sum(data: st.DataObject) -> None:
    device = Counter(64, 1000, uptime=True)
    end_ns = T + DAY_NS - 1
    readings = []
    for seconds, sent, reboots in data.draw(
        st.lists(
            st.tuples(st.integers(1, 5000), st.integers(0, 10**9), st.booleans()), min_size=1, max_size=MOST_KNOTS - 2
        )
    ):
        readings.append(device.poll(end_ns))
        if reboots:
            device.reboot()
        device.run(seconds, sent)
    shuffled = data.draw(st.permutations(readings + data.draw(st.lists(st.sampled_from(readings)))))
    assert _by_interval(shuffled) == _by_interval(readings)
    assert sum(_by_interval(shuffled).values()) == device.visible


def _by_interval(readings: list[Reading]) -> dict[tuple[int, int], int]:
    track = Track(0)
    sums: dict[tuple[int, int], int] = {}
    for reading in readings:
        for span in track.take(reading, COUNTED):
            key = (span.start_ns, span.end_ns)
            sums[key] = sums.get(key, 0) + span.amount
    return {key: amount for key, amount in sums.items() if amount}


@given(STEPS, st.integers(0, 60))
def test_a_restart_changes_no_sum(steps: list[tuple[float, int, str]], restart: int) -> None:
    device = Counter(64)
    track = Track(MINUTE)
    amount = total(track.take(device.poll(), COUNTED))
    for number, (seconds, sent, what) in enumerate(steps):
        device.run(seconds, sent)
        if what == "reboot":
            device.reboot()
        amount += total(track.take(device.poll(), COUNTED))
        if number == restart:
            track = Track.restored(MINUTE, orjson.loads(orjson.dumps(plain(track.snapshot()))))
    assert amount == device.visible


def test_a_rate_that_is_known_twice_counts_once() -> None:
    track, measure = Track(MINUTE), measure_rate(90 * SECOND)
    track.take(at(0, 8_000), measure)
    assert total(track.take(at(30, 8_000), measure)) == 30_000
    assert total(track.take(at(30, 8_000), measure)) == 0
