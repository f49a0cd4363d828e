"""A Modbus gateway in the hands of a test: what it sends, when, and whether it is what it should be."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Request(NamedTuple):
    """A request as Modbus TCP frames it."""

    transaction: int
    unit: int
    function: int
    address: int
    size: int

    def frame(self, body: bytes, *, transaction: int | None = None) -> bytes:
        """Return an answer to it: function and data in `body`."""
        tid = self.transaction if transaction is None else transaction
        header = tid.to_bytes(2, "big") + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + bytes([self.unit])
        return header + body

    def words(self, *words: int) -> bytes:
        """Return the right answer with these registers."""
        return self.frame(registers(self.function, *words))


def registers(function: int, *words: int) -> bytes:
    return bytes([function, 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)


def crc(frame: bytes) -> bytes:
    """CRC of an RTU frame (Modbus over serial line 1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


class Peer:
    """Answers each request with what `answers` says next; None is silence, and nothing more is the end."""

    def __init__(self, answers: list[Callable[[Request], bytes] | None], *, rtu: bool) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []
        self._answers = answers
        self._rtu = rtu

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                request = await self._next(reader)
                self.requests.append(request)
                self.asked.set()
                if not self._answers:
                    break
                answer = self._answers.pop(0)
                if answer is not None:
                    writer.write(answer(request))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> Request:
        data = await reader.readexactly(8 if self._rtu else 12)
        head, pdu = (0, data[:6]) if self._rtu else (int.from_bytes(data[:2], "big"), data[6:])
        return Request(head, pdu[0], pdu[1], int.from_bytes(pdu[2:4], "big"), int.from_bytes(pdu[4:6], "big"))


@asynccontextmanager
async def peer(*answers: Callable[[Request], bytes] | None, rtu: bool = False) -> AsyncIterator[tuple[Peer, str]]:
    """Serve beside the block; give the peer and its address."""
    one = Peer(list(answers), rtu=rtu)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield one, f"{'rtutcp' if rtu else 'tcp'}://127.0.0.1:{port}"
    finally:
        server.close()
        for writer in one.writers:
            writer.close()
        await server.wait_closed()
