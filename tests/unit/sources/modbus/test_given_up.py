"""What a device is said to have given up: the requests that were sent to it and not answered, and no others."""

from __future__ import annotations

import pytest

from tests.unit.sources.modbus.world import HOUR, Device, World, polling


def given_up(world: World) -> list[int]:
    """Requests that were given up, unit by unit."""
    states = [world.source.state(device) for device in sorted(world.directory.watches)]
    return [state.given_up for state in states if state is not None]


async def test_given_up_is_every_request_that_was_sent_and_not_answered() -> None:
    world = World([Device("m1", 1), Device("m2", 2), Device("m3", 3)])
    world.line().unit(1).says = lambda *_: None
    world.line().unit(2).hangs_up = True
    async with polling(world) as pace:
        await pace.wait(HOUR)
    asked = [len(world.line().unit(number).asked) for number in (1, 2)]
    assert given_up(world) == [*asked, 0]
    assert min(asked) > 10


@pytest.mark.parametrize("code", [2, 4, 6, 11])
async def test_a_request_that_was_refused_is_not_given_up(code: int) -> None:
    world = World([Device("m1", 1)])
    world.line().unit(1).says = lambda *_: code
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert given_up(world) == [0]


@pytest.mark.parametrize("mute", [False, True], ids=["refused", "without a word"])
async def test_where_no_connection_is_made_no_request_is_given_up(*, mute: bool) -> None:
    world = World([Device("m1", 1), Device("m2", 2)])
    world.line().up, world.line().mute = mute, mute
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert world.source.counters.failed >= 700
    assert world.source.counters.requests == 0
    assert given_up(world) == [0, 0]
