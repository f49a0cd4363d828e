"""A publisher that is faster than any device: QoS 1 telemetry of many devices over one TLS connection.

    python -m tests.bench.publisher HOST PORT PKI_FOLDER DEVICES MESSAGES RATE

Reads from standard input, a number a line, how many messages it may have sent in all; writes to standard output,
ten times a second, how many the broker has acknowledged. RATE is messages a second, 0 for as fast as it goes.
The messages carry their own time, distinct per device.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mqtt5

from tests.bench.names import device_name

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK: Final = 200
BOOTED_MS: Final = 1_760_000_000_000
"""Counters go on from one run to the next, as those of devices do."""
WINDOW: Final = 5_000
PAYLOAD: Final = b'{"ts":%d,"bitrate_bps":%d,"tx_bytes":%d,"fps":%.1f,"storage_used_percent":%.1f,"temperature_c":%.1f}'


class Publisher(asyncio.Protocol):
    """Sends in chunks, never more than WINDOW messages ahead of the broker's PUBACKs."""

    def __init__(self, devices: int, messages: int, rate: float) -> None:
        self.acknowledged = 0
        self.sent = 0
        self.allowed = 0
        self._messages = messages
        self._rate = rate
        self._rest = b""
        self._connected = asyncio.Event()
        self._topics = [f"devices/{device_name(number)}/telemetry".encode() for number in range(devices)]
        self._next_ms = [0] * devices

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=1 << 22)
        transport.write(mqtt5.ConnectPacket("publisher.bench", clean_start=True, keep_alive=0).write())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        offset = 0
        if not self._connected.is_set():
            packet, offset = mqtt5.read(memoryview(data))
            assert isinstance(packet, mqtt5.ConnAckPacket)
            assert packet.reason_code == mqtt5.ConnAckReasonCode.SUCCESS
            self._connected.set()
        while len(data) - offset >= 2 and len(data) - offset >= 2 + data[offset + 1]:
            refused = data[offset + 1] > 2 and data[offset + 4] >= 0x80
            if data[offset] != 0x40 or refused:
                sys.exit(f"the broker answered {data[offset : offset + 6].hex()} to a publish")
            self.acknowledged += 1
            offset += 2 + data[offset + 1]
        self._rest = data[offset:]

    async def run(self) -> None:
        """Send all messages, then wait for the last PUBACK."""
        await self._connected.wait()
        started = time.monotonic()
        while self.sent < self._messages:
            allowed = min(self._messages, self.allowed, self.acknowledged + WINDOW)
            if self._rate:
                allowed = min(allowed, int((time.monotonic() - started) * self._rate))
            count = min(allowed - self.sent, CHUNK)
            if count > 0:
                self._transport.write(b"".join(map(self._publish, range(self.sent, self.sent + count))))
                self.sent += count
            await asyncio.sleep(0 if count == CHUNK else 0.001)
        while self.acknowledged < self._messages:
            await asyncio.sleep(0.01)

    def _publish(self, number: int) -> bytes:
        device = number % len(self._topics)
        topic = self._topics[device]
        now = max(time.time_ns() // 1_000_000, self._next_ms[device])
        self._next_ms[device] = now + 1
        payload = PAYLOAD % (
            now, 3_000_000 + number % 1_000_000, (now - BOOTED_MS) * 500,
            20 + number % 10, number % 100, 30 + number % 30,
        )  # fmt: skip
        length = 2 + len(topic) + 2 + 1 + len(payload)
        head = struct.pack(">BBBH", 0x32, length & 0x7F | 0x80, length >> 7, len(topic))
        return b"%b%b%b\x00%b" % (head, topic, struct.pack(">H", number % 65_000 + 1), payload)


async def _allow(publisher: Publisher) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        publisher.allowed = int(line)


async def _report(publisher: Publisher) -> None:
    while True:
        print(publisher.acknowledged, flush=True)
        await asyncio.sleep(0.1)


async def main(host: str, port: int, pki: Path, publisher: Callable[[], Publisher]) -> None:
    """Publish and report."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.load_verify_locations(pki / "ca.pem")
    tls.load_cert_chain(pki / "publisher.pem", pki / "publisher.key")
    _, made = await asyncio.get_running_loop().create_connection(publisher, host, port, ssl=tls)
    helpers = [asyncio.create_task(_allow(made)), asyncio.create_task(_report(made))]
    await made.run()
    for helper in helpers:
        helper.cancel()
    print(made.acknowledged, flush=True)


if __name__ == "__main__":
    _, at, on, folder, how_many, total, speed = sys.argv
    asyncio.run(main(at, int(on), Path(folder), partial(Publisher, int(how_many), int(total), float(speed))))
