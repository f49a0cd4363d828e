"""Telemetry over MQTT 5: a persistent session, acknowledged only when the pipeline says that it is durable."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from random import uniform
from typing import TYPE_CHECKING, Final, NoReturn

from hub.errors import LinkDown, SettingsError
from hub.model import Burst, Clock
from hub.sources.overlap import Overlap
from hub.transport.mqtt_link import MqttLink

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    import mqtt5

    from hub.sources.base import Intake
    from hub.transport.options import MqttOptions

FILTERS: Final = (
    "devices/+/telemetry",
    "devices/+/events",
    "devices/+/status",
    "devices/+/children/+/telemetry",
    "devices/+/children/+/events",
    "devices/+/children/+/status",
)
"""The hub's own topics; no two of them cover the same."""
FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 30.0
STEADY_S: Final = 0.5
"""A link that breaks sooner (a second hub of the same name takes the session over) was no success."""
SETTLE_S: Final = 5.0

log = logging.getLogger(__name__)


class MqttSource:
    """Keeps one link to the broker up and offers what arrives to the intake, one burst a read.

    `connected` tells whether the link stands, `outage` why it does not; `connections` counts how often it was made.

    Args:
        vendors: filters beside the hub's own; they may overlap.
    """

    def __init__(
        self,
        options: MqttOptions,
        tls: Callable[[], ssl.SSLContext],
        intake: Intake,
        clock: Clock,
        vendors: Sequence[str] = (),
    ) -> None:
        self.connected = False
        self.connections = 0
        self.outage = "not tried yet"
        self._options = options
        self._tls = tls
        self._intake = intake
        self._clock = clock
        self._overlap = Overlap(vendors)
        self._counts = self._overlap.counts
        self._last_ns = 0
        self._full = asyncio.Event()
        self._since = 0.0

    async def run(self) -> None:
        """Connect, receive, and connect again with jittered back-off, until cancelled.

        Raises:
            SettingsError: the hub's certificates cannot be used, before they ever could.
        """
        wait, told = FIRST_WAIT_S, set[str]()
        while True:
            stood, self.outage = await self._attempt()
            if stood:
                told.clear()
            if self.outage not in told:
                log.warning("MQTT link down, trying again: %s", self.outage)
            told.add(self.outage)
            if stood > STEADY_S:
                wait = FIRST_WAIT_S
            await asyncio.sleep(wait * uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _attempt(self) -> tuple[float, str]:
        """Make the link and use it to its end; return for how many seconds it stood, and what ended it."""
        before = self.connections
        try:
            await self._session()
        except LinkDown as error:
            stood = asyncio.get_running_loop().time() - self._since if self.connections > before else 0.0
            return stood, str(error)

    async def _session(self) -> NoReturn:
        await self._intake.ready()  # what the broker sends at once needs room
        link = await MqttLink.open(self._options, self._context(), self._received)
        try:
            await self._follow(link)
        except asyncio.CancelledError:
            await self._settle(link)
            raise
        finally:
            self.connected = False
            await link.close()

    def _context(self) -> ssl.SSLContext:
        """Read the certificates anew; files that were good before (and are being renewed, maybe) are tried again."""
        try:
            return self._tls()
        except SettingsError as error:
            if not self.connections:
                raise
            raise LinkDown(str(error)) from error

    async def _follow(self, link: MqttLink) -> NoReturn:
        gate = asyncio.create_task(self._gate(link), name="mqtt-gate")
        try:
            await link.subscribe(FILTERS)
            for pattern, number in self._overlap.ids.items():
                await link.subscribe([pattern], number)
            self._up(link)
            await link.ended()
        finally:
            gate.cancel()

    def _up(self, link: MqttLink) -> None:
        self.connected = True
        self.connections += 1
        self._since = asyncio.get_running_loop().time()
        session = "resumed" if link.session_present else "new"
        log.info("MQTT link up: %s:%d (session %s)", self._options.host, self._options.port, session)

    async def _settle(self, link: MqttLink) -> None:
        """Before an orderly end, let what was received become durable and acknowledged, so that it is not sent anew."""
        link.pause()
        # Not asyncio.timeout: in a task that was cancelled, Python 3.11.2 takes its end for the cancellation.
        settling = asyncio.create_task(self._intake.settled(), name="mqtt-settle")
        done, _ = await asyncio.wait([settling], timeout=SETTLE_S)
        if not done:
            settling.cancel()
            log.warning("stopping with messages unacknowledged; the broker keeps them")

    async def _gate(self, link: MqttLink) -> None:
        """Close the socket's reading side while the intake is full."""
        while True:
            await self._full.wait()
            await self._intake.ready()
            self._full.clear()
            link.resume()

    def _received(self, link: MqttLink, packets: list[mqtt5.PublishPacket]) -> None:
        ids = [packet.packet_id for packet in packets if packet.packet_id is not None]
        if self._overlap.ids:
            packets = [one for one in packets if not (got := one.subscription_ids) or self._counts(one.topic, got)]
        burst = Burst(packets, self._stamp(len(packets)), partial(link.acknowledge, ids))
        if not self._intake.offer(burst):
            link.pause()
            self._full.set()

    def _stamp(self, messages: int) -> int:
        """Return a time of receipt that leaves room for one nanosecond a message, also when the clock steps back."""
        received_ns = max(self._clock(), self._last_ns + 1)
        self._last_ns = received_ns + messages
        return received_ns
