from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sinks.query import QueryError, Series, parse, quote_ident, quote_string

EXPRESSIBLE = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["results", "series", "columns", "x"]), inner),
)


def unquote(literal: str) -> str:
    """Read a quoted literal as InfluxQL's scanner does (influxql, `ScanDelimited`)."""
    mark, plain, position = literal[0], "", 1
    escapes = {"n": "\n", "\\": "\\", '"': '"', "'": "'"}
    while literal[position] != mark:
        assert literal[position] != "\n"
        escaped = literal[position] == "\\"
        plain += escapes[literal[position + 1]] if escaped else literal[position]
        position += 2 if escaped else 1
    assert position == len(literal) - 1
    return plain


@given(EXPRESSIBLE)
def test_a_quoted_name_reads_back_as_itself(name: str) -> None:
    assert unquote(quote_ident(name)) == name


@given(EXPRESSIBLE)
def test_a_quoted_string_reads_back_as_itself(text: str) -> None:
    assert unquote(quote_string(text)) == text


def test_quotes_of_the_other_kind_stay_as_they_are() -> None:
    assert (quote_ident("it's"), quote_string('"x"')) == ('"it\'s"', "'\"x\"'")


@pytest.mark.parametrize("text", ["a\0b", "a\rb"])
def test_what_influxql_cannot_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no notation"):
        quote_string(text)


def test_an_answer_becomes_series_in_its_order() -> None:
    body = orjson.dumps(
        {
            "results": [
                {
                    "statement_id": 0,
                    "series": [
                        {
                            "name": "gps",
                            "tags": {"device": "a"},
                            "columns": ["time", "speed"],
                            "values": [[1_700_000_000_000_000_001, 2.5], [2, None]],
                        }
                    ],
                },
                {"statement_id": 1},
                {"statement_id": 2, "series": [{"columns": ["name"]}]},
            ]
        }
    )

    assert parse(body) == [
        Series("gps", {"device": "a"}, ["time", "speed"], [[1_700_000_000_000_000_001, 2.5], [2, None]]),
        Series("", {}, ["name"], []),
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"results": [{"error": "database not found: x"}]}, "database not found: x"),
        ({"results": [{"series": [{"columns": ["time"], "partial": True}]}]}, "cut its answer short"),
        ({"results": [{"series": [{"name": "no columns"}]}]}, "no answer of InfluxDB"),
        ({"error": "timeout"}, "timeout"),
        ([], "no answer of InfluxDB"),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(answer: Any, message: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(QueryError, match=message):
        parse(orjson.dumps(answer))


@given(st.binary() | JSON.map(orjson.dumps))
def test_whatever_answers_it_is_series_or_a_query_error(body: bytes) -> None:
    with suppress(QueryError):
        assert all(isinstance(series, Series) for series in parse(body))
