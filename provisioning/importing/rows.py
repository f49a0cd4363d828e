"""From rows of text to rows of values, each cell by itself; what rows say together is for plan.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import InvalidIdentity
from provisioning.importing.columns import REQUIRED, Column
from provisioning.importing.header import Faults, Header, read_header
from provisioning.importing.report import Fault
from provisioning.importing.table import Cell, RawRow, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.importing.cells import Reader, Value


@dataclass(frozen=True, slots=True)
class Row:
    """A row that states a device.

    Attributes:
        number: as the spreadsheet numbers it.
        values: of all columns of the file; None for an empty cell, and for one with a fault.
        sound: whether no cell has a fault.
    """

    number: int
    values: Mapping[Column, Value | None]
    sound: bool = True

    def text(self, column: Column) -> str | None:
        """Return the text of a column; None when it is empty or not in the file."""
        value = self.values.get(column)
        return value if isinstance(value, str) else None


def read_rows(table: Sequence[RawRow], readers: Mapping[Column, Reader]) -> tuple[list[Row], Faults]:
    """Read a table whose first row holds the headings, and say what is wrong with single cells.

    With wrong headings no further row is read.
    """
    header, faults = read_header(table[0])
    if faults:
        return [], faults
    if len(table) == 1:
        faults.add(table[0].number, Column.ID, "There is nothing below the headings: add a row for each device.")
    return [_read_row(raw, header, readers, faults) for raw in table[1:]], faults


def _read_row(raw: RawRow, header: Header, readers: Mapping[Column, Reader], faults: Faults) -> Row:
    before = len(faults)
    _find_unheaded(raw, header, faults)
    values: dict[Column, Value | None] = {}
    for place, column in header.places.items():
        cell = raw.cells[place] if place < len(raw.cells) else ""
        try:
            values[column] = _read_cell(cell, column, readers[column])
        except InvalidIdentity as error:
            values[column] = None
            faults.add(raw.number, column, str(error))
    return Row(raw.number, values, len(faults) == before)


def _read_cell(cell: Cell, column: Column, reader: Reader) -> Value | None:
    if isinstance(cell, Unusable):
        raise InvalidIdentity(cell.problem)
    if not cell and column in REQUIRED:
        raise InvalidIdentity("This cell is empty: each device needs it.")
    return reader(cell) if cell else None


def _find_unheaded(raw: RawRow, header: Header, faults: Faults) -> None:
    """A comma in a name that stands in no quotation marks moves all that follows by a cell."""
    for place, cell in enumerate(raw.cells):
        if cell and place not in header.headed:
            problem = "There is no heading above this cell: add one; text with a comma in it needs quotation marks."
            faults.append(Fault(raw.number, f"cell {place + 1}", problem))
            return
