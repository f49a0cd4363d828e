"""`cityhub demo`: a whole city on this machine, in a folder of its own that is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import sys
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import Progress

from hub.app import Hub, run_hub
from hub.cli.context import FAILED
from hub.cli.demo_board import Board
from hub.cli.demo_city import equip_devices, register_city
from hub.cli.demo_sim import PATIENCE_S, Simulation, simulation
from hub.cli.demo_view import render
from hub.cli.init import write_home
from hub.cli.up import LOG_FORMAT
from hub.errors import CityhubError, UsageError
from hub.sim.audit import count_points, find_missing
from hub.sim.city import City, plan_city
from hub.sim.latency import LatencyProbe
from hub.sim.plan import Behaviour, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hub.settings import Settings
    from hub.sim.reader import Reader

LOOPBACK: Final = "127.0.0.1"
CITY: Final = "Purbalingga"
EQUIPPED_AT_ONCE: Final = 10
PROBED: Final = 20
"""Devices whose points the latency is measured on."""
FRAME_S: Final = 0.25
SETTLE_S: Final = 30.0
"""How long the hub may take, once the city has stopped, to store what it was sent."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to; the keys of `--json`.

    Attributes:
        connected: devices whose link the broker accepted at least once.
        published: messages that devices handed to MQTT.
        acknowledged: those that the broker took.
        stored: points that a query finds; a message makes one point a measurement.
        lost: points of acknowledged good messages that no query finds.
        rejected: messages that the hub put, in part or as a whole, to the dead letters.
        latency_p50_ms: from publishing until a query finds the point; see LatencyProbe for the error.
    """

    devices: int
    connected: int
    published: int
    acknowledged: int
    stored: int
    lost: int
    rejected: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None

    @property
    def good(self) -> bool:
        """Whether something was stored, and nothing lost."""
        return self.stored > 0 and self.lost == 0


def demo(  # noqa: PLR0913 - an option a parameter
    *,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so many seconds; otherwise at Ctrl-C.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="No view; one JSON object on stdout at the end.")] = False,
    cctv: Annotated[int, typer.Option(min=0, max=10_000, help="Cameras.")] = 60,
    trackers: Annotated[int, typer.Option(min=0, max=10_000, help="GPS trackers.")] = 30,
    sensors: Annotated[int, typer.Option(min=0, max=10_000, help="Weather stations and river gauges.")] = 30,
    rate: Annotated[float, typer.Option(min=0.01, max=100, help="Messages a second from each device.")] = 1.0,
    folder: Annotated[Path | None, typer.Option("--dir", help="Keep everything here; otherwise it is removed.")] = None,
) -> None:
    """Show a simulated Purbalingga on a real broker, hub and database, all on this machine.

    Every device has a certificate of its own and its own connection; some misbehave on purpose. Ctrl-C stops
    everything. Exit code 1: something that was acknowledged is missing from the database, or nothing was stored.

    Examples: cityhub demo
    ··· cityhub demo --seconds 30 --json | jq .lost
    ··· cityhub demo --cctv 200 --trackers 100 --rate 2 --dir /tmp/purbalingga
    """
    if not cctv + trackers + sensors:
        raise UsageError("a city without devices shows nothing; ask for one at least")
    city = plan_city(cctv, trackers, sensors)
    board = Board(CITY)
    live = not as_json and sys.stdout.isatty()
    with _home(folder) as home, _logging(home, board, quiet=live):
        outcome = asyncio.run(_interruptible(home, city, rate, seconds, board, live=live))
    if outcome is None:
        typer.echo("stopped before the city was up", err=True)
        raise typer.Exit(FAILED)
    typer.echo(json.dumps(asdict(outcome)) if as_json else _summary(outcome))
    if not outcome.good:
        raise typer.Exit(FAILED)
