"""Opens the registry and the enrolment for a command, and shows what they return."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from time import time_ns
from typing import TYPE_CHECKING, Any

import typer

from hub.cli.caller import caller
from hub.cli.context import settings_of
from hub.migrations import upgrade
from provisioning.ca import Authority
from provisioning.clock import utc
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.kept_keys import KeptKeys
from provisioning.keystore import find_passphrase
from provisioning.registry import Registry
from provisioning.users import Users

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Engine

    from provisioning.certificate_rules import Rules
    from provisioning.records import Device, ReferenceData


def open_registry(ctx: typer.Context) -> Registry:
    """Open the registry that the settings name, until the command ends; changes are the caller's."""
    return Registry(open_database(ctx), time_ns, caller())


def open_enrolment(ctx: typer.Context, rules: Rules) -> Enrolment:
    """Open the registry and the certificate authority, until the command ends; certificates are the caller's."""
    authority = open_authority(ctx)
    return Enrolment(open_database(ctx), authority, time_ns, caller(), rules)


def open_authority(ctx: typer.Context) -> Authority:
    """Load the certificate authority, with the passphrase of the environment if there is one."""
    return Authority.load(settings_of(ctx).pki_dir, clock=time_ns, passphrase=find_passphrase(os.environ))


def open_users(ctx: typer.Context) -> Users:
    """Open the users, who are kept beside the registry, until the command ends; changes are the caller's."""
    return Users(open_database(ctx), time_ns, caller())


def open_database(ctx: typer.Context) -> Engine:
    """Open the database that the settings name, brought up to date, until the command ends.

    Keys whose time is over are deleted from it here too, as a hub that would do so need not run.
    """
    engine = open_engine(settings_of(ctx).registry_url)
    ctx.call_on_close(engine.dispose)
    upgrade(engine)
    KeptKeys(engine, time_ns).drop({})
    return engine


def show_records(records: Sequence[Device | ReferenceData], columns: Sequence[str], *, as_json: bool) -> None:
    """Print records: as JSON with all their fields, or as a table of some columns."""
    if as_json:
        show_json([asdict(record) for record in records])
    else:
        show_table(columns, ([getattr(record, column) for column in columns] for record in records))


def show_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in aligned columns, one line a row however narrow the terminal, so that grep and cut work."""
    cells = [[column.upper() for column in columns], *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def day(ns: int | None) -> str | None:
    """Return the day of a moment, UTC; None for none."""
    return None if ns is None else f"{utc(ns):%Y-%m-%d}"


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value) or "-"
    return "-" if value in (None, "") else str(value)
