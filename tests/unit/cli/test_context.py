"""Where a command finds the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli import context
from hub.cli.context import find_config

HERE = Path("cityhub.toml")
GIVEN = Path("given.toml")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the system-wide file, seen from an empty folder; there is none yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CITYHUB_CONFIG", raising=False)
    monkeypatch.setattr(context, "SYSTEM_FILE", tmp_path / "etc.toml")
    return tmp_path / "etc.toml"


def test_the_nearest_settings_are_used(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_config(None) == HERE
    system.touch()
    assert find_config(None) == system
    HERE.touch()
    assert find_config(None) == HERE
    monkeypatch.setenv("CITYHUB_CONFIG", "named.toml")
    assert find_config(None) == Path("named.toml")
    assert find_config(GIVEN) == GIVEN
