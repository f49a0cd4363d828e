"""The managed broker as the hub's link and source meet it, and a service that publishes as any device."""

from __future__ import annotations

import logging
import shutil
from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING

import aiomqtt

from hub.local.mosquitto import ManagedBroker
from hub.local.options import ManagedBrokerOptions
from hub.local.services import HUB, issue_services
from hub.transport.tls import client_context
from provisioning.ca import Authority
from tests.ports import LOOPBACK, free_ports
from tests.rig import PUBLISHER, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from hub.transport.options import MqttOptions


class HubBroker:
    """A broker that a test can start, stop, kill and rob of its memory."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.create(folder / "ca", clock=time_ns)
        self._pki = folder / "services"
        server, hub_cert, hub_key = issue_services(authority, self._pki, [], clients=(HUB, PUBLISHER))
        port, hub_port = free_ports(2)
        ports = ManagedBrokerOptions(listen=LOOPBACK, port=port, hub_port=hub_port)
        self._folder = folder / "mosquitto"
        managed = ManagedBroker(ports, self._folder, server, hub_cert, hub_key)
        self.options: MqttOptions = managed.link_options()
        self.server = Server(managed.prepare())

    async def forget_everything(self) -> None:
        """Start anew with an empty data folder: no session, no message."""
        await self.server.stop()
        shutil.rmtree(self._folder / "data")
        (self._folder / "data").mkdir(mode=0o700)
        await self.server.start()

    async def publish(
        self, payloads: Sequence[bytes], *, retain: bool = False, device: str = "cam", topic: str = ""
    ) -> None:
        """Publish as a device, QoS 1, its telemetry unless a topic is given; returns when the broker has it all."""
        files = {"cert_file": self._pki / f"{PUBLISHER}.pem", "key_file": self._pki / f"{PUBLISHER}.key"}
        options = self.options.model_copy(update=files)
        log = logging.getLogger("publisher")
        async with aiomqtt.Client(
            options.host, options.port, identifier=PUBLISHER, protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=client_context(options), logger=log, max_queued_outgoing_messages=0,
        ) as client:  # fmt: skip
            for payload in payloads:
                await client.publish(topic or f"devices/{device}/telemetry", payload, qos=1, retain=retain)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[HubBroker]:
    """Run a broker beside the block."""
    broker = HubBroker(folder)
    await broker.server.start()
    try:
        yield broker
    finally:
        await broker.server.stop()
