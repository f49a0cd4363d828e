"""A whole system on loopback for tests and benchmarks: real broker, real InfluxDB, and the hub as its own process.

Broker and database run with the very configuration that one-box mode gives them, but belong to the rig, so that
each of the three can be killed without the others.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any

from hub.cli.init import write_home
from hub.local.influxd import ManagedInflux
from hub.local.mosquitto import ManagedBroker
from hub.local.options import ManagedBrokerOptions, ManagedInfluxOptions
from hub.local.child import Program
from hub.local.services import HUB, issue_services
from hub.local.supervisor import Pace, Supervisor
from hub.settings import Settings
from hub.sinks.query import InfluxReader
from hub.web.health import Health
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.files import write_atomically
from provisioning.records import NewDevice
from provisioning.registry import Registry

LOOPBACK = "127.0.0.1"
PUBLISHER = "publisher.rig"
PATIENCE_S = 60.0


@dataclass
class Rig:
    """What runs, and where its files are. `pki` holds ca.pem, publisher.pem and publisher.key of a service that may
    publish as any device."""

    settings: Settings
    broker: Supervisor
    service_port: int
    device_port: int
    influx: Supervisor
    database: ManagedInflux
    pki: Path
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
        connection = http.client.HTTPConnection(LOOPBACK, self.settings.web.port, timeout=5)
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
                await asyncio.sleep(0.05)

    async def kill(self, server: Supervisor, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a server a signal; its supervisor starts it again."""
        if server.pid is not None:
            os.kill(server.pid, number)


@asynccontextmanager
async def rig(
    folder: Path, devices: Sequence[NewDevice] = (), *, overrides: dict[str, dict[str, Any]] | None = None
) -> AsyncIterator[Rig]:
    """Start broker and database, register `devices`, and write the hub's settings; the hub is not started."""
    ports = free_ports(5)
    influx = ManagedInflux(ManagedInfluxOptions(port=ports[2], rpc_port=ports[3]), folder / "influxdb")
    pki = folder / "pki"
    settings = write_home(folder / "home", _overrides(influx, pki, ports) | (overrides or {}))
    authority = Authority.load(settings.pki_dir, clock=time_ns)
    server, hub_cert, hub_key = issue_services(authority, pki, [])
    publisher = authority.issue_service(PUBLISHER)
    write_atomically(pki / "publisher.pem", publisher.presented_pem)
    write_atomically(pki / "publisher.key", publisher.key_pem)
    broker = ManagedBroker(
        ManagedBrokerOptions(listen=LOOPBACK, port=ports[0], hub_port=ports[1]),
        folder / "mosquitto", server, hub_cert, hub_key, services=("hub.cityhub", PUBLISHER),
    )  # fmt: skip
    async with _supervised(broker.prepare()) as first, _supervised(influx.prepare()) as second:
        await influx.bootstrap()
        made = Rig(settings, first, ports[1], ports[0], second, influx, pki, folder / "hub.log")
        made.registry.add_devices(devices)
        try:
            yield made
        finally:
            await made.stop_hub()


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
        "web": {"port": ports[4]},
    }  # fmt: skip


@asynccontextmanager
async def _supervised(program: Program) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(program, pace=Pace(first_pause=0.1, longest_pause=1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        try:
            await supervisor.ready()
            yield supervisor
        finally:
            running.cancel()


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody uses right now."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
