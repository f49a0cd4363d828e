from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sources.modbus.turns import SOON_S, Turns, share_of

EVERY = st.floats(0.1, 86400)
SHARE = st.floats(0, 1, exclude_max=True)
NOW = st.floats(0, 1e7)


@given(EVERY, SHARE, NOW)
def test_the_first_turn_comes_soon(every_s: float, share: float, now: float) -> None:
    assert now <= Turns(every_s, share, now).due <= now + min(every_s, SOON_S)


@given(EVERY, SHARE, NOW, st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_every_later_turn_stands_on_the_grid_and_none_comes_twice(
    every_s: float, share: float, now: float, delays: list[float]
) -> None:
    turns = Turns(every_s, share, now)
    before = turns.due
    turns.finish(before)
    for delay in delays:
        assert turns.due > before
        steps = (turns.due - share * every_s) / every_s
        assert steps == pytest.approx(round(steps), abs=1e-6)
        before = turns.due
        at = before + delay * every_s
        missed = turns.skip(at)
        assert turns.due <= at < turns.due + every_s * 1.000001
        assert missed == pytest.approx(delay, abs=1.000001)
        turns.finish(at)


def test_what_is_late_by_less_than_an_interval_is_not_skipped() -> None:
    turns = Turns(10, 0, 1000)
    turns.finish(1000)
    assert turns.due == 1010
    assert turns.skip(1019.9) == 0
    assert turns.skip(1020) == 1
    assert turns.due == 1020


def test_a_first_turn_that_nobody_took_gives_way_to_the_grid() -> None:
    turns = Turns(10, 0, 1003)
    assert turns.due == 1003
    assert turns.skip(1046) == 4
    assert turns.due == 1040


def test_shares_are_spread_evenly_and_stay_the_same() -> None:
    shares = sorted(share_of(f"m{number}") for number in range(1000))
    assert all(abs(share - place / 1000) < 0.05 for place, share in enumerate(shares))
    assert share_of("meter-7") == share_of("meter-7")
