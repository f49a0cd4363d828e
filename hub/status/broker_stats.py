"""What the broker says of itself: mosquitto(8) publishes its counters under $SYS; other brokers may say nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiomqtt

from hub.errors import SettingsError
from hub.transport.tls import client_context

if TYPE_CHECKING:
    from hub.transport.options import MqttOptions

DROPPED: Final = "$SYS/broker/publish/messages/dropped"
AGAIN_S: Final = 10.0


class BrokerStats:
    """Follows the broker's counters over a small connection of its own, so that they never queue with telemetry.

    `dropped` is None until the broker has said it, and while nobody answers: the link's own outage says why.
    """

    def __init__(self, options: MqttOptions) -> None:
        self.dropped: int | None = None
        self._options = options

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except (aiomqtt.MqttError, SettingsError):
                self.dropped = None
            await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        options = self._options
        client = aiomqtt.Client(
            options.host,
            options.port,
            identifier=f"{options.client_id}-stats"[:64],
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=client_context(options),
            keepalive=options.keep_alive_s,
        )
        async with client:
            await client.subscribe(DROPPED)
            async for message in client.messages:
                self._take(message.payload)

    def _take(self, payload: object) -> None:
        text = payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
        if text.isascii() and text.isdecimal():
            self.dropped = int(text)
