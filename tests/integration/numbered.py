"""A publisher that numbers its messages and knows which of them the broker acknowledged."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import aiomqtt
import orjson

if TYPE_CHECKING:
    from tests.rig import Rig

DEVICE = "cam-numbered"
LANES = 20
PAGE = 5000


class Numbered:
    """Publishes until it is stopped, through whatever happens to the broker; each number is sent once or more.

    Attributes:
        acknowledged: numbers whose PUBACK arrived, with the time at which it did (monotonic seconds).
    """

    def __init__(self, rig: Rig, per_second: float) -> None:
        self.acknowledged: dict[int, float] = {}
        self._rig = rig
        self._pause = LANES / per_second
        self._next = 0
        self._stopped = asyncio.Event()
        self._start_ms = time.time_ns() // 1_000_000

    async def run(self) -> None:
        """Publish until stopped; reconnect when the broker is gone."""
        while not self._stopped.is_set():
            with suppress(aiomqtt.MqttError, ExceptionGroup):
                async with self._client() as client, asyncio.TaskGroup() as lanes:
                    for _ in range(LANES):
                        lanes.create_task(self._lane(client))
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """Let every lane finish the message that it is sending, or lose it with its link."""
        self._stopped.set()

    def _client(self) -> aiomqtt.Client:
        tls = ssl.create_default_context(cafile=self._rig.pki / "ca.pem")
        tls.load_cert_chain(self._rig.pki / "publisher.pem", self._rig.pki / "publisher.key")
        logger = logging.getLogger("numbered")
        logger.setLevel(logging.ERROR)
        return aiomqtt.Client(
            "127.0.0.1", self._rig.service_port, identifier="publisher.rig", protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=tls, timeout=5, max_inflight_messages=1000, logger=logger,
        )  # fmt: skip

    async def _lane(self, client: aiomqtt.Client) -> None:
        while not self._stopped.is_set():
            number, self._next = self._next, self._next + 1
            payload = orjson.dumps({"ts": self._start_ms + number, "seq": number, "bitrate_bps": 4_000_000})
            await client.publish(f"devices/{DEVICE}/telemetry", payload, qos=1)
            self.acknowledged[number] = time.monotonic()
            await asyncio.sleep(self._pause)


async def stored_numbers(rig: Rig) -> set[int]:
    """Return the numbers that a query finds, page by page."""
    numbers: set[int] = set()
    after = 0
    async with rig.reader() as reader:
        while True:
            page = f"SELECT seq FROM cctv WHERE device = '{DEVICE}' AND time > {after} LIMIT {PAGE}"
            found = await reader.query(page)
            if not found:
                return numbers
            numbers |= {int(row[1] or 0) for row in found[0].values}
            after = int(found[0].values[-1][0] or 0)


async def settled(rig: Rig) -> None:
    """Wait until the hub has taken everything from the broker and stored it."""
    before = -1
    while True:
        health = await rig.until(lambda now: now.broker_connected and not now.spool_points and not now.problems)
        if health.messages == before:
            return
        before = health.messages
        await asyncio.sleep(1.5)
