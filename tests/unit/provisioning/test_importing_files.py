"""Files as spreadsheets write them, and files that are none: read, or refused with the reason."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.importing import table as limits
from provisioning.importing import xlsx_table
from provisioning.importing.columns import COLUMNS
from provisioning.importing.errors import UnreadableFile
from provisioning.importing.importer import Importer, read_table
from provisioning.importing.report import Fault
from provisioning.importing.table import RawRow, Unusable
from tests.unit.provisioning.spreadsheets import IMEI, PROFILES, csv, xlsx

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.registry import Registry


@pytest.fixture
def importer(engine: Engine, clock: Clock) -> Importer:
    return Importer(engine, clock, PROFILES)


@pytest.mark.parametrize(
    "content",
    [
        b"id,profile,name\ncam-1,generic_ipcamera,Gerbang",
        "\ufeffid,profile,name\r\ncam-1,generic_ipcamera,Gerbang\r\n".encode(),
        b"id;profil;nama\ncam-1;generic_ipcamera;Gerbang",
        b"sep=;\r\nid;profil;nama\r\ncam-1;generic_ipcamera;Gerbang",
        b"id\tprofil\tnama\ncam-1\tgeneric_ipcamera\tGerbang",
        b'"id","profile","name"\n"cam-1","generic_ipcamera","Gerbang"',
        b"\n\nKode Perangkat , Profil ,Nama\n\n  cam-1 ,generic_ipcamera,  Gerbang\n,,\n",
        b'id,profile,name,notes\ncam-1,generic_ipcamera,"Gerbang","one, two\nthree"',
    ],
)
def test_the_ways_in_which_spreadsheets_write_csv(importer: Importer, registry: Registry, content: bytes) -> None:
    assert importer.run(content).faults == ()
    assert registry.device("cam-1").name == "Gerbang"


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    assert read_table(b'\nid\n"a\nb"\n\nc') == [RawRow(2, ("id",)), RawRow(3, ("a b",)), RawRow(5, ("c",))]


# Files that are none


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "The file is empty"),
        (b"\n,,\n", "The file is empty"),
        ("id,profile\ncam-1,\xe9".encode("latin-1"), "Line 2 is neither UTF-8 nor an Excel file"),
        ("id,profile\n".encode("utf-16"), "The file is in UTF-16"),
        (b'id,profile\ncam-1,"a"b', "Line 2 cannot be read"),
        (b'id,profile\ncam-1,"a', "Check its quotation marks"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as XLSX without a password"),
        (b"PK\x03\x04", r"The workbook is damaged \(BadZipFile\)"),
        (b"x" * (limits.MAX_BYTES + 1), "The file is larger than 16 MiB"),
        (b"id\n" + b"a\n" * (limits.MAX_ROWS + 1), "The file has more than 100000 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_remedy(content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFile, match=problem):
        read_table(content)


def cell(value: object) -> Any:  # noqa: ANN401 - text, or what keeps it from being text
    return read_table(xlsx(["id"], [value]))[1].cells[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ("  a\nb ", "a b"), (3, "3"), (3.0, "3"), (-7.307, "-7.307"), (1e-7, "0.0000001"), ("=", "=")],
)
def test_cells_of_a_workbook_are_read_as_they_are_shown(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("=A1", "This is a formula: copy the column and paste it as values."),
        (True, "The spreadsheet has made true or false of this: format the column as text and type it again."),
        (datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None),
         "The spreadsheet has made a date or time of this: format the column as text and type it again."),
        (10**15, "The spreadsheet keeps only 15 digits of a number: format the column as text and type it again."),
        ("#REF!", "This is the error '#REF!': correct it in the spreadsheet."),
    ],
)  # fmt: skip
def test_cells_that_could_only_be_guessed_are_unusable(value: object, problem: str) -> None:
    assert cell(value) == Unusable(problem)


def test_an_unusable_cell_matters_only_in_a_column_that_is_read(importer: Importer) -> None:
    rows: list[list[object]] = [["No", "id", "profile"], ["=ROW()", "cam-1", "generic_ipcamera"], [2, "cam-2", "=A1"]]
    assert importer.run(xlsx(*rows)).faults == (
        Fault(3, "profile", "This is a formula: copy the column and paste it as values."),
    )


def repacked(change: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook in which some parts say something else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(["id"], ["a"]))) as old, zipfile.ZipFile(buffer, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(rows: str, dimension: str = "") -> bytes:
    return f"<worksheet {NAMESPACE}>{dimension}<sheetData>{rows}</sheetData></worksheet>".encode()


@pytest.mark.slow
def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    bomb = repacked({SHEET: b" " * (xlsx_table.MAX_UNPACKED + 1)})
    assert len(bomb) < limits.MAX_BYTES
    with pytest.raises(UnreadableFile, match="unpacks to more than 128 MiB"):
        read_table(bomb)


def test_a_workbook_that_lies_about_its_size_is_refused() -> None:
    honest = repacked({SHEET: b" " * 1_000_000})
    size = (1_000_000).to_bytes(4, "little")
    with pytest.raises(UnreadableFile, match="The workbook is damaged"):
        read_table(honest.replace(size, (10).to_bytes(4, "little")))


def test_a_workbook_packed_in_a_way_that_cannot_be_bounded_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="packed in a way that Excel does not use"):
        read_table(repacked({}, zipfile.ZIP_BZIP2))


def test_entities_that_multiply_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 10))
    text = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{entities}]>'.encode()
    body = sheet('<row><c t="inlineStr"><is><t>&e9;</t></is></c></row>')
    with pytest.raises(UnreadableFile, match="The workbook is damaged"):
        read_table(repacked({SHEET: text + body}))


@pytest.mark.slow
def test_a_row_far_below_is_refused_rather_than_waited_for() -> None:
    far = sheet('<row r="1"><c t="str"><v>id</v></c></row><row r="999999999999"><c><v>1</v></c></row>')
    with pytest.raises(UnreadableFile, match="more than 100000 rows"):
        read_table(repacked({SHEET: far}))


def test_rows_beyond_the_size_that_a_sheet_claims_are_read_too() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="str"><v>a{n}</v></c></row>' for n in range(1, 4))
    assert len(read_table(repacked({SHEET: sheet(rows, '<dimension ref="A1"/>')}))) == 3


# Whatever comes: a report or a clear error, never anything else

CELLS = st.one_of(
    st.sampled_from(["cam-1", "cam-2", "gw", "generic_ipcamera", "dishub", "pasar", "-7,3", "109.3", "", IMEI, "081"]),
    st.text(max_size=12),
)
HEADINGS = st.lists(st.one_of(st.sampled_from(sorted(COLUMNS)), st.text(max_size=8)), max_size=8)
TABLES = st.builds(
    lambda headings, rows: [["id", "profile", *headings], *rows], HEADINGS, st.lists(st.lists(CELLS, max_size=10))
)
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def survives(importer: Importer, content: bytes) -> None:
    with suppress(UnreadableFile):
        report = importer.rehearse(content, update=True)
        assert report.faults or report.rows
        assert all(fault.row and fault.column and fault.problem for fault in report.faults)


@FUZZ
@given(content=st.binary(max_size=400))
def test_any_bytes_are_reported_or_refused(importer: Importer, content: bytes) -> None:
    survives(importer, content)


@FUZZ
@given(table=TABLES, separator=st.sampled_from(",;\t"))
def test_any_csv_is_reported_or_refused(importer: Importer, table: list[list[str]], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in table)
    survives(importer, text.encode(errors="surrogatepass"))


@FUZZ
@given(
    position=st.floats(0, 1, exclude_max=True),
    rubbish=st.binary(min_size=1, max_size=8),
    part=st.sampled_from([None, SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"]),
)
def test_a_workbook_with_any_bytes_changed_is_reported_or_refused(
    importer: Importer, position: float, rubbish: bytes, part: str | None
) -> None:
    if part is None:
        survives(importer, spoilt(xlsx(["id", "profile"], ["cam-1", "generic_ipcamera"]), position, rubbish))
        return
    with zipfile.ZipFile(io.BytesIO(xlsx(["id", "profile"], ["cam-1", 1]))) as archive:
        survives(importer, repacked({part: spoilt(archive.read(part), position, rubbish)}))


def spoilt(content: bytes, position: float, rubbish: bytes) -> bytes:
    start = int(position * len(content))
    return content[:start] + rubbish + content[start + len(rubbish) :]


@FUZZ
@given(
    table=st.lists(st.lists(st.one_of(CELLS, st.integers(), st.floats(), st.booleans(), st.datetimes()), max_size=6))
)
def test_any_cells_of_a_workbook_are_reported_or_refused(importer: Importer, table: list[list[Any]]) -> None:
    clean = [[one for one in row if not isinstance(one, str) or one.isprintable()] for row in table]
    survives(importer, xlsx(["id", "profile", "lat", "lon", "serial"], *clean))


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)


@FUZZ
@given(ids=st.lists(IDS, min_size=1, max_size=8, unique=True), separator=st.sampled_from(",;\t"))
def test_what_is_right_is_never_refused(importer: Importer, ids: list[str], separator: str) -> None:
    lines = [f"id{separator}profile", *(f"{one}{separator}generic_tracker" for one in ids)]
    report = importer.rehearse(csv(*lines))
    assert (report.faults, report.new) == ((), len(ids))
