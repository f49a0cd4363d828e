from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import MissingProgram
from hub.local.programs import find_program

if TYPE_CHECKING:
    from pathlib import Path


def _executable(path: Path) -> Path:
    path.touch(mode=0o755)
    return path


def test_a_program_on_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _executable(tmp_path / "serverd")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("serverd", package="server") == program


def test_a_program_that_a_users_path_leaves_out_is_found_among_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _executable(tmp_path / "serverd")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("serverd", package="server", folders=[str(tmp_path)]) == program


def test_the_configured_program_goes_before_the_one_on_path(tmp_path: Path) -> None:
    program = _executable(tmp_path / "my-sh")
    assert find_program("sh", package="dash", configured=program) == program


def test_a_missing_program_is_reported_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingProgram) as caught:
        find_program("mosquitto", package="mosquitto", folders=[])
    assert str(caught.value) == "mosquitto is not installed. Install it with: sudo apt-get install mosquitto"


def test_a_configured_program_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(MissingProgram, match=r"sh is not at .*absent, where the settings look for it"):
        find_program("sh", package="dash", configured=tmp_path / "absent")


def test_a_file_that_cannot_be_executed_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "plain").touch(mode=0o644)
    with pytest.raises(MissingProgram):
        find_program("sh", package="dash", configured=tmp_path / "plain")
