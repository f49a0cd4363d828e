from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hub.broker.files import Disturbance, KeptFiles
from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> KeptFiles:
    files = KeptFiles()
    files.put(tmp_path / "acl", b"one")
    return files


def test_the_same_content_is_not_written_again(files: KeptFiles, tmp_path: Path) -> None:
    assert not files.put(tmp_path / "acl", b"one")
    assert files.put(tmp_path / "acl", b"two")
    assert (tmp_path / "acl").read_bytes() == b"two"


def test_what_is_written_is_private(tmp_path: Path, files: KeptFiles) -> None:
    assert (tmp_path / "acl").stat().st_mode & 0o777 == 0o600
    assert files.disturbances() == []


@pytest.mark.parametrize("found", [b"", b"on", b"own"])
def test_a_file_that_somebody_wrote_to_is_a_disturbance(files: KeptFiles, tmp_path: Path, found: bytes) -> None:
    path = tmp_path / "acl"
    path.write_bytes(found)
    assert files.disturbances() == [Disturbance(path, b"one", found)]
    files.restore(path)
    assert (path.read_bytes(), files.disturbances()) == (b"one", [])


def test_a_file_that_is_gone_is_one_too(files: KeptFiles, tmp_path: Path) -> None:
    (tmp_path / "acl").unlink()
    assert files.disturbances() == [Disturbance(tmp_path / "acl", b"one", None)]


def test_a_file_that_keeps_its_size_and_its_time_of_change_is_looked_into(files: KeptFiles, tmp_path: Path) -> None:
    path = tmp_path / "acl"
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files.disturbances() == [Disturbance(path, b"one", b"two")]


def test_a_file_that_was_only_touched_is_none(files: KeptFiles, tmp_path: Path) -> None:
    os.utime(tmp_path / "acl")
    assert files.disturbances() == []


def test_a_file_that_cannot_be_put_back_stays_a_disturbance(files: KeptFiles, tmp_path: Path) -> None:
    (tmp_path / "acl").unlink()
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    with pytest.raises(StorageProblem):
        files.restore(tmp_path / "acl")
    assert len(files.disturbances()) == 1
