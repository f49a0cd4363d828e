from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Refused, Retryable, SinkError, TooLarge
from hub.sinks.outcome import MAX_RETRY_AFTER_S, outcome, retry_after, words

NOON = "Sat, 01 Aug 2026 12:00:00 GMT"
CONFLICT = b'{"error":"partial write: field type conflict: input field \\"v\\" is type string dropped=1"}'
PARTIAL = (
    b'{"error":"partial write of line protocol occurred",'
    b'"data":[{"original_line":"m v=","line_number":2,"error_message":"invalid field value"}]}'
)
ANSWERS: list[tuple[int, bytes, type[SinkError], str]] = [
    (200, b"<html>please log in</html>", Retryable, "check `url`"),
    (201, b'{"message":"1 point rejected"}', Refused, "1 point rejected"),
    (202, b"", Retryable, "check `url`"),
    (302, b"", Retryable, "check `url`"),
    (400, CONFLICT, Refused, 'field type conflict: input field "v" is type string dropped=1'),
    (400, PARTIAL, Refused, "partial write of line protocol occurred: invalid field value"),
    (401, b'{"error":"authorization failed"}', Retryable, "check user name and password, or the token"),
    (403, b'{"message":"insufficient permissions"}', Retryable, "its right to this database"),
    (404, b'{"error":"database not found: \\"city\\""}', Retryable, "create the database (bucket)"),
    (408, b"", Retryable, "no reason given"),
    (413, b'{"error":"Request Entity Too Large"}', TooLarge, "Request Entity Too Large"),
    (422, b'{"code":"unprocessable entity","message":"partial write dropped=3"}', Refused, "partial write dropped=3"),
    (429, b"", Retryable, "429"),
    (500, b'{"error":"retention policy not found: autogen"}', Retryable, "default retention policy"),
    (500, b'{"error":"engine: cache-max-memory-size exceeded"}', Retryable, "cache-max-memory-size exceeded"),
    (503, b"timeout", Retryable, "timeout"),
    (599, b"", Retryable, "check `url`"),
]


def test_204_confirms_every_line() -> None:
    assert outcome(204, {}, b"") is None


@pytest.mark.parametrize(("status", "body", "expected", "said"), ANSWERS)
def test_every_other_answer_says_what_to_do_next(
    status: int, body: bytes, expected: type[SinkError], said: str
) -> None:
    error = outcome(status, {}, body)

    assert type(error) is expected
    assert said in str(error)
    assert str(status) in str(error)


def test_an_overloaded_server_says_when_to_come_back() -> None:
    error = outcome(429, {"Retry-After": "30"}, b"")

    assert isinstance(error, Retryable)
    assert error.after == 30.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "9" * 400}, MAX_RETRY_AFTER_S),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "Sat, 01 Aug 2026 12:00:20 GMT", "Date": NOON}, 20.0),
        ({"Retry-After": "Sat Aug  1 12:00:20 2026", "Date": NOON}, 20.0),
        ({"Retry-After": "Sat, 01 Aug 2026 11:59:00 GMT", "Date": NOON}, 0.0),
        ({"Retry-After": "Sun, 01 Aug 2100 12:00:00 GMT", "Date": NOON}, MAX_RETRY_AFTER_S),
        ({"Retry-After": "Sat, 01 Aug 2026 12:00:20 GMT"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers) == expected


@given(st.text(), st.text() | st.just(NOON))
def test_no_retry_after_is_believed_beyond_an_hour_or_raises(wish: str, date: str) -> None:
    after = retry_after({"Retry-After": wish, "Date": date})

    assert after is None or 0 <= after <= MAX_RETRY_AFTER_S


@given(st.integers(100, 599), st.binary())
def test_only_204_confirms_whatever_else_an_answer_holds(status: int, body: bytes) -> None:
    assert (outcome(status, {}, body) is None) == (status == HTTPStatus.NO_CONTENT)


@given(st.binary() | st.text().map(str.encode) | st.just(b"[" * 5000))
def test_the_servers_words_are_one_short_printable_line(body: bytes) -> None:
    line = words(body)

    assert line.isprintable()
    assert 0 < len(line) <= 300
