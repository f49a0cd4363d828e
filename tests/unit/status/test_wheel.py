from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.status.presence import SECOND
from hub.status.wheel import Wheel


def test_a_visit_comes_within_the_second_after_its_time() -> None:
    wheel = Wheel()
    wheel.plan(7, 10 * SECOND + 1)
    assert list(wheel.due(10 * SECOND + 1)) == []
    assert list(wheel.due(11 * SECOND)) == [7]
    assert list(wheel.due(12 * SECOND)) == []


def test_a_later_plan_replaces_the_earlier() -> None:
    wheel = Wheel()
    wheel.plan(0, 5 * SECOND)
    wheel.plan(0, 9 * SECOND)
    assert list(wheel.due(8 * SECOND)) == []
    assert list(wheel.due(9 * SECOND)) == [0]


def test_a_cancelled_visit_does_not_come() -> None:
    wheel = Wheel()
    wheel.plan(0, 5 * SECOND)
    wheel.cancel(0)
    wheel.cancel(99)
    assert list(wheel.due(6 * SECOND)) == []


def test_what_is_planned_for_the_past_comes_next() -> None:
    wheel = Wheel()
    list(wheel.due(100 * SECOND))
    wheel.plan(1, 3 * SECOND)
    assert list(wheel.due(101 * SECOND)) == [1]


def test_a_clock_that_is_set_back_only_delays() -> None:
    wheel = Wheel()
    list(wheel.due(100 * SECOND))
    wheel.plan(1, 101 * SECOND)
    assert list(wheel.due(50 * SECOND)) == []
    assert list(wheel.due(101 * SECOND)) == [1]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10_000)), max_size=60), st.integers(1, 5_000))
def test_every_planned_visit_comes_once_whatever_the_steps(plans: list[tuple[int, int]], step: int) -> None:
    wheel = Wheel()
    for index, second in plans:
        wheel.plan(index, second * SECOND)
    came = [index for now in range(0, 10_001 + step, step) for index in wheel.due(now * SECOND)]
    assert sorted(came) == sorted({index for index, _ in plans})
