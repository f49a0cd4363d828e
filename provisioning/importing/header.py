"""The headings of a file: which column stands where, and what the file calls it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from provisioning.importing.columns import ALIASES, COLUMNS, NOT_READ, REQUIRED, Column, plain
from provisioning.importing.report import Fault
from provisioning.importing.table import Cell, RawRow, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Header:
    """Which column stands where.

    Attributes:
        places: position in the row -> column; those that are not read are left out.
        headings: column -> heading, as the file has it.
        headed: positions that have a heading of any kind.
    """

    places: Mapping[int, Column]
    headings: Mapping[Column, str]
    headed: frozenset[int]


class Faults(list[Fault]):
    """What is wrong with a file, under the headings that the file has."""

    def __init__(self, headings: Mapping[Column, str]) -> None:
        super().__init__()
        self._headings = headings

    def add(self, row: int, column: Column, problem: str) -> None:
        """Add what is wrong with a cell."""
        self.append(Fault(row, self.called(column), problem))

    def called(self, column: Column) -> str:
        """Return what the file calls a column; its own name when the file does not have it."""
        return self._headings.get(column, column.value)


def read_header(row: RawRow) -> tuple[Header, Faults]:
    """Read the headings, and say what is wrong with them."""
    places: dict[int, Column] = {}
    headings: dict[Column, str] = {}
    faults = Faults(headings)
    for place, cell in enumerate(row.cells):
        match _understand(cell):
            case Column() as column if column in headings:
                problem = f"This is the same column as {headings[column]!a}: remove one of the two."
                faults.append(Fault(row.number, str(cell), problem))
            case Column() as column:
                places[place], headings[column] = column, str(cell)
            case problem if problem:
                faults.append(Fault(row.number, f"cell {place + 1}", problem))
    faults.extend(Fault(row.number, column.value, problem) for column, problem in _missing(headings))
    headed = frozenset(place for place, cell in enumerate(row.cells) if cell)
    return Header(places, headings, headed), faults


def _understand(cell: Cell) -> Column | str:
    """The column of a heading; else what is wrong with it, '' for nothing."""
    if isinstance(cell, Unusable):
        return cell.problem
    heading = plain(cell)
    if column := COLUMNS.get(heading):
        return column
    if not heading or heading in NOT_READ:
        return ""
    near = get_close_matches(heading[:80], COLUMNS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(Column)}."
    return f"There is no column {cell[:40]!a}; {hint} The first row holds the headings."


def _missing(headings: Mapping[Column, str]) -> Iterator[tuple[Column, str]]:
    for column in REQUIRED:
        if column not in headings:
            others = " or ".join(repr(name) for name in ALIASES[column][-2:])
            yield column, f"This column is missing: add it, with the heading {column.value!r}, {others}."
