"""The private Grafana: its configuration, its password, and a machine without one."""

from __future__ import annotations

import base64
from configparser import RawConfigParser
from pathlib import Path

import pytest

from hub.errors import MissingProgram
from hub.local.grafana import ManagedGrafana, render_config
from hub.local.options import ManagedGrafanaOptions


def _program(folder: Path, name: str) -> Path:
    program = folder / name
    program.write_text("#!/bin/sh\n", encoding="ascii")
    program.chmod(0o755)
    return program


def _config(**options: object) -> RawConfigParser:
    config = RawConfigParser()
    chosen = ManagedGrafanaOptions.model_validate(options)
    config.read_string(render_config(chosen, Path("/state/grafana"), "Asia/Jakarta"))
    return config


def test_it_listens_on_loopback_alone() -> None:
    assert dict(_config(port=8490)["server"]) == {"protocol": "http", "http_addr": "127.0.0.1", "http_port": "8490"}


def test_everything_of_it_lies_in_its_folder() -> None:
    assert set(_config()["paths"].values()) == {
        f"/state/grafana/{name}" for name in ("data", "logs", "plugins", "provisioning")
    }


def test_nothing_of_the_city_leaves_the_machine() -> None:
    assert set(_config()["analytics"].values()) == {"false"}


@pytest.mark.parametrize(("anonymous", "enabled"), [(False, "false"), (True, "true")])
def test_nobody_looks_without_a_login_unless_told(anonymous: bool, enabled: str) -> None:  # noqa: FBT001 - pytest passes it by name
    guests = _config(anonymous=anonymous)["auth.anonymous"]
    assert (guests["enabled"], guests["org_role"]) == (enabled, "Viewer")


def test_the_program_gets_a_private_configuration_and_no_secret_in_its_arguments(tmp_path: Path) -> None:
    options = ManagedGrafanaOptions(program=_program(tmp_path, "grafana"))
    own = ManagedGrafana(options, tmp_path / "state", "Asia/Jakarta")
    program = own.prepare()
    assert program.argv[1:3] == ("server", "--config")
    assert own.password() not in " ".join(program.argv)
    assert {path.name: path.stat().st_mode & 0o777 for path in own.folder.iterdir()} == {
        "grafana.ini": 0o600, "password": 0o600,
    }  # fmt: skip


def test_the_program_of_before_9_3_is_called_by_its_own_name(tmp_path: Path) -> None:
    options = ManagedGrafanaOptions(program=_program(tmp_path, "grafana-server"))
    assert ManagedGrafana(options, tmp_path / "state", "Asia/Jakarta").prepare().argv[1] == "--config"


def test_the_password_stays_the_same_and_lets_the_hub_in(tmp_path: Path) -> None:
    own = ManagedGrafana(ManagedGrafanaOptions(), tmp_path / "state", "Asia/Jakarta")
    word = own.password()
    assert own.password() == word
    assert base64.b64decode(own.authorization().removeprefix("Basic ")).decode() == f"admin:{word}"


def test_a_machine_without_grafana_is_told_where_to_get_one(tmp_path: Path) -> None:
    own = ManagedGrafana(ManagedGrafanaOptions(program=tmp_path / "none"), tmp_path / "state", "Asia/Jakarta")
    with pytest.raises(
        MissingProgram, match=r"so there are no dashboards\. Debian has no package of it: https://grafana"
    ):
        own.prepare()
    assert not own.folder.exists()
