from __future__ import annotations

from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ProfileError
from hub.profiles.modbus import Limits, TableName
from hub.sources.modbus.planner import Block, Bounds, plan

HIGHEST = 24


class Span(NamedTuple):
    at: int
    width: int = 1
    key: str = "energy.power_w"


def bounds(table: TableName = "holding", *, one_based: bool = False, **limits: Any) -> Bounds:  # noqa: ANN401 - as YAML
    return Bounds(Limits.model_validate(limits), table, one_based=one_based)


def planned(*spans: tuple[int, int], **limits: Any) -> list[tuple[int, int]]:  # noqa: ANN401 - as YAML
    return [(block.start, block.size) for block in plan([Span(*span) for span in spans], bounds(**limits))]


def test_neighbours_are_read_together() -> None:
    assert planned((0, 2), (2, 2), (6, 1)) == [(0, 7)]


def test_a_gap_that_is_too_wide_takes_two_requests() -> None:
    assert planned((0, 2), (10, 2), gap=8) == [(0, 12)]
    assert planned((0, 2), (10, 2), gap=7) == [(0, 2), (10, 2)]


def test_a_value_is_never_cut() -> None:
    assert planned((0, 2), (2, 2), (4, 2), block=5) == [(0, 4), (4, 2)]


def test_forbidden_addresses_are_gone_around() -> None:
    assert planned((0, 1), (2, 1), (4, 1), forbidden=["1", "3-3"]) == [(0, 1), (2, 1), (4, 1)]
    assert planned((0, 1), (4, 1), (5, 1), forbidden=["1-3"]) == [(0, 1), (4, 2)]


def test_a_device_that_answers_nothing_else_is_asked_one_reading_at_a_time() -> None:
    assert planned((0, 2), (2, 2), (0, 2), alone=True) == [(0, 2), (2, 2)]


def test_coils_have_a_limit_of_their_own() -> None:
    many = [Span(address) for address in range(2001)]
    assert [block.size for block in plan(many, bounds("coil"))] == [2000, 1]
    assert len(plan(many, bounds("input"))) == 17


@pytest.mark.parametrize(
    ("span", "limits", "sentence"),
    [
        ((0, 1), {"one_based": True}, "addresses are 1 ... 65536"),
        ((65536, 1), {}, "addresses are 0 ... 65535"),
        ((65535, 2), {}, "addresses are 0 ... 65535"),
        ((0, 4), {"block": 2}, "takes 4, the device's limit is 2"),
        ((0, 4), {"forbidden": ["3"]}, "lies on a forbidden address"),
        ((0, 1), {"forbidden": ["3 to 4"]}, "neither an address nor a range"),
    ],
)
def test_what_can_never_be_read_is_said(span: tuple[int, int], limits: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        planned(span, **limits)


SPANS = st.lists(
    st.tuples(st.integers(0, HIGHEST), st.sampled_from([1, 1, 1, 2, 2, 4, 7])).map(lambda pair: Span(*pair)),
    min_size=1,
    max_size=7,
)
BOUNDS = st.builds(
    bounds,
    st.sampled_from(["holding", "coil"]),
    block=st.integers(7, 14),
    coils=st.integers(7, 20),
    gap=st.integers(0, 6),
    forbidden=st.lists(st.integers(0, HIGHEST).map(str), max_size=3),
)


def allowed(start: int, end: int, wanted: set[int], limits: Bounds) -> bool:
    """Judge one request by the words of the limits alone."""
    idle = longest = 0
    first = min((address for address in wanted if start <= address < end), default=end)
    last = max((address for address in wanted if start <= address < end), default=start)
    for address in range(first, last):
        idle = 0 if address in wanted else idle + 1
        longest = max(longest, idle)
    inside = end - start <= limits.most and not limits.touches_forbidden(start, end)
    return inside and longest <= limits.gap


def fewest(spans: list[Span], limits: Bounds) -> int:
    """Try every set of allowed requests, smaller sets first (each as the bits of the values that it holds)."""
    wanted = {address for span in spans for address in range(span.at, span.at + span.width)}
    ends = range(min(wanted), max(wanted) + 2)
    held = {
        sum(1 << i for i, span in enumerate(spans) if start <= span.at and span.at + span.width <= end)
        for start in ends
        for end in ends
        if start < end and allowed(start, end, wanted, limits)
    }
    everything, reached = (1 << len(spans)) - 1, {0}
    for requests in count(0):
        if everything in reached:
            return requests
        reached = {before | more for before in reached for more in held}
    raise AssertionError


@given(SPANS, BOUNDS)
def test_no_plan_has_fewer_requests(spans: list[Span], limits: Bounds) -> None:
    spans = [s for s in spans if not limits.touches_forbidden(s.at, s.at + s.width)]
    if not spans:
        return
    blocks = plan(spans, limits)
    wanted = {address for span in spans for address in range(span.at, span.at + span.width)}
    for span in spans:
        assert any((span.at, span.at + span.width) in block.values for block in blocks)
    for block in blocks:
        end = block.start + block.size
        assert allowed(block.start, end, wanted, limits)
        assert all(block.start <= first < last <= end for first, last in block.values)
    assert len(blocks) == fewest(spans, limits)


@given(SPANS)
def test_halving_leaves_no_value_out_and_comes_to_an_end(spans: list[Span]) -> None:
    (whole,) = plan(spans, bounds(gap=124))
    todo, single = [whole], set[Block]()
    while todo:
        block = todo.pop()
        todo += block.halves()
        single |= set() if block.halves() else {block}
    assert {block.values for block in single} == {((span.at, span.at + span.width),) for span in spans}
    assert all(block.size == block.values[0][1] - block.values[0][0] for block in single)
