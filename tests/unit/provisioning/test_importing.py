"""Spreadsheets of devices: what is understood, what is refused, and that nothing is half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.importing.columns import ALIASES, COLUMNS, NOT_READ, Column
from provisioning.importing.importer import Importer, read_table
from provisioning.records import Agency, Contact, Lifecycle, NewDevice, Site
from tests.unit.provisioning.spreadsheets import IMEI, PROFILES, csv, xlsx

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.registry import Registry


@pytest.fixture
def importer(engine: Engine, clock: Clock) -> Importer:
    return Importer(engine, clock, PROFILES)


@pytest.fixture
def city(registry: Registry) -> Registry:
    registry.add(Agency("dishub", "Dinas Perhubungan"))
    registry.add(Site("pasar", "Pasar Bobotsari", "dishub", -7.307, 109.362))
    return registry


def problems(importer: Importer, *lines: str, update: bool = False) -> list[tuple[int, str, str]]:
    """Row, column, and the problem's first words."""
    report = importer.run(csv(*lines), update=update)
    assert not report.written
    return [(fault.row, fault.column, fault.problem) for fault in report.faults]


# What is understood

CAMERA = {
    "id": "cam-2",
    "name": "Gerbang",
    "profile": "generic_ipcamera",
    "agency": "dishub",
    "agency_name": "Dinas Perhubungan",
    "contact_name": "Budi",
    "contact_phone": "0812-3456-7890",
    "site": "pasar",
    "site_name": "Pasar",
    "site_agency": "dishub",
    "site_lat": "-7,3",
    "site_lon": "109,3",
    "zones": "traffic, crime",
    "serial": "SN2",
    "imei": IMEI,
    "lat": "-7,307",
    "lon": "109,362",
    "parent": "gw-1",
    "local_recording": "ya",
}
GATEWAY = {"id": "gw-1", "profile": "generic_ipcamera", "agency": "dishub", "site": "pasar"}
EVERYTHING = [";".join(CAMERA), ";".join(CAMERA.values()), ";".join(GATEWAY.get(name, "") for name in CAMERA)]


def test_every_column_of_a_device_and_of_its_agency_and_site_is_stored(importer: Importer, registry: Registry) -> None:
    report = importer.run(csv(*EVERYTHING))
    assert (report.faults, report.new, report.written) == ((), 2, True)
    device = registry.device("cam-2")
    stored = {name: getattr(device, name) for name in NewDevice.__dataclass_fields__}
    assert stored == {
        "id": "cam-2",
        "name": "Gerbang",
        "profile": "generic_ipcamera",
        "agency": "dishub",
        "site": "pasar",
        "zones": ("crime", "traffic"),
        "serial": "SN2",
        "imei": IMEI,
        "lat": -7.307,
        "lon": 109.362,
        "parent": "gw-1",
        "modbus": None,
        "unit": None,
        "local_recording": True,
    }
    assert registry.all(Agency) == [Agency("dishub", "Dinas Perhubungan")]
    assert registry.all(Contact) == [Contact("dishub", "dishub", "Budi", "+6281234567890")]
    assert registry.all(Site) == [Site("pasar", "Pasar", "dishub", -7.3, 109.3)]
    assert (report.agencies, report.contacts, report.sites) == (("dishub",), ("dishub",), ("pasar",))
    assert report.zones == ("crime", "traffic")


def test_a_workbook_says_the_same_as_csv(importer: Importer, registry: Registry) -> None:
    rows: list[list[object]] = [
        ["No", "ID Perangkat", "Profil", "Zona", "Nomor Seri", "IMEI", "Lintang", "Bujur"],
        [1, "gps-1", "generic_tracker", "traffic;crime", 4711, int(IMEI), -7.307, 109],
    ]
    assert importer.run(xlsx(*rows)).faults == ()
    device = registry.device("gps-1")
    assert (device.serial, device.imei, device.lat, device.lon) == ("4711", IMEI, -7.307, 109.0)
    assert device.zones == ("crime", "traffic")


