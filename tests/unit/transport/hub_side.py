"""The hub's end of a connection to the broker in `peer.py`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hub.errors import LinkDown
from hub.transport.mqtt_link import MqttLink
from hub.transport.tls import client_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mqtt5

    from hub.transport.options import MqttOptions
    from tests.unit.transport.peer import Door, Peer


class Hub:
    """How the hub connects, and what it has received."""

    def __init__(self, options: MqttOptions) -> None:
        self.options = options
        self.received: list[mqtt5.PublishPacket] = []
        self.bursts = 0
        self.tls = client_context(options)
        self._arrived = asyncio.Event()

    def connecting(self) -> asyncio.Task[MqttLink]:
        return asyncio.create_task(MqttLink.open(self.options, self.tls, self.take))

    async def until(self, count: int) -> None:
        while len(self.received) < count:
            self._arrived.clear()
            await self._arrived.wait()

    def take(self, _: MqttLink, packets: list[mqtt5.PublishPacket]) -> None:
        self.received += packets
        self.bursts += 1
        self._arrived.set()


@asynccontextmanager
async def linked(door: Door, hub: Hub) -> AsyncIterator[tuple[MqttLink, Peer]]:
    """Make a link; it is dropped at the end."""
    connecting = hub.connecting()
    peer = await door.accepted()
    link = await connecting
    try:
        yield link, peer
    finally:
        link.abort()
        await asyncio.sleep(0)


async def refused(connecting: asyncio.Task[MqttLink]) -> str:
    with pytest.raises(LinkDown) as caught:
        await connecting
    return str(caught.value)


async def end_of(link: MqttLink) -> str:
    with pytest.raises(LinkDown) as caught:
        await link.ended()
    return str(caught.value)
