"""A broker's end of a connection in the hands of a test: TLS by hand, so that every byte on the wire is the test's."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mqtt5

from hub.transport.codec import split_packets
from hub.transport.options import MqttOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.local_pki import Identity

LOOPBACK = "127.0.0.1"
MEGABYTE = 1 << 20


class Peer:
    """One connection that a client made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self.writer = writer
        self._reader = reader
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._packets: deque[mqtt5.Packet] = deque()
        self._rest = b""

    async def secure(self) -> None:
        """Shake hands; raises ssl.SSLError when the client's certificate is refused, and tells the client."""
        try:
            while not self._shaken():
                await self._fill()
        finally:
            self.flush()

    async def accept(self, **connack: Any) -> mqtt5.ConnectPacket:  # noqa: ANN401 - whatever a CONNACK may say
        """Answer CONNECT."""
        connect = await self.packet()
        assert isinstance(connect, mqtt5.ConnectPacket)
        self.send(mqtt5.ConnAckPacket(**connack))
        return connect

    async def packet(self) -> mqtt5.Packet:
        """Return the client's next packet; raises EOFError once it has closed."""
        while not self._packets:
            packets, self._rest = split_packets(self._rest + await self._read())
            self._packets.extend(packets)
        return self._packets.popleft()

    async def closed(self) -> None:
        """Wait for the client's end, whatever it says before."""
        with suppress(EOFError, ConnectionError):
            while True:
                await self.packet()

    def send(self, *packets: mqtt5.Packet) -> None:
        """Send packets as one record."""
        self.writer.write(self.sealed(b"".join(packet.write() for packet in packets)))

    def sealed(self, data: bytes) -> bytes:
        """Return `data` as it goes over the wire."""
        self.tls.write(data)
        return self._outgoing.read()

    def say_close_notify(self) -> None:
        """End TLS, and leave the socket open."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.flush()

    def flush(self) -> None:
        """Send what TLS itself has to say."""
        self.writer.write(self._outgoing.read())

    def _shaken(self) -> bool:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            return False
        return True

    async def _read(self) -> bytes:
        while True:
            try:
                if data := self.tls.read(MEGABYTE):
                    return data
            except ssl.SSLWantReadError:
                await self._fill()
            else:
                raise EOFError("close_notify")

    async def _fill(self) -> None:
        data = await self._reader.read(MEGABYTE)
        if not data:
            raise EOFError("the socket was closed")
        self._incoming.write(data)


@dataclass
class Door:
    """Where clients knock; each connection is handed to the test."""

    port: int
    knocks: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    context: ssl.SSLContext

    async def connection(self) -> Peer:
        """Return the next connection, before TLS."""
        return Peer(*await self.knocks.get(), self.context)

    async def secured(self) -> Peer:
        """Return the next connection, after the handshake."""
        peer = await self.connection()
        await peer.secure()
        return peer

    async def accepted(self, **connack: Any) -> Peer:  # noqa: ANN401 - whatever a CONNACK may say
        """Return the next connection, after CONNACK."""
        peer = await self.secured()
        await peer.accept(**connack)
        return peer

    def options(self, identity: Identity, host: str = LOOPBACK) -> MqttOptions:
        """Return how a client with `identity` comes to this door."""
        return MqttOptions(
            host=host,
            port=self.port,
            ca_file=identity.ca_file,
            cert_file=identity.cert_file,
            key_file=identity.key_file,
        )


@asynccontextmanager
async def opened(identity: Identity, host: str = LOOPBACK) -> AsyncIterator[Door]:
    """Listen on a free port with a broker's certificate; demands one of the same authority from clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert_file, identity.key_file)
    context.load_verify_locations(identity.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    knocks: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        knocks.put_nowait((reader, writer))

    server = await asyncio.start_server(knock, host, 0)
    async with server:
        yield Door(server.sockets[0].getsockname()[1], knocks, context)
        for writer in writers:
            writer.transport.abort()
    await asyncio.sleep(0)  # the sockets are closed in the loop's next round


def message(number: int, payload: bytes = b"{}", *, qos: int = 1) -> mqtt5.PublishPacket:
    """Return a device's telemetry; QoS 1 has the number as its packet id."""
    topic = "devices/cam/telemetry"
    if qos == 0:
        return mqtt5.PublishPacket(topic, payload)
    return mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number)


def granted(count: int) -> mqtt5.SubAckPacket:
    """Return the answer to the hub's SUBSCRIBE."""
    return mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * count)
