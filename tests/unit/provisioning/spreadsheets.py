"""Spreadsheets for the tests of the import."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

PROFILES = ("generic_ipcamera", "generic_tracker")
IMEI = "356307042441013"


def csv(*lines: str) -> bytes:
    """A CSV file of these lines."""
    return "\n".join(lines).encode()


def xlsx(*rows: Sequence[Any]) -> bytes:
    """A workbook whose first sheet has these rows."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()
