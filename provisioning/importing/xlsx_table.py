"""Reads the first sheet of an XLSX workbook (ECMA-376), which is a zip of XML and may come from anyone."""

from __future__ import annotations

import warnings
from contextlib import closing
from datetime import date, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from openpyxl import load_workbook

from provisioning.importing.errors import UnreadableFile
from provisioning.importing.table import Cell, RawRow, Unusable, numbered, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UNPACKED = 128 * 1024 * 1024
"""Size of all parts of a workbook together; 100,000 devices with all columns filled in take about 80 MB."""

_MAX_COLUMNS = 64  # a cell in the last column, XFD, would otherwise make every row 16,384 cells wide
_EXACT = 10**15  # Excel keeps 15 digits of a number and turns the rest into zeros
_AS_TEXT = "format the column as text and type it again"


def read_xlsx(content: bytes) -> list[RawRow]:
    """Read the rows of the workbook's first sheet.

    Formulas are not computed, nor is the value trusted that was stored beside them: such a cell is unusable.

    Raises:
        UnreadableFile: damaged, protected by a password, without a sheet, or too large.
    """
    try:
        _check_archive(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which are of no interest here
            return numbered(_rows(content))
    except UnreadableFile:
        raise
    except Exception as error:  # openpyxl lets whatever its parsers meet come out
        raise UnreadableFile(
            f"The workbook is damaged ({type(error).__name__}): open it in Excel and save it again as XLSX, or as CSV."
        ) from error


def _check_archive(content: bytes) -> None:
    """Unpack everything once, piece by piece, so that no later reading can meet more than is said here."""
    with ZipFile(BytesIO(content)) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise UnreadableFile(
                f"The workbook unpacks to more than {MAX_UNPACKED // 2**20} MiB: copy the table alone into a new one."
            )
        if any(part.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for part in parts):
            raise UnreadableFile("The workbook is packed in a way that Excel does not use: save it again with Excel.")
        if broken := archive.testzip():
            raise UnreadableFile(f"The workbook is damaged in {broken!a}: take it from where it came once more.")


def _rows(content: bytes) -> Iterator[Iterator[Cell]]:
    with closing(load_workbook(BytesIO(content), read_only=True, keep_links=False)) as workbook:
        if not workbook.worksheets:
            raise UnreadableFile("The workbook has no sheet with cells: put the table on the first sheet.")
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # rows beyond the size that the file claims would be left out silently
        for row in sheet.iter_rows(max_col=_MAX_COLUMNS):
            yield map(_cell, row)


def _cell(cell: Any) -> Cell:  # noqa: ANN401 - openpyxl's kinds of cell have no common type
    match cell.data_type:
        case "f":
            return Unusable("This is a formula: copy the column and paste it as values.")
        case "e":
            return Unusable(f"This is the error {cell.value!a:.40}: correct it in the spreadsheet.")
        case _:
            return _text(cell.value)


def _text(value: object) -> Cell:
    match value:
        case None:
            return ""
        case bool() | date() | time() | timedelta():
            return Unusable(f"The spreadsheet has made {_kind(value)} of this: {_AS_TEXT}.")
        case int() | float() if abs(value) >= _EXACT:
            return Unusable(f"The spreadsheet keeps only 15 digits of a number: {_AS_TEXT}.")
        case int() | float():
            return _digits(value)
        case _:
            return tidy(str(value))


def _kind(value: object) -> str:
    return "true or false" if isinstance(value, bool) else "a date or time"


def _digits(value: float) -> str:
    """The number as it is shown: 3.0 is 3, and nothing has an exponent."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
