"""The shortest visit that the broker counts as one: connect, be welcomed or not, leave."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import mqtt5

from hub.errors import LinkDown
from hub.transport.codec import split_packets

if TYPE_CHECKING:
    import ssl

ANSWER_S: Final = 15.0
"""How long the broker may take for each step: while it reads a large access list it serves nobody."""
_READ: Final = 4096


async def visit(host: str, port: int, tls: ssl.SSLContext, client_id: str = "") -> None:
    """Connect under a client id with a clean start, and leave once the broker has said welcome.

    Raises:
        LinkDown: the broker said no, or something else, or nothing.
        OSError: nobody listens there, or the certificates do not fit (`ssl.SSLError`).
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, ssl_shutdown_timeout=1)
            with closing(writer):
                writer.write(mqtt5.ConnectPacket(client_id, clean_start=True).write())
                await _welcome(reader)
                writer.write(mqtt5.DisconnectPacket().write())
            with suppress(OSError):  # whatever befalls the farewell: the visit has been made
                await writer.wait_closed()
    except TimeoutError as error:
        raise LinkDown(f"the broker at {host}:{port} did not answer within {ANSWER_S:.0f} s") from error


async def _welcome(reader: asyncio.StreamReader) -> None:
    packets, rest = split_packets(b"")
    while not packets:
        if not (data := await reader.read(_READ)):
            raise LinkDown("the broker closed the connection")
        packets, rest = split_packets(rest + data)
    match packets[0]:
        case mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.SUCCESS):
            return
        case mqtt5.ConnAckPacket(reason_code=code):
            raise LinkDown(f"the broker refused the connection: {code.name.lower()}")
        case other:
            raise LinkDown(f"the broker answered a CONNECT with {type(other).__name__}")
