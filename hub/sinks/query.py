"""Reads with InfluxQL, the one query language that InfluxDB 1.x, 2.x and 3.x share."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from pydantic import TypeAdapter, ValidationError

from hub.errors import CityhubError, Retryable
from hub.sinks.http import open_session, reaching
from hub.sinks.options import InfluxV1Options, SinkOptions
from hub.sinks.outcome import outcome, words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    import aiohttp

Value = bool | int | float | str | None
"""A cell of an answer; times are integers, nanoseconds UTC since 1970."""


class QueryError(CityhubError):
    """The database does not understand a query, or its answer cannot be used."""


@dataclass(frozen=True, slots=True)
class Series:
    """One table of an answer: the measurement, the tags it was grouped by, and rows in the order of `columns`."""

    name: str
    tags: dict[str, str]
    columns: list[str]
    values: list[list[Value]]


@dataclass(frozen=True, slots=True)
class _WireSeries:
    columns: list[str]
    name: str = ""
    tags: dict[str, str] | None = None
    values: list[list[Value]] = field(default_factory=list)
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Result:
    series: list[_WireSeries] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    results: list[_Result]


_ANSWER = TypeAdapter(_Answer)


class InfluxReader:
    """Asks a database over `/query`; an asynchronous context manager that keeps its connections.

    2.x finds the bucket through its (virtual) DBRP mapping.
    Never write `ON <database>`, nor a database before a measurement: 3.x refuses both.

    Args:
        options: the same that the sink has; the user or token needs the right to read.
        connections: how many queries travel at the same time.

    Raises:
        SettingsError: on entering, when the file that holds the secret cannot be used.
    """

    def __init__(self, options: SinkOptions, *, connections: int = 2) -> None:
        self._options = options
        self._connections = connections
        self._url = f"{options.address}/query"
        self._database = options.database if isinstance(options, InfluxV1Options) else options.bucket
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(self._options, self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def query(self, q: str, params: Mapping[str, Value] | None = None) -> list[Series]:
        """Return the series that the statements of `q` yield, in their order; none when nothing matches.

        Args:
            q: InfluxQL that only reads (`SELECT`, `SHOW`).
            params: values for `$name` in WHERE clauses.

        Raises:
            QueryError: the query is wrong, or the answer is cut short or unreadable.
            Retryable: the database is away or busy, or credentials or settings are wrong.
        """
        if self._session is None:
            raise RuntimeError("a reader is used inside `async with`")
        wanted = {"db": self._database, "epoch": "ns", "q": q}
        if params:
            wanted["params"] = orjson.dumps(params).decode()
        with reaching(self._options):
            async with self._session.get(self._url, params=wanted, allow_redirects=False) as response:
                body = await response.read()
        if response.status != HTTPStatus.OK:
            raise _failure(response.status, response.headers, body)
        return parse(body)


def _failure(status: int, headers: Mapping[str, str], body: bytes) -> CityhubError:
    error = outcome(status, headers, body)
    return error if isinstance(error, Retryable) else QueryError(f"InfluxDB refused the query: {words(body)}")


def parse(body: bytes) -> list[Series]:
    """Read the JSON answer of `/query`.

    Raises:
        QueryError: it is not such an answer, reports an error, or leaves rows out.
    """
    try:
        answer = _ANSWER.validate_json(body)
    except ValidationError as error:
        raise QueryError(f"this is no answer of InfluxDB, check `url`: {words(body)}") from error
    return [_series(wire) for result in answer.results for wire in _checked(result)]


def _checked(result: _Result) -> list[_WireSeries]:
    if result.error:
        raise QueryError(f"InfluxDB refused the query: {result.error}")
    return result.series


def _series(wire: _WireSeries) -> Series:
    if wire.partial:
        raise QueryError("InfluxDB cut its answer short; ask for less at a time, or raise its `max-row-limit`")
    return Series(wire.name, wire.tags or {}, wire.columns, wire.values)


def quote_ident(name: str) -> str:
    """Return a measurement, field or tag name as InfluxQL writes it, in double quotes.

    Raises:
        ValueError: it holds a NUL or a carriage return, for which InfluxQL has no notation.
    """
    return _quote(name, '"')


def quote_string(text: str) -> str:
    """Return a string as InfluxQL writes it, in single quotes.

    Raises:
        ValueError: it holds a NUL or a carriage return, for which InfluxQL has no notation.
    """
    return _quote(text, "'")


def _quote(text: str, mark: str) -> str:
    if "\0" in text or "\r" in text:
        raise ValueError(f"InfluxQL has no notation for a NUL or a carriage return: {text!r}")
    escaped = text.replace("\\", "\\\\").replace(mark, "\\" + mark).replace("\n", "\\n")
    return f"{mark}{escaped}{mark}"
