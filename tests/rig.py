"""A whole system on loopback for tests and benchmarks: real broker, real InfluxDB, and the hub as its own process.

Broker and database run with the very configuration that one-box mode gives them, but belong to the rig, so that
each of the three can be killed without the others.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any

from hub.cli.init import write_home
from hub.local.influxd import ManagedInflux
from hub.local.mosquitto import ManagedBroker
from hub.local.options import ManagedBrokerOptions, ManagedInfluxOptions
from hub.local.services import HUB, issue_services
from hub.local.supervisor import Pace, Supervisor
from hub.sinks.query import InfluxReader
from hub.web.snapshot import Health
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.files import write_atomically
from provisioning.registry import Registry
from provisioning.revocation import Revocation
from tests.ports import LOOPBACK, PATIENCE_S, free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from hub.local.child import Program
    from hub.settings import Settings
    from provisioning.records import NewDevice

PUBLISHER = "publisher.rig"


class Server:
    """A server under supervision, that a test can also stop, start and kill."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._supervisor = Supervisor(program)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self._supervisor = Supervisor(self._program, pace=Pace(first_pause=0.1, longest_pause=1))
        self._task = asyncio.create_task(self._supervisor.run())
        await self._supervisor.ready()

    async def stop(self) -> None:
        """Stop it in order (SIGTERM)."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._supervisor.pid

    def kill(self) -> None:
        """Kill it (-9); its supervisor starts it again."""
        if self._supervisor.pid is not None:
            os.kill(self._supervisor.pid, signal.SIGKILL)

    async def kill_and_revive(self) -> None:
        """Kill it (-9), and wait until its supervisor has started it again and it serves."""
        before = self._supervisor.restarts
        self.kill()
        async with asyncio.timeout(PATIENCE_S):
            while self._supervisor.restarts == before:  # noqa: ASYNC110 - a count to look at, no event
                await asyncio.sleep(0.02)
            await self.ready()

    async def ready(self) -> None:
        """Wait until it serves."""
        await self._supervisor.ready()


@dataclass
class Rig:
    """What runs, and where its files are.

    `pki` holds ca.pem, publisher.pem and publisher.key of a service that may publish as any device; `broker_save` is
    what the broker would come back with after a kill.
    """

    settings: Settings
    broker: Server
    service_port: int
    device_port: int
    influx: Server
    database: ManagedInflux
    pki: Path
    broker_save: Path
    hub_log: Path
    hub: asyncio.subprocess.Process | None = None

    @property
    def registry(self) -> Registry:
        """The hub's registry."""
        return Registry(open_engine(self.settings.registry_url), time_ns)

    def reader(self) -> InfluxReader:
        """Return a reader of the database."""
        return InfluxReader(self.database.sink_options())

    async def start_hub(self, *, wait: bool = True) -> asyncio.subprocess.Process:
        """Start `cityhub up`; wait until it is connected, unless told not to."""
        with self.hub_log.open("ab") as log:
            command = [sys.executable, "-m", "hub", "--config", str(self.settings.file), "up"]
            self.hub = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        if wait:
            await self.until(lambda health: health.broker_connected)
        return self.hub

    async def stop_hub(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the hub a signal and wait for its end."""
        if self.hub is not None:
            with suppress(ProcessLookupError):
                self.hub.send_signal(number)
            await self.hub.wait()
            self.hub = None

    def health(self) -> Health | None:
        """Ask the hub how it is; None when it does not answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.settings.web.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/health")
            return Health.model_validate_json(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    async def until(self, reached: Any, patience_s: float = PATIENCE_S) -> Health:  # noqa: ANN401 - a predicate on Health
        """Wait until the hub's health satisfies `reached`."""
        async with asyncio.timeout(patience_s):
            while True:
                health = await asyncio.to_thread(self.health)
                if health is not None and reached(health):
                    return health
                if self.hub is not None and self.hub.returncode is not None:
                    raise AssertionError(f"the hub ended:\n{self.hub_log.read_text()}")
                await asyncio.sleep(0.05)


@asynccontextmanager
async def rig(
    folder: Path,
    devices: Sequence[NewDevice] = (),
    *,
    overrides: dict[str, dict[str, Any]] | None = None,
    raw_days: int = 30,
) -> AsyncIterator[Rig]:
    """Start broker and database, register `devices`, and write the hub's settings; the hub is not started.

    Args:
        raw_days: how long the database keeps points; the hub's settings know nothing of it.
    """
    ports = free_ports(6)
    options = ManagedInfluxOptions(port=ports[2], rpc_port=ports[3], raw_days=raw_days)
    influx = ManagedInflux(options, folder / "influxdb")
    pki = folder / "pki"
    settings = write_home(folder / "home", _overrides(influx, pki, ports) | (overrides or {}))
    authority = Authority.load(settings.pki_dir, clock=time_ns)
    crl_file = pki / "crl.pem"
    server, hub_cert, hub_key = issue_services(authority, pki, [], clients=(HUB, PUBLISHER), crl_file=crl_file)
    engine = open_engine(settings.registry_url)
    write_atomically(crl_file, Revocation(engine, authority, time_ns).crl())
    engine.dispose()
    for suffix in ("pem", "key"):
        (pki / f"{PUBLISHER}.{suffix}").rename(pki / f"publisher.{suffix}")
    broker = ManagedBroker(
        ManagedBrokerOptions(listen=LOOPBACK, port=ports[0], hub_port=ports[1]),
        folder / "mosquitto", server, hub_cert, hub_key,
    )  # fmt: skip
    made = Rig(settings, Server(broker.prepare()), ports[1], ports[0], Server(influx.prepare()), influx, pki,
               folder / "mosquitto" / "data" / "mosquitto.db", folder / "hub.log")  # fmt: skip
    made.registry.add_devices(devices)
    try:
        await made.broker.start()
        await made.influx.start()
        await influx.bootstrap()
        yield made
    finally:
        await made.stop_hub()
        await made.broker.stop()
        await made.influx.stop()


def _overrides(influx: ManagedInflux, pki: Path, ports: list[int]) -> dict[str, dict[str, Any]]:
    """Return settings that name the rig's servers; the hub's certificate will be in `pki`."""
    sink = influx.sink_options()
    return {
        "broker": {
            "host": LOOPBACK, "port": ports[1], "ca_file": pki / "ca.pem",
            "cert_file": pki / f"{HUB}.pem", "key_file": pki / f"{HUB}.key",
        },
        "influxdb": {
            "url": sink.url, "version": 1, "database": sink.database,
            "username": sink.username, "password": sink.password.get_secret_value(),
        },
        "bundle": {"broker_host": LOOPBACK, "broker_port": ports[0]},
        "local_grafana": {"enabled": False},  # as on a machine without one
        "web": {"port": ports[4]},
        "api": {"listen": LOOPBACK, "port": ports[5]},
    }  # fmt: skip