@pytest.mark.parametrize("heading", sorted(COLUMNS))
def test_each_heading_is_understood_in_any_spelling(heading: str) -> None:
    [header] = read_table(f"{heading.upper().replace(' ', '_')};x".encode())
    assert COLUMNS[" ".join(str(header.cells[0]).lower().split("_"))] is COLUMNS[heading]


def test_no_heading_means_two_columns() -> None:
    names = [name for column, others in ALIASES.items() for name in (column, *others)] + list(NOT_READ)
    assert len(names) == len(set(names))
    assert set(ALIASES) == set(Column)


def test_every_heading_is_documented() -> None:
    rows = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8").splitlines()
    said = {cells[1].strip(" `"): cells[2].strip() for cells in (row.split("|") for row in rows) if len(cells) == 5}
    assert {column: said[column] for column in Column} == {column: ", ".join(ALIASES[column]) for column in Column}


@pytest.mark.parametrize(("text", "degrees"), [("-7.307", -7.307), ("-7,307", -7.307), ("+7", 7.0), ("-0,5", -0.5)])
def test_a_decimal_comma_is_a_decimal_sign(importer: Importer, registry: Registry, text: str, degrees: float) -> None:
    assert importer.run(f"id;profil;lintang;bujur\ncam-1;generic_ipcamera;{text};109,362".encode()).faults == ()
    assert (registry.device("cam-1").lat, registry.device("cam-1").lon) == (degrees, 109.362)


# What is refused

HEAD = "id,profile,agency,site,zones,serial,imei,lat,lon,parent"


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ("cam 1,generic_ipcamera", "id", "The device id 'cam 1' cannot be used"),
        (",generic_ipcamera", "id", "This cell is empty"),
        ("cam-1,", "profile", "This cell is empty"),
        ("cam-1,generic_ipcamra", "profile", "did you mean 'generic_ipcamera'?"),
        ("cam-1,zzz", "profile", "there are generic_ipcamera, generic_tracker."),
        ("cam-1,generic_ipcamera,dishb", "agency", "There is no agency 'dishb'; did you mean 'dishub'?"),
        ("cam-1,generic_ipcamera,dishb", "agency", "To create it here, fill in agency_name."),
        ("cam-1,generic_ipcamera,,psar", "site", "There is no site 'psar'; did you mean 'pasar'?"),
        ("cam-1,generic_ipcamera,,,a/b", "zones", "The zone 'a/b' cannot be used"),
        ("cam-1,generic_ipcamera,,,,a/b", "serial", "The serial 'a/b' cannot be used"),
        ("cam-1,generic_ipcamera,,,,,8.62E+14", "imei", "A spreadsheet has shortened this to 8.62E+14"),
        ("cam-1,generic_ipcamera,,,,,356307042441014", "imei", "fails its check digit"),
        ("cam-1,generic_ipcamera,,,,,,-7.307.123,109", "lat", "'-7.307.123' is not in degrees"),
        ("cam-1,generic_ipcamera,,,,,,south,109", "lat", "'south' is not in degrees"),
        ("cam-1,generic_ipcamera,,,,,,97,109", "lat", "97 is beyond 90 degrees: a decimal sign may have been lost"),
        ("cam-1,generic_ipcamera,,,,,,-7,190", "lon", "190 is beyond 180 degrees"),
        ("cam-1,generic_ipcamera,,,,,,-7,", "lat", "A position needs both latitude and longitude"),
        ("cam-1,generic_ipcamera,,,,,,,,cam-1", "parent", "cannot be its own gateway"),
        ("cam-1,generic_ipcamera,,,,,,,,cam-9", "parent", "There is no device 'cam-9'"),
        ("cam-1,generic_ipcamera,,,,,,,,,stray", "cell 11", "text with a comma in it needs quotation marks"),
    ],
)
def test_a_wrong_cell_is_named_with_what_to_do(
    city: Registry, importer: Importer, row: str, column: str, problem: str
) -> None:
    [(number, where, said)] = problems(importer, HEAD, row)
    assert (number, where) == (2, column)
    assert problem in said
    assert city.devices() == []


