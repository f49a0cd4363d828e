"""Homes of hubs, and what runs commands in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import typer
from typer.testing import CliRunner

from hub.cli.context import Context
from hub.settings import FILE_NAME
from provisioning.ca import Authority
from tests.databases import write_fresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Register = Callable[[typer.Typer], None]

ADDRESS = '[bundle]\nbroker_host = "hub.local"\n'
"""Settings that say where devices find the hub."""


class Run(Protocol):
    """Runs a command in a home; errors come out as they were raised."""

    def __call__(self, *words: str, stdin: str = "") -> Result:
        """Run it with these arguments, and this typed into it."""
        ...


def commands(*registers: Register, groups: dict[str, Register] | None = None) -> typer.Typer:
    """Return a program of commands; those of each group come after the group's name."""
    app = typer.Typer()
    for name, register in (groups or {}).items():
        group = typer.Typer()
        group.callback()(lambda: None)
        register(group)
        app.add_typer(group, name=name)
    for register in registers:
        register(app)
    return app


def running(app: typer.Typer, home: Path) -> Run:
    """Return what runs the commands of a program in a home."""

    def run(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, words, input=stdin, obj=Context(home / FILE_NAME), catch_exceptions=False)

    return run


def write_home(folder: Path, settings: str = "") -> None:
    """Write the home of a hub with an authority, and a registry in which nothing is yet."""
    write_home_alone(folder, settings)
    Authority.create(folder / "state" / "pki", clock=time.time_ns)


def write_home_alone(folder: Path, settings: str = "") -> None:
    """Write the same without an authority."""
    (folder / FILE_NAME).write_text(settings)
    (folder / "state").mkdir(mode=0o700)
    write_fresh(folder / "state" / "registry.db")
