"""The `cityhub` command as a shell runs it: help for every command, and exit codes that a script can go by."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from hub.__main__ import app
from hub.cli.init import write_home
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def paths(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - typer's own click
    """Return the words of every command and group, from the top down."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from paths(inner, (*words, name))


COMMANDS = list(paths(typer.main.get_command(app)))


def cityhub(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hub", *words]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CITYHUB_")}
    return subprocess.run(
        command, cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=60, check=False
    )


def failed(result: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Return exit code and sentence of a command that failed as it should: one line, and nothing on stdout."""
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("cityhub: ")
    return result.returncode, result.stderr.removeprefix("cityhub: ").strip()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])

    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output
    assert result.output == CliRunner().invoke(app, [*words, "-h"]).output


def test_there_are_the_commands_that_the_readme_names() -> None:
    assert {("init",), ("up",), ("status",), ("rejects",), ("demo",), ("device", "add"), ("device", "bundle")} < set(
        COMMANDS
    )


def test_the_module_is_the_command(tmp_path: Path) -> None:
    result = cityhub(tmp_path, "up", "--help")

    assert result.returncode == 0
    assert "until Ctrl-C or SIGTERM" in " ".join(result.stdout.replace("│", "").split())


@pytest.mark.parametrize("words", [["up"], ["status"], ["rejects"], ["device", "list"]])
def test_without_settings_every_command_says_how_to_make_some(tmp_path: Path, words: list[str]) -> None:
    said = "cityhub.toml does not exist; `cityhub init` writes one"
    assert failed(cityhub(tmp_path, *words)) == (2, said)


def test_an_unknown_key_is_named_with_file_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "cityhub.toml").write_text("[web]\nprot = 80\n")

    code, said = failed(cityhub(tmp_path, "up"))

    assert code == 2
    assert said == "cityhub.toml: web.prot: there is no such key; did you mean port?"


def test_the_settings_file_is_found_by_option_and_by_environment(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("[one]\n")
    (tmp_path / "two.toml").write_text("[two]\n")

    assert "one.toml: one: " in failed(cityhub(tmp_path, "--config", "one.toml", "up"))[1]
    assert "two.toml: two: " in failed(cityhub(tmp_path, "up", CITYHUB_CONFIG="two.toml"))[1]
    assert "one.toml: one: " in failed(cityhub(tmp_path, "-c", "one.toml", "up", CITYHUB_CONFIG="two.toml"))[1]


def test_a_second_init_is_wrong_usage(tmp_path: Path) -> None:
    assert cityhub(tmp_path, "init").returncode == 0

    code, said = failed(cityhub(tmp_path, "init"))

    assert (code, said) == (2, "cityhub.toml is there already; edit it, or name another folder")
    assert (tmp_path / "cityhub.toml").stat().st_mode & 0o777 == 0o600


def test_a_hub_whose_state_is_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "cityhub.toml").touch()

    code, said = failed(cityhub(tmp_path, "up"))

    assert code == 1
    assert said.startswith(f"The registry {tmp_path}/state/registry.db cannot be opened: No such file or directory.")


def test_a_broker_whose_certificates_are_missing_is_a_matter_of_the_settings(tmp_path: Path) -> None:
    servers: dict[str, dict[str, Any]] = {
        "broker": {"host": "127.0.0.1", "ca_file": "ca.pem", "cert_file": "hub.pem", "key_file": "hub.key"},
        "influxdb": {"version": 1, "url": "http://127.0.0.1:9"},
        "web": {"port": free_ports(1)[0]},
    }
    write_home(tmp_path, servers)

    result = cityhub(tmp_path, "up")

    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(f"cityhub: broker.ca_file: cannot use {tmp_path}/ca.pem: ")
    assert "Traceback" not in result.stderr