def test_a_device_on_modbus_is_imported_under_the_headings_that_people_use(
    importer: Importer, registry: Registry
) -> None:
    rows = ["ID Perangkat;Profil;Alamat Modbus;Slave ID", "m1;generic_ipcamera;tcp://10.20.3.4:502;7"]
    assert importer.run(csv(*rows)).faults == ()
    assert (registry.device("m1").modbus, registry.device("m1").unit) == ("tcp://10.20.3.4:502", 7)


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ("m1;generic_ipcamera;10.20.3.4;7", "modbus", "use e.g. tcp://10.20.3.4:502"),
        ("m1;generic_ipcamera;tcp://10.20.3.4:502;256", "unit", "'256' is no Modbus unit"),
        ("m1;generic_ipcamera;tcp://10.20.3.4:502;7,5", "unit", "'7,5' is no Modbus unit"),
        ("m1;generic_ipcamera;tcp://10.20.3.4:502;", "unit", "needs both an address and a unit"),
        ("m1;generic_ipcamera;;7", "modbus", "needs both an address and a unit"),
    ],
)
def test_a_modbus_address_and_a_unit_belong_together(importer: Importer, row: str, column: str, problem: str) -> None:
    [(number, where, said)] = problems(importer, "id;profile;modbus;unit", row)
    assert (number, where) == (2, column)
    assert problem in said


def test_all_faults_are_reported_at_once_in_the_order_of_the_rows(city: Registry, importer: Importer) -> None:
    lines = ["id,profil,lintang,bujur,induk", "a b,x,1,1,", "cam-1,generic_tracker,91,1,cam-2", "cam-1,generic_tracker"]
    assert [(row, column) for row, column, _ in problems(importer, *lines)] == [
        (2, "id"),
        (2, "profil"),
        (3, "lintang"),
        (3, "induk"),
        (4, "id"),
    ]
    assert city.devices() == []


@pytest.mark.parametrize(
    ("rows", "row", "column", "problem"),
    [
        (["a,generic_tracker", "a,generic_tracker"], 3, "id", "The id 'a' stands in row 2 already"),
        (["a,generic_tracker,S", "b,generic_tracker,S"], 3, "serial", "This belongs to 'a' in row 2 already"),
        ([f"a,generic_tracker,,{IMEI}", f"b,generic_tracker,,{IMEI}"], 3, "imei", "belongs to 'a' in row 2"),
        (["a,generic_tracker,OLD"], 2, "serial", "This belongs to 'old' in the registry already"),
        (["a,generic_tracker,,,b", "b,generic_tracker,,,c", "c,generic_tracker"], 2, "parent", "has a gateway itself"),
        (["old,generic_tracker,OLD,,c", "c,generic_tracker", "d,generic_tracker,,,old"], 4, "parent", "gateway itself"),
    ],
)
def test_rows_that_contradict_each_other_or_the_registry_are_found(  # noqa: PLR0913, PLR0917 - what is told of a fault
    registry: Registry, importer: Importer, rows: list[str], row: int, column: str, problem: str
) -> None:
    registry.add_device(NewDevice(id="old", profile="generic_tracker", serial="OLD"))
    [(number, where, said)] = problems(importer, "id,profile,serial,imei,parent", *rows, update=True)
    assert (number, where) == (row, column)
    assert problem in said


def test_a_stored_child_keeps_its_gateway_from_getting_one(registry: Registry, importer: Importer) -> None:
    registry.add_devices([NewDevice(id="gw", profile="p"), NewDevice(id="child", profile="p", parent="gw")])
    lines = ["id,profile,parent", "gw,generic_tracker,top", "top,generic_tracker,"]
    [(row, column, problem)] = problems(importer, *lines, update=True)
    assert (row, column) == (2, "parent")
    assert "The gateway 'gw' of 'child' has a gateway itself" in problem


