"""`cityhub up`: run the hub in the foreground until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import typer

from hub.app import Hub, run_hub
from hub.cli.context import settings_of
from hub.settings import Settings

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
log = logging.getLogger(__name__)


def up(ctx: typer.Context) -> None:
    """Run the hub, and the broker and database that the settings leave to it, until Ctrl-C or SIGTERM.

    Example: cityhub --config /srv/cityhub/cityhub.toml up
    """
    settings = settings_of(ctx)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run_hub(settings, stop, _started)


def _started(hub: Hub) -> None:
    host, port = hub.broker_address
    log.info("ready: %d devices, broker at %s:%d", len(hub.directory), host, port)
