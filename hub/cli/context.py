"""What every command needs: the settings, and plain words for what went wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hub.errors import UsageError
from hub.settings import FILE_NAME, Settings, load_settings

if TYPE_CHECKING:
    import typer

FAILED: Final = 1
WRONG_USAGE: Final = 2
UNWELL: Final = 3

SYSTEM_FILE: Final = Path("/etc/cityhub") / FILE_NAME


@dataclass
class Context:
    """Where the settings are; they are read when a command first needs them."""

    config: Path

    @cached_property
    def settings(self) -> Settings:
        """Read the settings; raises SettingsError."""
        return load_settings(self.config)


def find_config(given: Path | None) -> Path:
    """Return the settings file: as given, from CITYHUB_CONFIG, ./cityhub.toml, or /etc/cityhub/cityhub.toml."""
    if given is not None:
        return given
    if named := os.environ.get("CITYHUB_CONFIG"):
        return Path(named)
    here = Path(FILE_NAME)
    return SYSTEM_FILE if SYSTEM_FILE.exists() and not here.exists() else here


def own_profiles(ctx: typer.Context) -> Path | None:
    """Return the folder of the city's own device profiles; None where there are no settings, or none in them."""
    if isinstance(ctx.obj, Context) and ctx.obj.config.exists():
        return ctx.obj.settings.profiles.folder
    return None


def settings_of(ctx: typer.Context) -> Settings:
    """Return the settings of this run."""
    if not isinstance(ctx.obj, Context):
        raise UsageError("this command needs the settings")
    return ctx.obj.settings