def test_a_wrong_row_does_not_make_its_children_wrong(importer: Importer) -> None:
    lines = ["id,profile,parent", "child,generic_tracker,gw", "gw,nonsense,"]
    assert [(row, column) for row, column, _ in problems(importer, *lines)] == [(3, "profile")]


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ("id,profile,naem", "cell 3", "There is no column 'naem'; did you mean 'name'?"),
        ("id,profile,id", "id", "This is the same column as 'id'"),
        ("id,nama", "profile", "This column is missing: add it, with the heading 'profile'"),
        ("id,profile,\x1b[31m", "cell 3", r"There is no column '\x1b[31m'; there are id, name"),
    ],
)
def test_wrong_headings_are_named(importer: Importer, line: str, column: str, problem: str) -> None:
    [(row, where, said)] = problems(importer, line, "cam-1,generic_ipcamera,x")
    assert (row, where) == (1, column)
    assert problem in said


def test_headings_alone_are_no_import(importer: Importer) -> None:
    [(row, _, problem)] = problems(importer, "id,profile")
    assert row == 1
    assert "There is nothing below the headings" in problem


# Agencies, contacts and sites

DETAILS = "id,profile,agency,agency_name,contact_name,contact_phone,site,site_name,site_agency,site_lat,site_lon"


@pytest.mark.parametrize(
    ("rows", "row", "column", "problem"),
    [
        (["a,generic_tracker,,Dinas"], 2, "agency_name", "It is not said whose this is: fill in agency too"),
        (["a,generic_tracker,x,X", "b,generic_tracker,x,Y"], 3, "agency_name", "This is 'X' in row 2: write the same"),
        (["a,generic_tracker,x,X,Budi,"], 2, "contact_phone", "The phone number '' cannot be used"),
        (["a,generic_tracker,x,X,Budi,62812"], 2, "contact_phone", "write it in international form"),
        (["a,generic_tracker,,,,,s,S,none"], 2, "site_agency", "There is no agency 'none'"),
        (["a,generic_tracker,,,,,s,S,,-7,"], 2, "site_lat", "A position needs both"),
        (["a,generic_tracker,dishub,Dishub"], 2, "agency_name", "The registry has 'Dinas Perhubungan', not 'Dishub'"),
        (["a,generic_tracker,,,,,pasar,,,-7,109"], 2, "site_lat", "The registry has -7.307, not -7.0"),
    ],
)
def test_what_is_wrong_with_an_agency_or_site_is_named(  # noqa: PLR0913, PLR0917 - what is told of a fault
    city: Registry, importer: Importer, rows: list[str], row: int, column: str, problem: str
) -> None:
    found = problems(importer, DETAILS, *rows)
    assert (row, column) == found[0][:2]
    assert problem in found[0][2]
    assert city.devices() == []


def test_a_contact_that_the_agency_has_under_another_id_is_not_added_again(city: Registry, importer: Importer) -> None:
    city.add(Contact("pak-budi", "dishub", "Budi", "+6281234567890"))
    report = importer.run(csv(DETAILS, "a,generic_tracker,dishub,,Budi,081234567890"))
    assert (report.faults, report.contacts) == ((), ())


def test_with_updates_allowed_an_agency_and_a_site_are_changed_in_what_is_said(
    city: Registry, importer: Importer
) -> None:
    report = importer.run(csv(DETAILS, "a,generic_tracker,dishub,Dishub,,,pasar,,,-7,109"), update=True)
    assert (report.agencies, report.sites) == (("dishub",), ("pasar",))
    assert city.get(Agency, "dishub") == Agency("dishub", "Dishub")
    assert city.get(Site, "pasar") == Site("pasar", "Pasar Bobotsari", "dishub", -7.0, 109.0)


# Again, and all or nothing


