"""The hub polls servers that nobody here wrote: on libmodbus (C) and on modbus-serial (Node.js), over TCP and RTU."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from provisioning.records import NewDevice
from tests.integration.modbus.processes import (
    Tables,
    libmodbus,
    lines_of,
    modbus_serial,
    serial_line,
    skip_without_node,
    started,
)
from tests.polled import Kept, PolledEntry, directory_of, polling, source_of
from tests.ports import LOOPBACK, PATIENCE_S, free_ports
from tests.rig import rig

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hub.sources.modbus.source import ModbusSource

HOLDING, INPUT = 3, 4
"""The functions that read them."""
PROFILE = """
vendor: Test
model: counterpart
kind: meter
about: What the two servers hold
manual: { title: none, edition: none }
interval_s: 0.5
own:
  door_open: { type: bool, about: The cabinet's door is open }
  smoke: { type: bool, about: Smoke in the cabinet }
modbus:
  limits: { gap: 4 }
  groups:
    meter:
      every_s: 0.5
      table: input
      readings:
        energy:
          voltage_v: { at: 0, type: float32 }
          power_w: { at: 12, type: float32, order: CDAB }
          energy_total_kwh: { at: 342, type: int64, scale: 0.001 }
    ups:
      every_s: 0.5
      table: holding
      readings:
        ups:
          runtime_s: { at: 128, type: uint32 }
          charge_percent: { at: 130, type: uint16, scale: 0.001953125 }
          battery_temperature_c: { at: 135, type: int16, scale: 0.0078125 }
          load_percent: { at: 136, type: uint16, scale: 0.00390625 }
    contacts:
      every_s: 0.5
      table: coil
      readings:
        switch:
          relay_on: { at: 3, type: bit }
    inputs:
      every_s: 0.5
      table: discrete
      readings:
        own:
          door_open: { at: 65, type: bit }
          smoke: { at: 66, type: bit }
"""
TABLES: Tables = {
    "input": {
        **dict.fromkeys(range(16), 0), 0: 0x4366, 1: 0x8000, 12: 0x2000, 13: 0x43FF,
        342: 0, 343: 0, 344: 0x02DF, 345: 0xA62C,
    },
    "holding": {128: 1, 129: 4464, 130: 51200, 131: 0, 132: 0, 133: 0, 134: 0, 135: 0xFD80, 136: 5130},
    "coil": {3: 1},
    "discrete": {65: 0, 66: 1},
}  # fmt: skip
EXPECTED: dict[str, dict[str, bool | float | int | str]] = {
    "energy": {"voltage_v": 230.5, "power_w": 510.25, "energy_total_kwh": 48_211.5},
    "ups": {"runtime_s": 70_000, "charge_percent": 100.0, "battery_temperature_c": -5.0, "load_percent": 20.0390625},
    "switch": {"relay_on": True},
    "meter_ext": {"test_counterpart_door_open": False, "test_counterpart_smoke": True},
}


@asynccontextmanager
async def counterpart(
    command: Callable[[str, object, Tables], list[str]], way: str, folder: Path
) -> AsyncIterator[tuple[Process, str]]:
    """Run a server; yield its process, and the address at which the hub polls it."""
    if command is modbus_serial:
        await skip_without_node()
    async with AsyncExitStack() as stack:
        if way == "tcp":
            port = free_ports(1)[0]
            where, address = str(port), f"tcp://{LOOPBACK}:{port}"
        else:
            theirs, ours = await stack.enter_async_context(serial_line(folder))
            where, address = str(theirs), f"rtu://{ours.resolve()}?baud=9600&parity=N"
        yield await stack.enter_async_context(started(*command(way, where, TABLES))), address


def polled(address: str, folder: Path, kept: Kept) -> ModbusSource:
    entry = PolledEntry("dev-1", "test_counterpart", address, 1, agency="dishub")
    return source_of(directory_of(folder / "profiles", {"test_counterpart": PROFILE}, [entry]), kept)


async def enough(kept: Kept, count: int) -> None:
    """Wait until there are so many points of each measurement."""
    async with asyncio.timeout(PATIENCE_S):
        while min(sum(1 for one in kept.points if one.measurement == name) for name in EXPECTED) < count:
            await kept.something.wait()
            kept.something.clear()


def merged(kept: Kept) -> dict[str, dict[str, bool | float | int | str]]:
    fields: dict[str, dict[str, bool | float | int | str]] = {}
    for point in kept.points:
        fields.setdefault(point.measurement, {}).update(point.fields)
    return fields


@pytest.mark.parametrize("way", ["tcp", "rtu"])
@pytest.mark.parametrize("command", [libmodbus, modbus_serial])
async def test_the_hub_reads_what_the_server_holds_with_the_time_of_the_read(
    command: Callable[[str, object, Tables], list[str]], way: str, tmp_path: Path
) -> None:
    kept = Kept()
    began = time.time_ns()
    async with counterpart(command, way, tmp_path) as (_, address), polling(polled(address, tmp_path, kept)):
        await enough(kept, 6)
    assert merged(kept) == EXPECTED
    assert kept.dead == []
    assert all(began < point.time < time.time_ns() for point in kept.points)
    assert {point.tags["device"] for point in kept.points} == {"dev-1"}
    for name in EXPECTED:
        times = [point.time for point in kept.points if point.measurement == name]
        assert times == sorted(times)


@pytest.mark.parametrize("command", [libmodbus, modbus_serial])
async def test_it_is_asked_in_the_fewest_requests(
    command: Callable[[str, object, Tables], list[str]], tmp_path: Path
) -> None:
    kept = Kept()
    async with counterpart(command, "tcp", tmp_path) as (process, address), polling(polled(address, tmp_path, kept)):
        await enough(kept, 4)
        seen = set()
        async for line in lines_of(process.stdout):
            function, first, count = map(int, line.split())
            if function in {HOLDING, INPUT}:  # of bits modbus-serial does not tell how many were asked for
                seen.add((function, first, count))
            if len(seen) == 4:
                break
    assert seen == {(INPUT, 0, 2), (INPUT, 12, 2), (INPUT, 342, 4), (HOLDING, 128, 9)}


@pytest.mark.parametrize("way", ["tcp", "rtu"])
@pytest.mark.parametrize("command", [libmodbus, modbus_serial])
async def test_when_the_server_dies_nothing_is_written_and_when_it_is_back_it_is_read_again(
    command: Callable[[str, object, Tables], list[str]], way: str, tmp_path: Path
) -> None:
    kept = Kept()
    async with (
        counterpart(command, way, tmp_path) as (process, address),
        polling(polled(address, tmp_path, kept)) as source,
    ):
        await enough(kept, 2)
        process.kill()
        await process.wait()
        died = time.time_ns()
        async with asyncio.timeout(PATIENCE_S):
            while not (state := source.state("dev-1")) or state.failed_ns < died:  # noqa: ASYNC110 - a state to look at
                await asyncio.sleep(0.05)
        assert [point for point in kept.points if point.time > died + 1_000_000] == []
        assert state.fault
        kept.points.clear()
        where = address.rpartition(":")[2] if way == "tcp" else str(tmp_path / "line-a")
        async with started(*command(way, where, TABLES)):
            await enough(kept, 2)
    assert merged(kept) == EXPECTED


async def test_a_meter_on_libmodbus_arrives_in_the_database_by_the_profile_that_ships(tmp_path: Path) -> None:
    """From the registry of a running hub to a query: nothing of it is the test's own but the registers."""
    zeros: dict[int, int] = dict.fromkeys((*range(0x60), *range(0x156, 0x15A)), 0)
    held = {0: 0x4366, 1: 0x8000, 0x46: 0x4248, 0x48: 0x449A, 0x49: 0x5000}
    tables: Tables = {"input": zeros | held, "holding": {}}
    port = free_ports(1)[0]
    device = NewDevice(id="kwh-1", profile="eastron_sdm120", agency=None, modbus=f"tcp://{LOOPBACK}:{port}", unit=1)
    began = time.time_ns()
    async with started(*libmodbus("tcp", port, tables)), rig(tmp_path) as made:
        await made.start_hub()
        made.registry.add_devices([device])
        async with made.reader() as reader, asyncio.timeout(PATIENCE_S):
            found: dict[str, object] = {}
            while len(found) < 3:
                wanted = "voltage_v, frequency_hz, energy_import_kwh"
                for table in await reader.query(f"SELECT {wanted} FROM energy WHERE device = 'kwh-1' GROUP BY profile"):
                    assert table.tags == {"profile": "eastron_sdm120"}
                    for row in table.values:
                        found |= {key: cell for key, cell in zip(table.columns[1:], row[1:], strict=True) if cell}
                        assert began < int(row[0] or 0) < time.time_ns()
                await asyncio.sleep(0.1)
    assert found == {"voltage_v": 230.5, "frequency_hz": 50, "energy_import_kwh": 1234.5}
