"""A Modbus gateway, on pymodbus, whose units hold the registers of the cases and refuse all others that are wanted."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hub.profiles.modbus import BIT_TABLES
from tests.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from hub.profiles.modbus import ModbusSpec
    from hub.profiles.schema import Case, Profile

TABLES = ("coil", "discrete", "holding", "input")
UNUSED = SimData(65_000, values=[False] * 16, datatype=DataType.BITS)


def unit(number: int, profile: Profile, case: Case) -> SimDevice:
    """Return a unit that answers what the case holds.

    What the profile wants and the case does not hold is an illegal address, so that it is not read; what nobody wants
    reads as 0, for requests may span it. A coil between others cannot be illegal here: pymodbus keeps sixteen together.
    """
    assert profile.modbus is not None
    spec = profile.modbus
    coils, discrete, holding, given = (_data(table, spec, case) or [UNUSED] for table in TABLES)
    return SimDevice(number, simdata=(coils, discrete, holding, given))


def _data(table: str, spec: ModbusSpec, case: Case) -> list[SimData]:
    base = 1 if spec.one_based else 0
    held = {
        first + index - base: word
        for name, blocks in (case.registers or {}).items()
        if name == table
        for first, words in blocks.items()
        for index, word in enumerate(words)
    }
    if not held:
        return []
    missing = set(_wanted(table, spec)) - set(held)
    words = {at: held.get(at, 0) for at in range(max(0, min(held) - 20), max(held) + 20) if at not in missing}
    kind, kept = (DataType.BITS, bool) if table in BIT_TABLES else (DataType.REGISTERS, int)
    return [SimData(run[0], values=[kept(words[at]) for at in run], datatype=kind) for run in _runs(words)]


def _wanted(table: str, spec: ModbusSpec) -> Iterator[int]:
    base = 1 if spec.one_based else 0
    for group in spec.groups.values():
        if group.table == table:
            for readings in group.readings.values():
                for register in readings.values():
                    yield from range(register.at - base, register.at - base + register.width)


def _runs(words: Mapping[int, int]) -> Iterator[list[int]]:
    for _, run in groupby(enumerate(sorted(words)), key=lambda pair: pair[1] - pair[0]):
        yield [at for _, at in run]


@asynccontextmanager
async def gateway(port: int, units: list[SimDevice]) -> AsyncIterator[None]:
    """Serve the units on a port of loopback."""
    server = ModbusTcpServer(units, address=(LOOPBACK, port))
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus is typed in part
