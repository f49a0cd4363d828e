"""Certificates and bundles for the devices of a spreadsheet: all, or none."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from provisioning.bundle import bundle_files
from provisioning.errors import AlreadyExists, StorageProblem
from provisioning.importing.bundles import Bundler
from provisioning.importing.importer import Importer
from tests.unit.provisioning.spreadsheets import PROFILES, csv

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry


@pytest.fixture
def importer(engine: Engine, clock: Clock) -> Importer:
    return Importer(engine, clock, PROFILES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


def bundler(folder: Path, enrolment: Enrolment, told: list[tuple[int, int]] | None = None) -> Bundler:
    return Bundler(
        folder,
        enrolment,
        lambda device, issued: bundle_files(device.id, issued, broker=("hub.local", 8883), sample="{}"),
        lambda done, total: (told if told is not None else []).append((done, total)),
    )


TWO = csv("id,profile,parent", "gw-1,generic_ipcamera,", "cam-1,generic_ipcamera,", "child,generic_ipcamera,gw-1")


def test_each_device_with_a_connection_gets_a_certificate_and_a_bundle(
    importer: Importer, registry: Registry, enrolment: Enrolment, folder: Path
) -> None:
    told: list[tuple[int, int]] = []
    report = importer.run(TWO, bundler=bundler(folder, enrolment, told))
    assert (report.new, report.certificates, told) == (3, 2, [(1, 2), (2, 2)])
    assert sorted(path.name for path in folder.iterdir()) == ["cam-1.zip", "gw-1.zip"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    with zipfile.ZipFile(folder / "cam-1.zip") as archive:
        assert "device.key" in archive.namelist()
    assert [len(registry.certificates(one)) for one in ("gw-1", "cam-1", "child")] == [1, 1, 0]


def test_a_device_that_is_polled_needs_no_certificate(importer: Importer, enrolment: Enrolment, folder: Path) -> None:
    rows = csv("id,profile,modbus,unit", "m1,generic_ipcamera,tcp://10.20.3.4:502,1", "cam-1,generic_ipcamera,,")
    assert importer.run(rows, bundler=bundler(folder, enrolment)).certificates == 1
    assert [path.name for path in folder.iterdir()] == ["cam-1.zip"]


def test_a_device_that_holds_a_valid_certificate_gets_no_other(
    importer: Importer, registry: Registry, enrolment: Enrolment, tmp_path: Path
) -> None:
    importer.run(TWO)
    enrolment.issue_with_hub_key("cam-1")
    assert importer.run(TWO, bundler=bundler(tmp_path / "one", enrolment)).certificates == 1
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["gw-1.zip"]
    assert importer.run(TWO, bundler=bundler(tmp_path / "two", enrolment)).certificates == 0
    assert len(registry.certificates("cam-1")) == 1


def test_when_a_bundle_cannot_be_written_nothing_is_imported_and_no_bundle_is_left(
    importer: Importer, registry: Registry, enrolment: Enrolment, folder: Path
) -> None:
    def full(done: int, total: int) -> None:
        if done == total:
            raise OSError(28, "No space left on device")

    failing = Bundler(folder, enrolment, lambda *_: {"device.key": b"key"}, full)
    with pytest.raises(StorageProblem, match=r"No space left on device\. Nothing was imported, and no bundle is left"):
        importer.run(TWO, bundler=failing)
    assert (list(folder.iterdir()), registry.devices()) == ([], [])
    assert importer.run(TWO, bundler=bundler(folder, enrolment)).certificates == 2


def test_a_folder_with_something_in_it_is_left_alone(
    importer: Importer, registry: Registry, enrolment: Enrolment, folder: Path
) -> None:
    folder.mkdir()
    (folder / "cam-1.zip").write_bytes(b"a key in use")
    with pytest.raises(AlreadyExists, match="already holds files, maybe keys in use"):
        importer.run(TWO, bundler=bundler(folder, enrolment))
    assert (folder / "cam-1.zip").read_bytes() == b"a key in use"
    assert registry.devices() == []


def test_with_a_fault_no_folder_is_made(importer: Importer, enrolment: Enrolment, folder: Path) -> None:
    assert importer.run(csv("id,profile", "a b,x"), bundler=bundler(folder, enrolment)).certificates == 0
    assert not folder.exists()
