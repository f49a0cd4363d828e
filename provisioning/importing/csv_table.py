"""Reads CSV (RFC 4180) as spreadsheets write it: UTF-8, separated by commas, semicolons or tabs.

Excel separates by semicolons where the comma is the decimal sign, as in Indonesia, and puts a byte order mark first.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING

from provisioning.importing.columns import COLUMNS, plain
from provisioning.importing.errors import UnreadableFile
from provisioning.importing.table import RawRow, numbered, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEPARATORS = ",;\t"
_NAMED = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)  # Excel's own first line, which it does not show
_SAVE_AS = "save it as 'CSV UTF-8' in Excel, or as XLSX"


def read_csv(content: bytes) -> list[RawRow]:
    """Read the rows of a CSV file.

    Raises:
        UnreadableFile: not UTF-8, quotation marks that do not match, or too many rows.
    """
    text = _decode(content)
    if named := _NAMED.match(text):
        return numbered(_rows(text[named.end() :], named[1]))
    return numbered(_rows(text, _separator(text)))


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile(f"The file is in UTF-16 (Excel's 'Unicode Text'): {_SAVE_AS}.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(f"Line {line} is neither UTF-8 nor an Excel file: {_SAVE_AS}.") from error


def _separator(text: str) -> str:
    """The one by which most headings are recognised; a name with a comma in it cannot mislead that."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_SEPARATORS, key=lambda one: sum(plain(cell) in COLUMNS for cell in first.replace('"', "").split(one)))


def _rows(text: str, separator: str) -> Iterator[Iterator[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            yield map(tidy, row)
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} cannot be read: {error}. Check its quotation marks.") from error
