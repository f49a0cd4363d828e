from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hub.web.health import health_router
from hub.web.options import WebOptions
from hub.web.server import build_api, serve
from hub.web.snapshot import Health
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WELL = Health(
    version="1.2.3", uptime_s=61.5, problems=[], devices=120, broker_connected=True, broker_connections=2,
    messages=1000, messages_acknowledged=990, bytes=123_456, points_spooled=980, points_stored=970,
    spool_points=10, spool_bytes=2_000, commits=50, writes=40, write_failures=3,
    rejected={"bad_payload": 7, "unknown_device": 3}, presence={"online": 117, "offline": 3}, incidents=2,
    modbus_devices=8, modbus_polls=100, modbus_on_time=90, modbus_late=4, modbus_failed=6, modbus_requests=130,
    modbus_dropped=1, modbus_lateness_ms=2.5,
)  # fmt: skip
UNWELL = WELL.model_copy(update={"problems": ["the disk is full", "no broker"], "broker_connected": False})


@asynccontextmanager
async def asked(health: Health, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """Serve a snapshot and ask for a page."""
    options = WebOptions(port=free_ports(1)[0])
    serving = asyncio.create_task(serve(build_api([health_router(lambda: health)], "1.2.3"), options))
    await _until_listening(options)
    async with (
        aiohttp.ClientSession(f"http://{options.host}:{options.port}") as session,
        session.get(path) as response,
    ):
        yield response
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def _until_listening(options: WebOptions) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(options.host, options.port)
            writer.close()
            return await writer.wait_closed()
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(("health", "status"), [(WELL, 200), (UNWELL, 503)])
async def test_the_status_tells_whether_it_is_well_and_the_body_tells_the_rest(health: Health, status: int) -> None:
    async with asked(health, "/health") as response:
        assert response.status == status
        assert response.content_type == "application/json"
        assert Health.model_validate_json(await response.read()) == health


async def test_prometheus_reads_every_figure() -> None:
    async with asked(WELL, "/metrics") as response:
        assert response.status == 200
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(await response.text()))

    samples = {
        (sample.name, "".join(sample.labels.values())): sample.value for family in families for sample in family.samples
    }
    assert samples == {
        ("cityhub_well", ""): 1,
        ("cityhub_uptime_seconds", ""): 61.5,
        ("cityhub_devices", ""): 120,
        ("cityhub_broker_connected", ""): 1,
        ("cityhub_spool_points", ""): 10,
        ("cityhub_spool_bytes", ""): 2000,
        ("cityhub_broker_connections_total", ""): 2,
        ("cityhub_messages_total", ""): 1000,
        ("cityhub_messages_acknowledged_total", ""): 990,
        ("cityhub_received_bytes_total", ""): 123_456,
        ("cityhub_points_spooled_total", ""): 980,
        ("cityhub_points_stored_total", ""): 970,
        ("cityhub_commits_total", ""): 50,
        ("cityhub_writes_total", ""): 40,
        ("cityhub_write_failures_total", ""): 3,
        ("cityhub_modbus_devices", ""): 8,
        ("cityhub_modbus_lateness_ms", ""): 2.5,
        ("cityhub_modbus_polls_total", ""): 100,
        ("cityhub_modbus_on_time_total", ""): 90,
        ("cityhub_modbus_late_total", ""): 4,
        ("cityhub_modbus_failed_total", ""): 6,
        ("cityhub_modbus_requests_total", ""): 130,
        ("cityhub_modbus_dropped_total", ""): 1,
        ("cityhub_rejected_total", "bad_payload"): 7,
        ("cityhub_rejected_total", "unknown_device"): 3,
        ("cityhub_presence", "online"): 117,
        ("cityhub_presence", "offline"): 3,
        ("cityhub_incidents", ""): 2,
    }
    assert all(family.documentation for family in families)
    assert {family.type for family in families if family.name.endswith(("messages", "rejected"))} == {"counter"}


async def test_prometheus_learns_that_it_is_unwell() -> None:
    async with asked(UNWELL, "/metrics") as response:
        assert "\ncityhub_well 0.0\n" in await response.text()
