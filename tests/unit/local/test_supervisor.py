from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.local.supervisor import Pace, pause_before_restart

PACE = Pace(first_pause=0.2, longest_pause=30.0)


@pytest.mark.parametrize(("faults", "expected"), [(1, 0.2), (2, 0.4), (3, 0.8), (8, 25.6), (9, 30.0), (10_000, 30.0)])
def test_the_pause_doubles_up_to_its_bound(faults: int, expected: float) -> None:
    assert pause_before_restart(faults, 1.0, PACE) == pytest.approx(expected)


@given(faults=st.integers(1, 10**9), jitter=st.floats(0, 1))
def test_jitter_takes_at_most_half_of_the_pause(faults: int, jitter: float) -> None:
    longest = pause_before_restart(faults, 1.0, PACE)
    assert longest / 2 <= pause_before_restart(faults, jitter, PACE) <= longest
