from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from hub.sources.modbus.state import ModbusState
from hub.web.options import WebOptions
from hub.web.polled import PolledView, polled_router
from hub.web.server import build_api, serve
from tests.ports import free_ports

STATES = {"m1": ModbusState("m1", 5, 7, "it is busy")}


async def get(path: str) -> tuple[int, bytes]:
    """Serve the route and ask for a page."""
    options = WebOptions(port=free_ports(1)[0])
    serving = asyncio.create_task(serve(build_api([polled_router(STATES.get)], "1"), options))
    async with aiohttp.ClientSession(f"http://{options.host}:{options.port}") as session:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(path) as response:
                    answer = response.status, await response.read()
                    break
            await asyncio.sleep(0.005)
    serving.cancel()
    await asyncio.wait([serving])
    return answer


async def test_a_polled_device_is_told_of() -> None:
    status, body = await get("/devices/m1/modbus")
    assert status == 200
    assert PolledView.model_validate_json(body) == PolledView(
        device="m1", answered_ns=5, failed_ns=7, fault="it is busy"
    )


async def test_another_is_not_found() -> None:
    status, body = await get("/devices/m2/modbus")
    assert status == 404
    assert b"'m2' is not polled over Modbus" in body
