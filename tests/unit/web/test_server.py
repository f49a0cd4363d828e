"""The server on loopback: where it listens, whose the signals are, and how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter

from hub.errors import CityhubError
from hub.web.options import WebOptions
from hub.web.server import build_api, serve
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUEST = b"GET /ping HTTP/1.1\r\nHost: hub\r\n\r\n"


def router() -> APIRouter:
    ping = APIRouter()

    @ping.get("/ping")
    async def pong() -> str:
        return "pong"

    return ping


@pytest.fixture
def options() -> WebOptions:
    return WebOptions(port=free_ports(1)[0])


@asynccontextmanager
async def serving(options: WebOptions) -> AsyncIterator[asyncio.Task[None]]:
    """Serve beside the block, reachable from its beginning."""
    task = asyncio.create_task(serve(build_api([router()], "1"), options))
    while True:
        with suppress(OSError):
            (await connected(options))[1].close()
            break
        await asyncio.sleep(0.005)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def connected(options: WebOptions) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(options.host, options.port)


async def answer(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b'"pong"')


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_it_answers_on_loopback(host: str) -> None:
    options = WebOptions(host=host, port=free_ports(1)[0])
    async with serving(options):
        reader, writer = await connected(options)
        writer.write(REQUEST)
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


async def test_a_port_that_is_taken_is_an_error_that_names_the_setting(options: WebOptions) -> None:
    said = rf"cannot listen on 127\.0\.0\.1:{options.port}: Address already in use.*; set web\.port to a free port"
    with closing(socket.create_server((options.host, options.port))), pytest.raises(CityhubError, match=said):
        await serve(build_api([], "1"), options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_are_left_to_the_hub(options: WebOptions, number: signal.Signals) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        async with serving(options) as task:
            os.kill(os.getpid(), number)
            await told.wait()
            reader, writer = await connected(options)
            writer.write(REQUEST)
            await answer(reader)
            writer.close()
            assert not task.done()
    finally:
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize("said", [b"", REQUEST, REQUEST[:20]], ids=["nothing", "a request", "half a request"])
async def test_it_stops_when_cancelled_whatever_clients_hold_open(options: WebOptions, said: bytes) -> None:
    async with serving(options) as task:
        reader, writer = await connected(options)
        writer.write(said)
        if said == REQUEST:
            await answer(reader)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await reader.read() == b""
        writer.close()

    socket.create_server((options.host, options.port)).close()
