"""A real hub between a real broker and a real InfluxDB books bytes and follows a bus, over a stop and a kill."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import aiomqtt
import orjson
import pytest

from hub.status.ledger import Ledger, Use
from hub.status.periods import Periods
from provisioning.records import Agency, Geofence, NewDevice, Site, Uplink
from tests.ports import LOOPBACK
from tests.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.sinks.query import InfluxReader

pytestmark = pytest.mark.slow

JAKARTA = Periods(ZoneInfo("Asia/Jakarta"))
AREA = '{"type":"Polygon","coordinates":[[[109,-7],[109.1,-7],[109.1,-6.9],[109,-6.9],[109,-7]]]}'
PATIENCE_S = 150


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as made:
        registry = made.registry
        registry.add(Agency("dishub"))
        registry.add(Site("pasar", agency="dishub"))
        registry.add_devices(
            [
                NewDevice(id="cam-1", profile="generic_ipcamera", site="pasar"),
                NewDevice(id="bus-1", profile="generic_tracker", agency="dishub"),
            ]
        )
        registry.add(Uplink("fiber", "pasar", 100_000_000))
        registry.add(Geofence("alun-alun", AREA))
        await made.start_hub()
        yield made


def client(system: Rig) -> aiomqtt.Client:
    tls = ssl.create_default_context(cafile=system.pki / "ca.pem")
    tls.load_cert_chain(system.pki / "publisher.pem", system.pki / "publisher.key")
    return aiomqtt.Client(
        LOOPBACK, system.service_port, identifier="publisher.rig", protocol=aiomqtt.ProtocolVersion.V5, tls_context=tls
    )


async def send(system: Rig, device: str, *samples: dict[str, object]) -> None:
    """Publish, and wait until the hub has taken it."""
    before = await asyncio.to_thread(system.health)
    async with client(system) as link:
        for sample in samples:
            await link.publish(f"devices/{device}/telemetry", orjson.dumps(sample), qos=1)
    wanted = len(samples) + (before.messages_acknowledged if before else 0)
    await system.until(lambda now: now.messages_acknowledged >= wanted and not now.spool_points)


def camera(ago_s: int, tx_bytes: int) -> dict[str, object]:
    now_s = int(time.time())
    return {"ts": (now_s - ago_s) * 1000, "tx_bytes": tx_bytes, "uptime_s": 100_000 - ago_s}


async def found(reader: InfluxReader, query: str) -> list[list[object]]:
    """Ask until there is an answer."""
    async with asyncio.timeout(PATIENCE_S):
        while not (series := await reader.query(query)):  # noqa: ASYNC110 - a database can only be polled
            await asyncio.sleep(0.5)
    return [row[1:] for row in series[0].values]  # type: ignore[misc]


def used(system: Rig) -> list[Use]:
    ledger = Ledger(system.settings.ledger_file, JAKARTA)
    uses = ledger.uses(JAKARTA.start("month", time.time_ns()))
    ledger.close()
    return uses


async def test_bytes_are_booked_and_a_bus_is_followed(system: Rig) -> None:
    await send(system, "cam-1", camera(60, 5_000_000), camera(30, 8_000_000))
    now_ms = time.time_ns() // 1_000_000
    await send(
        system,
        "bus-1",
        {"ts": now_ms - 90_000, "lat": -6.95, "lon": 108.99},
        {"ts": now_ms - 60_000, "lat": 0.0, "lon": 0.0},
        {"ts": now_ms - 30_000, "lat": -6.95, "lon": 109.01},
    )
    async with system.reader() as reader:
        events = await found(reader, 'SELECT "name", "text" FROM event WHERE device = \'bus-1\'')
        lines = await found(reader, "SELECT tx_bytes FROM bandwidth WHERE device = 'cam-1'")
    assert events == [["geofence_enter", "alun-alun"]]
    assert lines == [[3_000_000]]
    health = await asyncio.to_thread(system.health)
    assert health is not None
    assert health.rejected == {"implausible": 1}


async def looked(system: Rig, event: str, *fixes: tuple[int, float]) -> None:
    """Let the bus cross the border, and wait until status has told so: then it has seen all that came before."""
    now_ms = time.time_ns() // 1_000_000
    for ago_s, lon in fixes:
        await send(system, "bus-1", {"ts": now_ms - 1000 * ago_s, "lat": -6.95, "lon": lon})
    async with system.reader() as reader:
        await found(reader, f'SELECT "text" FROM event WHERE "name" = \'{event}\'')


async def test_neither_a_stop_nor_a_kill_loses_bytes(system: Rig) -> None:
    await send(system, "cam-1", camera(90, 1_000_000), camera(60, 2_000_000))
    await looked(system, "geofence_enter", (90, 108.99), (60, 109.01))
    await system.stop_hub()
    assert used(system) == [Use("bandwidth", "fiber", "dishub", 1_000_000)]
    await system.start_hub()
    await send(system, "cam-1", camera(45, 4_000_000))
    await system.stop_hub(signal.SIGKILL)
    await system.start_hub()
    await send(system, "cam-1", camera(0, 4_500_000))
    await looked(system, "geofence_leave", (0, 108.99))
    await system.stop_hub()
    assert used(system) == [Use("bandwidth", "fiber", "dishub", 3_500_000)]
