"""What the measurements need of a database; hub.sinks.query.InfluxReader has this shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Table(Protocol):
    """One table of an answer: rows in the order of `columns`, `time` in nanoseconds UTC."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def values(self) -> Sequence[Sequence[bool | float | str | None]]: ...  # noqa: D102


class Reader(Protocol):
    """Answers InfluxQL."""

    async def query(self, q: str, params: Mapping[str, bool | float | str | None] | None = None) -> Sequence[Table]:
        """Return the tables that `q` yields; raises hub.errors.Retryable while the database is away."""


def times_ns(table: Table) -> list[int]:
    """Return the times of a table's rows."""
    column = table.columns.index("time")
    return [int(row[column] or 0) for row in table.values]
