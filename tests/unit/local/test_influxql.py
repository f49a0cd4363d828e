from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.local.errors import LocalServerFailed
from hub.local.influxql import Unauthorised, check_answer


def test_an_answer_without_errors_is_success() -> None:
    check_answer(200, b'{"results":[{"statement_id":0},{"statement_id":1}]}')


def test_the_error_of_any_statement_is_a_failure() -> None:
    with pytest.raises(LocalServerFailed, match=r"^The database answered 200: user already exists$"):
        check_answer(200, b'{"results":[{"statement_id":0},{"statement_id":1,"error":"user already exists"}]}')


def test_a_refused_login_can_be_told_apart() -> None:
    with pytest.raises(Unauthorised, match="authorization failed"):
        check_answer(401, b'{"error":"authorization failed"}')


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"results":{}}'])
def test_an_answer_of_something_else_is_a_failure(body: bytes) -> None:
    with pytest.raises(LocalServerFailed, match="something that is not InfluxDB's"):
        check_answer(200, body)


@given(status=st.integers(100, 599), body=st.binary() | st.text().map(str.encode))
def test_any_answer_is_success_or_a_failure_in_words(status: int, body: bytes) -> None:
    with contextlib.suppress(LocalServerFailed):
        check_answer(status, body)
