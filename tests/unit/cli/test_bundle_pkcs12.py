"""PKCS #12 on the command line: its password is shown once, or comes by standard input."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import typer
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from typer.testing import CliRunner

from hub.cli.context import Context
from hub.cli.device import register
from hub.errors import UsageError
from provisioning.ca import Authority
from provisioning.errors import WeakPassword
from tests.databases import write_fresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub with a camera; errors come out as they were raised."""
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "cityhub.toml"
    settings.touch()
    (tmp_path / "state").mkdir(mode=0o700)
    write_fresh(tmp_path / "state" / "registry.db")
    Authority.create(tmp_path / "state" / "pki", clock=time.time_ns)
    app = typer.Typer()
    register(app)

    def invoke(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, words, obj=Context(settings), input=typed, catch_exceptions=False)

    invoke("device", "add", "cam-1", "--profile", "generic_ipcamera")
    return invoke


def test_the_password_is_made_and_shown_once(run: Run, tmp_path: Path) -> None:
    shown, wrote = run("device", "bundle", "cam-1", "--pkcs12").stdout.splitlines()
    password = shown.removeprefix("Password, shown only now: ")
    assert wrote.startswith("Wrote cam-1.p12.")
    assert load_pkcs12((tmp_path / "cam-1.p12").read_bytes(), password.encode()).key is not None


def test_the_password_may_come_by_standard_input(run: Run, tmp_path: Path) -> None:
    words = ["device", "bundle", "cam-1", "--pkcs12", "--password-stdin", "--out", "out.p12"]
    result = run(*words, typed="twelve or more\nsomething else\n")
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
        run("device", "bundle", "cam-1", *words, typed="short\n")
    assert json.loads(run("device", "show", "cam-1", "--json").stdout)["certificates"] == []
