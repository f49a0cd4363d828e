"""Units that answer with an exception, and gateways that hang up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.decode.meters import meter
from tests.unit.sources.modbus.world import HOUR, Device, World, gaps, polling, starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.transport.modbus import Table


def refusing(*addresses: int, code: int = 2) -> object:
    def says(_: Table, address: int, size: int) -> Sequence[int] | int:
        if set(addresses) & set(range(address, address + size)):
            return code
        return list(range(address, address + size))

    return says


EIGHT = meter({"energy": {}, "own": {f"r{n}": {"at": n, "type": "uint16"} for n in range(8)}} | {
    "energy": {"power_w": {"at": 8, "type": "uint16"}}
}, own={f"r{n}": {"type": "int", "unit": "1", "min": 0, "max": 65535, "about": "r"} for n in range(8)})  # fmt: skip


async def test_an_illegal_address_costs_only_the_reading_that_stands_there() -> None:
    world = World([Device("m1")], {"meter": EIGHT})
    unit = world.line().unit(1)
    unit.says = refusing(3)  # type: ignore[assignment]  # as Behaviour.says
    async with polling(world) as pace:
        await pace.wait(8)
        fields = {name for point in world.book.points() for name in point.fields}
        assert fields == {f"meter_r{n}" for n in range(8) if n != 3} | {"power_w"}
        assert world.fault("m1") == "own.r3 at 3: it has no such address"
        before = len(unit.asked)
        await pace.wait(100)
        assert [(address, size) for _, address, size in unit.asked[before:]] == [(0, 3), (4, 5)] * 10


async def test_a_hole_that_nobody_knows_of_is_gone_around() -> None:
    profile = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 4, "type": "uint16"}}})
    world = World([Device("m1")], {"meter": profile})
    unit = world.line().unit(1)
    unit.says = refusing(2)  # type: ignore[assignment]  # as Behaviour.says
    async with polling(world) as pace:
        await pace.wait(50)
    assert [(address, size) for _, address, size in unit.asked][:3] == [(0, 5), (0, 1), (4, 1)]
    assert (0, 5) not in [(address, size) for _, address, size in unit.asked[1:]]
    assert world.fault("m1") == ""


async def test_what_was_refused_is_asked_for_again_after_an_hour() -> None:
    world = World([Device("m1")], {"meter": EIGHT})
    unit = world.line().unit(1)
    unit.says = refusing(3)  # type: ignore[assignment]  # as Behaviour.says
    async with polling(world) as pace:
        await pace.wait(60)
        unit.says = refusing()  # type: ignore[assignment]  # as Behaviour.says
        await pace.wait(HOUR)
        before = len(unit.asked)
        await pace.wait(10)
    assert [(address, size) for _, address, size in unit.asked[before:]] == [(0, 9)]
    assert world.fault("m1") == ""


async def test_a_table_that_a_device_does_not_have_is_said_and_not_divided() -> None:
    world = World([Device("m1")], {"meter": EIGHT})
    unit = world.line().unit(1)
    unit.says = refusing(0, code=1)  # type: ignore[assignment]  # as Behaviour.says
    async with polling(world) as pace:
        await pace.wait(1000)
    assert len(unit.asked) == 1
    assert world.source.counters.failed >= 99
    assert world.fault("m1") == (
        "energy.power_w, own.r0, own.r1 and 6 more at 0: it does not know this function, so it has no such table"
    )


async def test_a_busy_unit_is_asked_again_soon_and_its_turn_is_kept() -> None:
    world = World([Device("m1")])
    unit = world.line().unit(1)
    answers: list[int] = [6, 6, 5]
    unit.says = lambda _, __, size: answers.pop(0) if answers else [1] * size
    async with polling(world) as pace:
        await pace.wait(5)
    assert [round(gap, 1) for gap in gaps(starts(world, 1))] == [0.2, 0.4, 0.8]
    assert (world.source.counters.on_time, world.source.counters.failed) == (1, 0)
    assert world.fault("m1") == ""


async def test_a_unit_that_stays_busy_says_so_and_fails_its_polls() -> None:
    world = World([Device("m1")])
    world.line().unit(1).says = lambda *_: 6
    async with polling(world) as pace:
        await pace.wait(100)
    assert world.fault("m1") == "it is busy"
    assert world.source.counters.on_time == 0
    assert world.source.counters.due >= 9


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4, "it has failed"),
        (10, "the gateway has no path to it"),
        (11, "the gateway got no answer from it"),
        (99, "it answered with the unknown exception 99"),
    ],
)
async def test_a_unit_that_the_gateway_does_not_reach_is_left_alone_by_itself(code: int, sentence: str) -> None:
    world = World([Device("m1", 1), Device("m2", 2)])
    world.line().unit(1).says = lambda *_: code
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert world.fault("m1") == sentence
    assert len(starts(world, 1)) < 100
    assert len(starts(world, 2)) in {360, 361}


async def test_a_gateway_that_hangs_up_for_one_unit_still_serves_the_others() -> None:
    world = World([Device("m1", 1), Device("m2", 2)])
    world.line().unit(1).hangs_up = True
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert "hung up when it was asked" in world.fault("m1")
    assert len(world.line().unit(2).served) >= 359
    assert len(starts(world, 1)) < 160


async def test_a_connection_that_ended_while_it_idled_costs_no_poll() -> None:
    world = World([Device("m1")])
    async with polling(world) as pace:
        for _ in range(30):
            await pace.wait(10)
            world.buses[0].close()
    assert world.source.counters.failed == world.source.counters.late == 0
    assert world.line().opened >= 29


async def test_a_connection_on_which_nobody_answers_is_made_anew() -> None:
    world = World([Device("m1", 1), Device("m2", 2)])
    for number in (1, 2):
        world.line().unit(number).says = lambda *_: None
    async with polling(world) as pace:
        await pace.wait(HOUR)
    asked = len(starts(world, 1)) + len(starts(world, 2))
    assert asked // 3 <= world.line().opened <= asked // 3 + 1