def test_the_same_file_again_changes_nothing(importer: Importer, registry: Registry) -> None:
    importer.run(csv(*EVERYTHING))
    before = registry.latest_change()
    report = importer.run(csv(*EVERYTHING))
    assert (report.new, report.changed, report.unchanged, report.written) == (0, 0, 2, True)
    assert (report.agencies, report.contacts, report.sites, report.zones) == ((), (), (), ())
    assert registry.changes_since(before)[1] == set()


def test_a_difference_is_refused_until_updates_are_allowed(importer: Importer, registry: Registry) -> None:
    importer.run(csv("id,profile,name,zones", "cam-1,generic_ipcamera,Utara,traffic"))
    changed = ["id,profile,name,zones", "cam-1,generic_ipcamera,Selatan,"]
    assert problems(importer, *changed) == [
        (
            2,
            "name",
            "The registry has 'Utara', not 'Selatan': correct the one that is wrong, or allow updates (--update).",
        ),
        (
            2,
            "zones",
            "The registry has traffic, not nothing: correct the one that is wrong, or allow updates (--update).",
        ),
    ]
    assert importer.run(csv(*changed), update=True).changed == 1
    assert (registry.device("cam-1").name, registry.device("cam-1").zones) == ("Selatan", ())


def test_a_column_that_is_left_out_leaves_its_field_as_it_is(importer: Importer, registry: Registry) -> None:
    importer.run(csv("id,profile,name,serial", "cam-1,generic_ipcamera,Utara,S1"))
    importer.run(csv("id,profile,serial", "cam-1,generic_ipcamera,"), update=True)
    assert (registry.device("cam-1").name, registry.device("cam-1").serial) == ("Utara", None)


def test_a_retired_device_is_not_brought_back_by_a_file(importer: Importer, registry: Registry) -> None:
    importer.run(csv("id,profile", "cam-1,generic_ipcamera"))
    registry.move_device("cam-1", Lifecycle.RETIRED)
    [(row, column, problem)] = problems(importer, "id,profile", "cam-1,generic_ipcamera")
    assert (row, column) == (2, "id")
    assert "This device is retired" in problem


def test_a_rehearsal_reports_the_same_and_writes_nothing(importer: Importer, registry: Registry) -> None:
    rehearsed = importer.rehearse(csv(*EVERYTHING), certify=True)
    assert (registry.devices(), registry.all(Agency), registry.latest_change()) == ([], [], 0)
    done = importer.run(csv(*EVERYTHING))
    assert (rehearsed.new, rehearsed.sites, rehearsed.zones) == (done.new, done.sites, done.zones)
    assert (rehearsed.certificates, rehearsed.written) == (1, False)


def test_an_import_is_recorded_and_fed_to_a_running_hub(importer: Importer, registry: Registry, engine: Engine) -> None:
    importer.run(csv(*EVERYTHING))
    assert registry.changes_since(0)[1] == {"cam-2", "gw-1"}
    actions = [(row.action, row.subject) for row in reversed(audit.read(engine, 100))]
    assert actions == [
        ("agency.add", "agency/dishub"),
        ("contact.add", "contact/dishub"),
        ("site.add", "site/pasar"),
        ("zone.add", "zone/crime"),
        ("zone.add", "zone/traffic"),
        ("device.add", "device/cam-2"),
        ("device.add", "device/gw-1"),
    ]
    assert "Budi" not in json.dumps([dict(row.detail) for row in audit.read(engine, 100)])
    assert audit.verify(engine) == []


def test_a_changed_site_touches_the_devices_that_stand_there(city: Registry, importer: Importer) -> None:
    city.add_device(NewDevice(id="other", profile="p", site="pasar"))
    before = city.latest_change()
    importer.run(csv("id,profile,site,site_name", "cam-1,generic_ipcamera,pasar,Pasar Baru"), update=True)
    assert city.changes_since(before)[1] == {"other", "cam-1"}
