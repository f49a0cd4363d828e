"""PKCS #12 on the command line: its password is shown once, or comes by standard input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from hub.cli.device import register
from hub.errors import UsageError
from provisioning.errors import WeakPassword
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run


APP = commands(register)


def _camera(home: Path) -> None:
    write_copy(home, write_home)
    running(APP, home)("device", "add", "cam-1", "--profile", "generic_ipcamera")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub with a camera."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, _camera)
    return running(APP, tmp_path)


def test_the_password_is_made_and_shown_once(run: Run, tmp_path: Path) -> None:
    shown, wrote = run("device", "bundle", "cam-1", "--pkcs12").stdout.splitlines()
    password = shown.removeprefix("Password, shown only now: ")
    assert wrote.startswith("Wrote cam-1.p12.")
    assert load_pkcs12((tmp_path / "cam-1.p12").read_bytes(), password.encode()).key is not None


def test_the_password_may_come_by_standard_input(run: Run, tmp_path: Path) -> None:
    words = ["device", "bundle", "cam-1", "--pkcs12", "--password-stdin", "--out", "out.p12"]
    result = run(*words, stdin="twelve or more\nsomething else\n")
    assert "twelve" not in result.output
    assert load_pkcs12((tmp_path / "out.p12").read_bytes(), b"twelve or more").key is not None


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["--pkcs12", "--password-stdin"], WeakPassword, "12 to 50 characters, this one has 5"),
        (["--password-stdin"], UsageError, "--password-stdin belongs to --pkcs12"),
        (["--pkcs12", "--csr", "cityhub.toml"], UsageError, "PKCS #12 holds the key"),
        (["--pkcs12", "--out", "cityhub.toml"], UsageError, "cityhub.toml is there already"),
    ],
)
def test_what_cannot_be_done_is_said_before_a_certificate_is_issued(
    run: Run, words: list[str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        run("device", "bundle", "cam-1", *words, stdin="short\n")
    assert json.loads(run("device", "show", "cam-1", "--json").stdout)["certificates"] == []
