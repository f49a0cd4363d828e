"""`cityhub status` and `cityhub rejects`: how is the hub, and what did it refuse?"""

from __future__ import annotations

import base64
import http.client
import json
import sqlite3
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.context import UNWELL, settings_of
from hub.errors import CityhubError
from hub.spool.store import read_dead_letters
from hub.web.snapshot import Health

if TYPE_CHECKING:
    from pathlib import Path

    from hub.model import DeadLetter
    from hub.settings import Settings

TIMEOUT_S = 5


def status(
    ctx: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False
) -> None:
    """Ask the running hub how it is. Exit code 0: well, 3: unwell or not running.

    Example: cityhub status --json | jq .problems
    """
    settings = settings_of(ctx)
    try:
        health = ask(settings)
    except CityhubError as error:
        if as_json:
            typer.echo(json.dumps({"problems": [str(error)]}))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(UNWELL) from None
    if as_json:
        typer.echo(health.model_dump_json(indent=2))
    else:
        Console(highlight=False).print(_table(health))
    if not health.well:
        raise typer.Exit(UNWELL)


def ask(settings: Settings) -> Health:
    """Return the health of the hub that runs with `settings`.

    Raises:
        CityhubError: nobody answers there, or somebody else does.
    """
    where = f"{settings.web.host}:{settings.web.port}"
    connection = http.client.HTTPConnection(settings.web.host, settings.web.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return Health.model_validate_json(connection.getresponse().read())
    except (OSError, http.client.HTTPException) as error:
        raise CityhubError(f"no hub answers at {where} ({error}); `cityhub up` starts it") from error
    except ValidationError as error:
        raise CityhubError(f"what answers at {where} is not this hub; see web.port in {settings.file}") from error
    finally:
        connection.close()


def rejects(
    ctx: typer.Context,
    *,
    device: Annotated[str, typer.Option(help="Only this device.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what could not be stored, newest first, with the reason: readings, and sums of the history.

    Example: cityhub rejects --device cam-bobotsari-01 --limit 5
    """
    settings = settings_of(ctx)
    files = {settings.spool_file: False, settings.history_file: True}
    found = [[Rejection(one, history) for one in _read(file, limit, device)] for file, history in files.items()]
    newest = list(islice(merge(*found, key=lambda one: -one.letter.received_ns), limit))
    if as_json:
        for one in newest:
            typer.echo(orjson.dumps(_plain(one)))
    elif newest:
        Console(highlight=False).print(_letters(newest))
    else:
        typer.echo("Nothing was rejected.")


class Rejection(NamedTuple):
    """What could not be stored, and whether it was for the history database."""

    letter: DeadLetter
    history: bool


def _read(file: Path, limit: int, device: str) -> list[DeadLetter]:
    try:
        return read_dead_letters(file, limit, device)
    except sqlite3.Error as error:
        raise CityhubError(f"{file} cannot be read: {error}") from error


def _plain(one: Rejection) -> dict[str, Any]:
    letter = one.letter
    text = letter.payload.decode(errors="replace")
    exact = {} if text.encode() == letter.payload else {"payload_base64": base64.b64encode(letter.payload).decode()}
    return {
        "received_ns": letter.received_ns, "device": letter.device, "topic": letter.topic,
        "reason": letter.reason, "detail": letter.detail, "payload": text, "history": one.history, **exact,
    }  # fmt: skip


def _letters(rejections: list[Rejection]) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("received (UTC)", "device", "reason", "detail", "payload"):
        table.add_column(heading, overflow="fold")
    for one, history in rejections:
        received = datetime.fromtimestamp(one.received_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            received,
            _safe(one.device or "-"),
            f"{one.reason} (history)" if history else one.reason,
            _safe(one.detail),
            _safe(one.payload[:120].decode(errors="replace")),
        )
    return table


def _safe(text: str) -> Text:
    """Devices must not write control sequences, or markup, on the operator's terminal."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def _table(health: Health) -> Table:
    table = Table(box=None, show_header=False)
    table.add_row("[bold]hub[/]", "[green]well[/]" if health.well else "[red]unwell[/]")
    for problem in health.problems:
        table.add_row("", _safe(problem))
    table.add_row("running for", f"{health.uptime_s:.0f} s, version {health.version}")
    table.add_row("devices", f"{health.devices:,}")
    there = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in health.presence.items() if count)
    table.add_row("presence", there or "nobody is watched")
    table.add_row("incidents", f"{health.incidents:,} open")
    table.add_row("broker", "connected" if health.broker_connected else "not connected")
    table.add_row("messages", f"{health.messages:,} received, {health.messages_acknowledged:,} acknowledged")
    table.add_row(
        "points",
        f"{health.points_stored:,} stored, {health.spool_points:,} waiting ({health.spool_bytes / 1e6:.1f} MB)",
    )
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in sorted(health.rejected.items()))
    table.add_row("rejected", rejected or "nothing")
    return table
