"""Polling real pymodbus servers in processes of their own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hub.directory import Directory
from hub.sources.modbus.options import ModbusOptions
from hub.sources.modbus.pace import RealPace
from hub.sources.modbus.source import ModbusSource
from hub.transport.modbus_bus import PymodbusBus
from tests.ports import PATIENCE_S, free_ports
from tests.unit.decode.meters import VOCABULARY, meter
from tests.unit.sources.modbus.world import KEEP_NS, Book, Device

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable

    from tests.unit.decode.line_protocol import Point

SERVER = Path(__file__).parent / "modbus_server.py"
OLDEST_MS = 5000
"""How old a server's clock register may be when it is read: its tick, and a very busy machine."""
OWN = {
    "clock": {"type": "int", "unit": "ms", "min": 0, "max": 2**32, "about": "the server's"},
    "number": {"type": "int", "unit": "1", "min": 0, "max": 255, "about": "the unit's"},
    "nothing": {"type": "int", "unit": "1", "min": 0, "max": 65535, "about": "is not there"},
}
CLOCK = {"clock": {"at": 0, "type": "uint32"}, "number": {"at": 2, "type": "uint16"}}


@asynccontextmanager
async def served(kind: str, port: int, *units: int) -> AsyncIterator[Process]:
    """Run a server beside the block, until it is killed or the block ends."""
    program = (sys.executable, str(SERVER), kind, str(port), *map(str, units))
    server = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


class Poller:
    """A source and what it wrote."""

    def __init__(self, devices: list[Device], registers: dict[str, dict[str, Any]]) -> None:
        profile = meter({"own": registers}, own=OWN, every_s=0.2, limits={"timeout_ms": 500})
        self.book = Book()
        self.directory = Directory(VOCABULARY, {"meter": profile}, KEEP_NS)
        self.directory.update(devices)
        bus = partial(PymodbusBus, connect_s=5)
        self.source = ModbusSource(self.directory, self.book, ModbusOptions(longest_rest_s=1), RealPace(), bus)

    def points(self, device: str) -> list[Point]:
        """Return what was written of a device."""
        return self.book.points(device)

    def fault(self, device: str) -> str:
        """Return what is wrong with a device."""
        state = self.source.state(device)
        return "" if state is None else state.fault

    async def until(self, met: Callable[[], object]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not met():  # noqa: ASYNC110 - what another process does can only be looked at
                await asyncio.sleep(0.02)


@asynccontextmanager
async def polling(*devices: Device, registers: dict[str, dict[str, Any]] | None = None) -> AsyncIterator[Poller]:
    poller = Poller(list(devices), registers or CLOCK)
    task = asyncio.create_task(poller.source.run())
    try:
        yield poller
    finally:
        task.cancel()
        await asyncio.wait([task])


def true(point: Point) -> bool:
    """Tell whether the value was the server's clock at the time that the point carries."""
    clock = point.fields["meter_clock"]
    age = (point.time // 1_000_000 - int(clock)) & 0xFFFFFFFF
    return age <= OLDEST_MS and point.fields["meter_number"] == int(point.tags["device"].removeprefix("m"))


@pytest.mark.parametrize(("kind", "scheme"), [("tcp", "tcp"), ("rtu", "rtutcp")])
async def test_a_server_that_is_killed_and_comes_back_leaves_a_hole_and_nothing_else(kind: str, scheme: str) -> None:
    (port,) = free_ports(1)
    address = f"{scheme}://127.0.0.1:{port}"
    async with polling(Device("m3", 3, address), Device("m7", 7, address)) as one:
        async with served(kind, port, 3, 7):
            await one.until(lambda: len(one.points("m3")) > 2 and len(one.points("m7")) > 2)
        killed = len(one.book.points())
        await one.until(lambda: "no connection" in one.fault("m3"))
        await one.until(lambda: one.source.counters.failed > 4)
        assert len(one.book.points()) <= killed + 2
        async with served(kind, port, 3, 7):
            await one.until(lambda: len(one.book.points()) > killed + 6)
        assert all(true(point) for point in one.book.points())


async def test_an_address_that_a_real_server_refuses_costs_only_its_own_reading() -> None:
    (port,) = free_ports(1)
    registers = {**CLOCK, "nothing": {"at": 9, "type": "uint16"}}
    async with (
        served("tcp", port, 1),
        polling(Device("m1", 1, f"tcp://127.0.0.1:{port}"), registers=registers) as one,
    ):
        await one.until(lambda: len(one.points("m1")) > 3)
        assert one.fault("m1") == "own.nothing at 9: it has no such address"
        whole = [point for point in one.points("m1") if len(point.fields) == 2]
        assert all(true(point) for point in whole)
        await one.until(lambda: one.points("m1")[-1] not in whole and len(one.points("m1")[-1].fields) == 2)


async def test_gateways_are_polled_beside_one_another() -> None:
    here, nowhere = free_ports(2)
    async with (
        served("tcp", here, 1),
        polling(
            Device("m1", 1, f"tcp://127.0.0.1:{here}"),
            Device("m2", 2, f"tcp://127.0.0.1:{nowhere}"),
            Device("m9", 9, f"tcp://127.0.0.1:{here}"),
        ) as one,
    ):
        await one.until(lambda: len(one.points("m1")) > 20)
        assert "connection refused" in one.fault("m2")
        assert one.source.outages == [f"Modbus tcp://127.0.0.1:{nowhere}: no connection: connection refused"]
        assert one.fault("m9") != ""
        assert all(true(point) for point in one.points("m1"))
