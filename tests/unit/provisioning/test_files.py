"""Files appear whole, with their mode, or not at all."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from provisioning.errors import StorageProblem
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_ours_alone(tmp_path: Path) -> None:
    write_atomically(tmp_path / "secret", b"one")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_file_replaces_the_old_one_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageProblem, match="cannot be written"):
        write_atomically(tmp_path / "taken", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageProblem, match="No such file or directory"):
        write_atomically(tmp_path / "missing" / "file", b"content")
