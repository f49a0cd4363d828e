"""The table of reachability, row by row."""

from __future__ import annotations

import pytest

from hub.status.presence import SECOND, TABLE, Event, Patience, State, patience

NEVER, ONLINE, STALE, OFFLINE, UNKNOWN = State


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (NEVER, Event.HEARD, ONLINE),
        (NEVER, Event.CONNECTED, STALE),
        (NEVER, Event.MISSED, NEVER),
        (NEVER, Event.OVERDUE, NEVER),
        (NEVER, Event.MUTE, NEVER),
        (NEVER, Event.GONE, OFFLINE),
        (NEVER, Event.HUB_ILL, NEVER),
        (NEVER, Event.HUB_WELL, NEVER),
        (ONLINE, Event.HEARD, ONLINE),
        (ONLINE, Event.CONNECTED, ONLINE),
        (ONLINE, Event.MISSED, STALE),
        (ONLINE, Event.OVERDUE, OFFLINE),
        (ONLINE, Event.MUTE, STALE),
        (ONLINE, Event.GONE, OFFLINE),
        (ONLINE, Event.HUB_ILL, UNKNOWN),
        (ONLINE, Event.HUB_WELL, ONLINE),
        (STALE, Event.HEARD, ONLINE),
        (STALE, Event.CONNECTED, STALE),
        (STALE, Event.MISSED, STALE),
        (STALE, Event.OVERDUE, OFFLINE),
        (STALE, Event.MUTE, STALE),
        (STALE, Event.GONE, OFFLINE),
        (STALE, Event.HUB_ILL, UNKNOWN),
        (STALE, Event.HUB_WELL, STALE),
        (OFFLINE, Event.HEARD, ONLINE),
        (OFFLINE, Event.CONNECTED, STALE),
        (OFFLINE, Event.MISSED, OFFLINE),
        (OFFLINE, Event.OVERDUE, OFFLINE),
        (OFFLINE, Event.MUTE, STALE),
        (OFFLINE, Event.GONE, OFFLINE),
        (OFFLINE, Event.HUB_ILL, UNKNOWN),
        (OFFLINE, Event.HUB_WELL, OFFLINE),
        (UNKNOWN, Event.HEARD, ONLINE),
        (UNKNOWN, Event.CONNECTED, STALE),
        (UNKNOWN, Event.MISSED, UNKNOWN),
        (UNKNOWN, Event.OVERDUE, OFFLINE),
        (UNKNOWN, Event.MUTE, STALE),
        (UNKNOWN, Event.GONE, OFFLINE),
        (UNKNOWN, Event.HUB_ILL, UNKNOWN),
        (UNKNOWN, Event.HUB_WELL, UNKNOWN),
    ],
)
def test_a_row(state: State, event: Event, expected: State) -> None:
    assert TABLE[state, event] is expected


def test_the_table_is_complete() -> None:
    assert len(TABLE) == len(State) * len(Event)


@pytest.mark.parametrize(
    ("interval_s", "expected"),
    [(10, Patience(15 * SECOND, 90 * SECOND)), (60, Patience(90 * SECOND, 180 * SECOND)),
     (300, Patience(330 * SECOND, 900 * SECOND))],
)  # fmt: skip
def test_silence_is_stale_after_one_missed_interval_and_offline_after_three_or_90_s(
    interval_s: int, expected: Patience
) -> None:
    assert patience(interval_s * SECOND) == expected
