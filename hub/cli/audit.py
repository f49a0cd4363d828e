"""`cityhub audit`: who changed what, and whether that record is whole."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.context import UNWELL
from hub.cli.place import AsJson
from hub.cli.registry import open_database, show_json, show_table
from hub.errors import UsageError
from provisioning import audit
from provisioning.clock import utc

audits = typer.Typer(help="The record of all changes.", no_args_is_help=True)


@audits.command("list")
def list_rows(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    subject: Annotated[str | None, typer.Option(help="Only about this one, e.g. device/cam-1.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the latest changes, the last one first: who, what, when, from where.

    Example: cityhub audit list --subject device/cam-bobotsari-01 --limit 10
    """
    rows = audit.read(open_database(ctx), limit, subject)
    if as_json:
        show_json([asdict(row) for row in rows])
    else:
        columns = ("row", "utc", "actor", "origin", "action", "subject", "detail")
        show_table(columns, (_line(row) for row in rows))


@audits.command()
def verify(
    ctx: typer.Context,
    head: Annotated[
        str | None, typer.Option(metavar="ROW:HASH", help="A head that was noted earlier, to tell a rebuilt record.")
    ] = None,
) -> None:
    """Check that no row is missing or altered; ends with 3 when one is.

    Note the head that it prints, on paper or on another machine: only with it can a record that somebody rebuilt as
    a whole be told from the true one.

    Example: cityhub audit verify
    """
    engine = open_database(ctx)
    noted = _parse_head(head) if head else None
    now = audit.read_head(engine)
    found = audit.verify(engine, noted)
    for sentence in found:
        typer.echo(sentence)
    if found:
        raise typer.Exit(UNWELL)
    typer.echo(f"The record is whole. Its head: {now}")


def _parse_head(text: str) -> audit.Head:
    if not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", text, re.ASCII):
        raise UsageError(f"--head {text!r} is none; copy it as `cityhub audit verify` printed it, ROW:HASH")
    seq, _, digest = text.partition(":")
    return audit.Head(int(seq), digest)


def _line(row: audit.AuditRow) -> tuple[object, ...]:
    detail = json.dumps(row.detail, ensure_ascii=False) if row.detail else ""
    return row.seq, f"{utc(row.at_ns):%Y-%m-%d %H:%M:%S}", row.actor, row.origin, row.action, row.subject, detail
