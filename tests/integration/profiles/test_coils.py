"""A case of coils and discrete inputs, read over Modbus TCP from a real server."""

from __future__ import annotations

import asyncio
from functools import partial

from hub.decode.cases import case_problems
from hub.directory import Directory
from hub.profiles.schema import Case
from hub.profiles.terms import Terms
from hub.sources.modbus.options import ModbusOptions
from hub.sources.modbus.pace import RealPace
from hub.sources.modbus.source import ModbusSource
from hub.transport.modbus_bus import PymodbusBus
from tests.integration.profiles.registers import gateway, unit
from tests.ports import LOOPBACK, PATIENCE_S, free_ports
from tests.unit.decode.line_protocol import parse_line
from tests.unit.decode.meters import NOW, VOCABULARY, meter
from tests.unit.sources.modbus.world import KEEP_NS, Book, Device

PROFILE = meter(
    {"energy": {"on": {"at": 3, "type": "bit"}, "state": {"at": 12, "type": "bit", "map": {"true": "open"}}}},
    every_s=0.2,
    table="coil",
    more={
        "inputs": {
            "every_s": 0.2,
            "table": "discrete",
            "readings": {"own": {"door": {"at": 3, "type": "bit"}}},
        }
    },
    own={"door": {"type": "bool", "about": "open"}},
)
CASE = Case.model_validate(
    {
        "about": "The load is on, and nobody at the door; the third is no state that the profile knows",
        "registers": {"coil": {3: [1], 12: [0]}, "discrete": {2: [1, 0]}},
        "lines": [f"energy on=true {NOW}", f"meter_ext meter_door=false {NOW}"],
        "rejected": ["out_of_range"],
    }
)


async def test_coils_and_discrete_inputs_are_read_from_a_server_as_their_case_says() -> None:
    assert case_problems(Terms(PROFILE, "meter", VOCABULARY), CASE) == []
    (port,) = free_ports(1)
    book, directory = Book(), Directory(VOCABULARY, {"meter": PROFILE}, KEEP_NS)
    directory.update([Device("m1", 1, f"tcp://{LOOPBACK}:{port}")])
    source = ModbusSource(directory, book, ModbusOptions(), RealPace(), partial(PymodbusBus, connect_s=5))
    async with gateway(port, [unit(1, PROFILE, CASE)]):
        task = asyncio.create_task(source.run())
        async with asyncio.timeout(PATIENCE_S):
            while {point.measurement for point in book.points()} != {"energy", "meter_ext"}:  # noqa: ASYNC110 - a book to look at
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
    assert [letter.reason for letter in book.dead] == list(CASE.rejected)
    expected = {point.measurement: point.fields for point in map(parse_line, CASE.lines)}
    assert all(point.fields == expected[point.measurement] for point in book.points())
