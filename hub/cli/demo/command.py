"""`cityhub demo`: a whole city on this machine, in a folder of its own that is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.context import FAILED
from hub.cli.demo.board import Board
from hub.cli.up import LOG_FORMAT, QUIET
from hub.errors import UsageError
from hub.sim.city import plan_city
from hub.sim.modbus.city import plan_polled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cli.demo.stock import Outcome

CITY = "Purbalingga"


def demo(  # noqa: PLR0913 - an option a parameter
    *,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long; otherwise at Ctrl-C.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="No view; one JSON object on stdout at the end.")] = False,
    cctv: Annotated[int, typer.Option(min=0, max=10_000, help="Cameras.")] = 60,
    trackers: Annotated[int, typer.Option(min=0, max=10_000, help="GPS trackers.")] = 30,
    sensors: Annotated[int, typer.Option(min=0, max=10_000, help="Weather stations and river gauges.")] = 30,
    meters: Annotated[int, typer.Option(min=0, max=1000, help="Energy meters, polled over Modbus.")] = 12,
    upses: Annotated[int, typer.Option(min=0, max=1000, help="UPSes, likewise.")] = 6,
    gauges: Annotated[int, typer.Option(min=0, max=1000, help="Distance sensors above rivers, likewise.")] = 4,
    rate: Annotated[
        float, typer.Option(min=0.01, max=100, help="Messages a second from each device that speaks MQTT.")
    ] = 1.0,
    folder: Annotated[Path | None, typer.Option("--dir", help="Keep everything here; otherwise it is removed.")] = None,
) -> None:
    """Show a simulated Purbalingga on a real broker, hub and database, all on this machine.

    Every device has its own certificate and connection, or is polled; some misbehave on purpose. Ctrl-C stops
    everything.

    Exit code 1: something that was acknowledged or polled is missing from the database, something is there that no
    device said, or nothing was stored.

    Example: cityhub demo --seconds 30 --json | jq .lost
    """
    if not cctv + trackers + sensors:
        raise UsageError("a city without devices shows nothing; ask for one at least")
    from hub.cli.demo.run import DemoRun  # noqa: PLC0415 - half a second of imports that no other command needs

    live = not as_json and sys.stdout.isatty()
    board = Board(CITY)
    with _home(folder) as home:
        _log_to(board, home, live=live)
        run = DemoRun(home, plan_city(cctv, trackers, sensors), plan_polled(meters, upses, gauges), rate, board)
        outcome = asyncio.run(run.show(seconds, live=live))
    _tell(outcome, as_json=as_json)


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder.absolute()
        return
    with TemporaryDirectory(prefix="cityhub-demo-") as temporary:
        yield Path(temporary)


def _log_to(board: Board, home: Path, *, live: bool) -> None:
    """Log what the hub says and only warnings of others; nothing may write on the screen that the view draws on."""
    home.mkdir(parents=True, exist_ok=True)
    elsewhere = logging.FileHandler(home / "demo.log") if live else logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT, handlers=[board, elsewhere], force=True)
    for library, level in QUIET.items():
        logging.getLogger(library).setLevel(level)
    logging.getLogger("hub").setLevel(logging.INFO)


def _tell(outcome: Outcome | None, *, as_json: bool) -> None:
    if outcome is None:
        typer.echo("stopped before anything was counted", err=True)
        raise typer.Exit(FAILED)
    if as_json:
        typer.echo(json.dumps(asdict(outcome)))
    else:
        for key, value in asdict(outcome).items():
            typer.echo(f"{key.replace('_', ' '):16} {'-' if value is None else f'{value:,}'}")
    if not outcome.good:
        raise typer.Exit(FAILED)
