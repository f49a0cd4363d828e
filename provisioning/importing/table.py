"""A table as a file holds it: rows of cells, nothing understood yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from provisioning.importing.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES: Final = 16 * 1024 * 1024
"""Size of a file; 100,000 devices with all columns filled in take about 14 MB as CSV."""
MAX_ROWS: Final = 100_000
"""Rows below the headings."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A cell whose content cannot be taken as text without guessing; `problem` is a sentence."""

    problem: str


Cell: TypeAlias = str | Unusable


class RawRow(NamedTuple):
    """A row; `number` counts from 1 as a spreadsheet does, cells are stripped, and empty ones are ''."""

    number: int
    cells: tuple[Cell, ...]


def numbered(rows: Iterable[Iterable[Cell]]) -> list[RawRow]:
    """Number the rows and drop those that are empty.

    Raises:
        UnreadableFile: there are more than MAX_ROWS.
    """
    kept = []
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS + 1:
            raise UnreadableFile(
                f"The file has more than {MAX_ROWS} rows: split it, and delete empty rows below the table."
            )
        cells = tuple(row)
        if any(cells):
            kept.append(RawRow(number, cells))
    return kept


def tidy(text: str) -> str:
    """Return a cell's text without white space around it, and with single spaces for line breaks within."""
    return " ".join(text.split())
