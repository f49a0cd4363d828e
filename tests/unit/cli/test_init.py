"""The home of a hub, and that the comments in its settings are true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hub.cli.init import init, render, write_home
from hub.errors import SettingsError, UsageError
from hub.settings import FILE_NAME, Settings, load_settings
from hub.sinks.options import InfluxV1Options, InfluxV2Options
from hub.transport.options import MqttOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    Run = Callable[..., Result]

HOME = {"bundle": {"broker_host": "hub.city"}}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `cityhub init` in an empty folder; errors come out as they were raised."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(init)
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_home_has_private_settings_an_authority_and_a_registry(run: Run, tmp_path: Path) -> None:
    result = run("srv", "--city", "Purbalingga", "--host", "hub.city")

    settings = load_settings(tmp_path / "srv" / FILE_NAME, {})
    assert (settings.city.name, settings.broker_address) == ("Purbalingga", ("hub.city", 8883))
    assert [mode(settings.file), mode(settings.state_dir), mode(settings.pki_dir)] == [0o600, 0o700, 0o700]
    assert mode(tmp_path / "srv" / "state" / "registry.db") == 0o600
    assert "Devices will connect to hub.city:8883" in result.stdout
    assert f"Next:     cityhub --config {settings.file} up\n" in result.stdout


def test_in_the_home_itself_the_next_command_needs_no_settings_file(run: Run) -> None:
    assert "Next:     cityhub up\n" in run("--host", "hub.city").stdout


def test_the_next_command_can_be_pasted(run: Run, tmp_path: Path) -> None:
    assert f"cityhub --config '{tmp_path}/the hub/cityhub.toml' up" in run("the hub").stdout


def test_a_second_init_is_refused_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("--city", "Purbalingga")
    before = (tmp_path / FILE_NAME).read_bytes()

    with pytest.raises(UsageError, match=r"cityhub\.toml is there already; edit it, or name another folder"):
        run("--city", "Banyumas")
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("folder", ["file", "file/below", "/proc/cityhub"])
def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match=rf"^{folder} cannot be made: .*; name another folder$"):
        run(folder)


def test_a_bad_value_in_the_environment_leaves_nothing_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_WEB__PORT", "none")

    with pytest.raises(SettingsError, match=r"^CITYHUB_WEB__PORT: web\.port: "):
        run()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_text_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a name is not UTF-8: '\\udcff'"):
        run("--city", "Purba\udcfflingga")
    assert list(tmp_path.iterdir()) == []


def test_two_hubs_share_nothing(tmp_path: Path) -> None:
    one = write_home(tmp_path / "one", HOME)
    two = write_home(tmp_path / "two", HOME | {"web": {"port": 8931}})

    assert (one.web.port, two.web.port) == (8930, 8931)
    certificates = [next(settings.pki_dir.glob("root*.pem")).read_bytes() for settings in (one, two)]
    assert certificates[0] != certificates[1]


def test_every_default_in_the_comments_is_true() -> None:
    text = render(HOME)

    stated = tomllib.loads(uncommented(text.partition("# An MQTT 5 broker")[0]))
    said_nothing = tomllib.loads(text)

    assert len(stated["pipeline"]) > len(said_nothing["pipeline"]) == 0
    assert validated(stated) == validated(said_nothing)


@pytest.mark.parametrize(
    ("heading", "model", "own"),
    [
        ("An MQTT 5 broker", MqttOptions, {"host": "b", "ca_file": "a", "cert_file": "c", "key_file": "k"}),
        ("An InfluxDB 1.x", InfluxV1Options, {"url": "http://i:8086"}),
        ("The same for InfluxDB 2.x", InfluxV2Options, {"url": "http://i:8086", "version": 2}),
    ],
)
def test_every_default_of_a_server_is_true_once_what_has_none_is_given(
    heading: str, model: type[MqttOptions | InfluxV1Options | InfluxV2Options], own: dict[str, object]
) -> None:
    section = render(HOME).partition(f"# {heading}")[2].partition("\n\n")[0]

    (stated,) = tomllib.loads(uncommented(f"#{section}")).values()

    assert model.model_validate(stated | own) == model.model_validate(own)
    assert not set(stated) & set(own)


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_survives_the_writing(text: str) -> None:
    assert tomllib.loads(render({"city": {"name": text}}))["city"]["name"] == text


def uncommented(text: str) -> str:
    """Take the comment sign away from every key that has a default, and from headings."""
    return re.sub(r"^# (\[\w+\]|\w+ = (?!\.\.\.))", r"\1", text, flags=re.MULTILINE)


def validated(document: dict[str, object]) -> Settings:
    return Settings.model_validate(document | {"file": Path(FILE_NAME)})
