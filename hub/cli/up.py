"""`cityhub up`: run the hub in the foreground until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from typing import TYPE_CHECKING

import typer

from hub.cli.context import settings_of
from hub.migrations import upgrade
from provisioning.database import open_engine

if TYPE_CHECKING:
    from hub.app.hub import Hub
    from hub.settings import Settings

QUIET = {"alembic": logging.WARNING, "uvicorn": logging.WARNING, "pymodbus.logging": logging.CRITICAL}
"""Libraries whose every step is of no interest to those who run the hub; pymodbus calls every lost answer an error."""
MOST_FILES = 65_536
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
log = logging.getLogger(__name__)


def up(ctx: typer.Context) -> None:
    """Run the hub, and the broker and database that the settings leave to it, until Ctrl-C or SIGTERM.

    Example: cityhub --config /srv/cityhub/cityhub.toml up
    """
    settings = settings_of(ctx)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    _allow_connections()
    engine = open_engine(settings.registry_url)
    upgrade(engine)
    engine.dispose()
    asyncio.run(_run(settings))


def _allow_connections() -> None:
    """Each meter on Modbus TCP is a connection of its own, and a shell allows 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    from hub.app.run import run_hub  # noqa: PLC0415 - half a second of imports that no other command needs

    await run_hub(settings, stop, _started)


def _started(hub: Hub) -> None:
    host, port = hub.broker_address
    log.info("ready: %d devices, broker at %s:%d", len(hub.directory), host, port)
