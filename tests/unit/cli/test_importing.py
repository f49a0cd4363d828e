"""A spreadsheet of devices on the command line."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from hub.cli.device import register as register_devices
from hub.cli.importing import register
from provisioning.errors import AlreadyExists, AuthorityProblem
from provisioning.importing.errors import UnreadableFile
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home
from tests.unit.provisioning.spreadsheets import xlsx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run

GOOD = [
    ["id", "profil", "opd", "nama opd", "lokasi", "nama lokasi", "zona", "lintang", "bujur", "induk"],
    ["env-1", "generic_environment", "dishub", "", "pasar", "", "disaster", "", "", "cam-1"],
    ["cam-1", "generic_ipcamera", "dishub", "Dishub", "pasar", "Pasar", "traffic crime", "-7,307", "109,362", ""],
]


APP = commands(register_devices, groups={"sheet": register})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, write_home)
    good = "\n".join(";".join(row) for row in GOOD)
    (tmp_path / "good.csv").write_text(good)
    (tmp_path / "good.xlsx").write_bytes(xlsx(*GOOD))
    (tmp_path / "bad.csv").write_text(good.replace("cam-1;generic_ipcamera", "cam 1;generic_ipcamra"))
    return running(APP, tmp_path)


def devices(run: Run) -> list[str]:
    return [one["id"] for one in json.loads(run("device", "list", "--json").stdout)]


@pytest.mark.parametrize("name", ["good.csv", "good.xlsx"])
def test_a_file_is_imported_and_said_to_be(run: Run, name: str) -> None:
    result = run("sheet", "import", name)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "devices: 2 new, 0 changed, 0 unchanged",
        "agencies: dishub",
        "sites: pasar",
        "zones: crime, disaster, traffic",
        "Imported.",
    ]
    assert devices(run) == ["cam-1", "env-1"]


def test_what_is_wrong_is_said_row_by_row_and_ends_with_one(run: Run) -> None:
    run("device", "add", "cam-9", "--profile", "generic_ipcamera")
    result = run("sheet", "import", "bad.csv")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:3] == [
        "row 2, induk: There is no device 'cam-1'; did you mean 'cam-9'? Or add a row for it.",
        "row 3, id: The device id 'cam 1' cannot be used: use 1 to 64 of A-Z a-z 0-9 _ -, e.g. cam-bobotsari-01.",
        "row 3, profil: There is no profile 'generic_ipcamra'; did you mean 'generic_ipcamera'?",
    ]
    assert result.stdout.splitlines()[-1].startswith("Nothing was imported: correct what is said above")
    assert devices(run) == ["cam-9"]


def test_the_report_comes_as_json_too(run: Run) -> None:
    result = run("sheet", "import", "bad.csv", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["rows"], report["written"]) == (2, False)
    assert [(fault["row"], fault["column"]) for fault in report["faults"]] == [(2, "induk"), (3, "id"), (3, "profil")]


def test_a_dry_run_does_nothing(run: Run, tmp_path: Path) -> None:
    result = run("sheet", "import", "good.csv", "--dry-run", "--certificates", "bundles")
    assert result.stdout.splitlines()[-2:] == [
        "certificates: 1",
        "Nothing was imported, as this was a dry run: all rows are right.",
    ]
    assert devices(run) == []
    assert not (tmp_path / "bundles").exists()


def test_with_certificates_each_device_with_a_connection_gets_its_bundle(run: Run, tmp_path: Path) -> None:
    result = run("sheet", "import", "good.csv", "--certificates", "bundles")
    assert "certificates: 1" in result.stdout
    assert result.stderr == ""
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["cam-1.zip"]
    with zipfile.ZipFile(tmp_path / "bundles" / "cam-1.zip") as archive:
        assert archive.namelist() == ["device.key", "device.pem", "ca.pem", "config.json", "README.txt"]
    assert len(json.loads(run("device", "show", "cam-1", "--json").stdout)["certificates"]) == 1


def test_a_change_is_written_only_with_update(run: Run, tmp_path: Path) -> None:
    run("sheet", "import", "good.csv")
    changed = (tmp_path / "good.csv").read_text().replace("traffic crime", "traffic")
    (tmp_path / "changed.csv").write_text(changed)
    assert run("sheet", "import", "changed.csv").exit_code == 1
    assert run("sheet", "import", "changed.csv", "--update").stdout.startswith("devices: 0 new, 1 changed, 1 unchanged")


def test_hundreds_of_faults_are_not_all_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text("id,profile\n" + "a b,generic_ipcamera\n" * 250)
    lines = run("sheet", "import", "many.csv").stdout.splitlines()
    assert lines[100] == "... and 150 more; --json lists all."


def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(UnreadableFile, match="The file is empty"):
        run("sheet", "import", "empty.csv")
    with pytest.raises(AlreadyExists, match="already holds files"):
        run("sheet", "import", "good.csv", "--certificates", ".")
    (tmp_path / "state" / "pki" / "issuing.key").unlink()
    with pytest.raises(AuthorityProblem, match=r"issuing\.key"):
        run("sheet", "import", "good.csv", "--certificates", "bundles")
    assert devices(run) == []
    assert run("sheet", "import", "missing.csv").exit_code == 2
