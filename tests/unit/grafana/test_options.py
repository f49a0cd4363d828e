from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.grafana.answers import problem
from hub.grafana.compare import differences
from hub.grafana.options import GrafanaOptions, window_parts
from hub.grafana.policies import find_branch, merge

URL = "http://grafana.local:3000/grafana"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://admin:admin@grafana.local"}, "leave user name and password out"),
        ({"url": f"{URL}?orgId=1"}, "ends before"),
        ({"token": "a", "token_file": "b"}, "not both"),
        ({"contacts": {"dishub": []}}, "dishub: needs mail addresses"),
        ({"contacts": {"dishub": ["not an address"]}}, "each like noc@example"),
        ({"contacts": {"di shub": ["a@b"]}}, "named by its id"),
        ({"maintenance": ["sometimes"]}, "is a list like"),
        ({"maintenance": ["sunday 03:00-01:00"]}, "within one day"),
    ],
)
def test_a_bad_option_says_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        GrafanaOptions.model_validate({"url": URL, **changes})


def test_a_window_is_taken_apart() -> None:
    assert window_parts("sunday 01:00-03:00") == ("sunday", "01:00", "03:00")
    assert window_parts("23:30-24:00") == ("", "23:30", "24:00")


@given(
    st.integers(200, 599),
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(["Retry-After", "Location"]), st.text()),
)
def test_any_answer_is_understood(status: int, body: bytes, headers: dict[str, str]) -> None:
    error = problem(status, headers, body, URL)
    assert error is None or URL in str(error)


@given(JSON)
def test_what_is_as_it_should_be_has_no_differences(content: object) -> None:
    assert differences(content, content) == []


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3), st.dictionaries(st.text(min_size=4), JSON, max_size=3))
def test_what_grafana_adds_is_no_difference(ours: dict[str, Any], added: dict[str, Any]) -> None:
    assert differences({**added, **ours}, ours) == []


@given(st.lists(st.dictionaries(st.sampled_from(["receiver", "continue"]), JSON), max_size=4), st.integers(0, 4))
def test_merging_twice_is_merging_once_and_others_keep_their_order(others: list[dict[str, Any]], place: int) -> None:
    ours = {"receiver": "Cityhub city", "object_matchers": [["cityhub", "=", "true"]]}
    old = {**ours, "receiver": "Cityhub old"}
    tree = {"receiver": "default", "routes": [*others[:place], old, *others[place:]]}
    once = merge(tree, ours)
    assert merge(once, ours) == once
    assert find_branch(once) == ours
    assert merge(once, None)["routes"] == others
