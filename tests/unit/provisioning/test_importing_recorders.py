"""Which cameras record at their site, as a spreadsheet says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.importing.importer import Importer
from provisioning.records import NewDevice
from tests.unit.provisioning.spreadsheets import PROFILES, csv

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.registry import Registry


@pytest.fixture
def importer(engine: Engine, clock: Clock) -> Importer:
    return Importer(engine, clock, PROFILES)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("yes", True),
        ("Ya", True),
        ("TRUE", True),
        ("1", True),
        ("no", False),
        ("Tidak", False),
        ("0", False),
        ("", False),
    ],
)
def test_whether_a_camera_records_at_its_site_is_said_in_either_language(
    importer: Importer, registry: Registry, text: str, *, kept: bool
) -> None:
    registry.add_device(NewDevice(id="old", profile="generic_ipcamera", local_recording=True))
    lines = ["id,profil,rekaman lokal", f"old,generic_ipcamera,{text}", f"cam-1,generic_ipcamera,{text}"]
    assert importer.run(csv(*lines), update=True).faults == ()
    assert [registry.device(name).local_recording for name in ("old", "cam-1")] == [kept, kept]


def test_a_file_without_the_column_leaves_what_is_known_of_the_recorder(importer: Importer, registry: Registry) -> None:
    registry.add_device(NewDevice(id="old", profile="generic_ipcamera", local_recording=True))
    assert importer.run(csv("id,profil", "old,generic_ipcamera")).faults == ()
    assert registry.device("old").local_recording


@pytest.mark.parametrize(
    ("text", "update", "problem"),
    [
        ("mungkin", True, "'mungkin' is neither yes nor no: write yes or no, ya or tidak, 1 or 0."),
        ("2", True, "'2' is neither yes nor no"),
        ("no", False, "The registry has yes, not no: correct the one that is wrong"),
    ],
)
def test_what_a_recorder_cell_cannot_say_is_told(
    importer: Importer, registry: Registry, text: str, problem: str, *, update: bool
) -> None:
    registry.add_device(NewDevice(id="old", profile="generic_ipcamera", local_recording=True))
    lines = ["id,profile,local_recording", f"old,generic_ipcamera,{text}"]
    [fault] = importer.run(csv(*lines), update=update).faults
    assert (fault.row, fault.column) == (2, "local_recording")
    assert problem in fault.problem
