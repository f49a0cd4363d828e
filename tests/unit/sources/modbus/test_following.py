"""The poller follows the registry, and one gateway's trouble is no other's."""

from __future__ import annotations

from math import inf

import pytest

from tests.unit.decode.meters import NOW, meter
from tests.unit.sources.modbus.world import HOUR, Device, World, gaps, polling, starts


async def test_the_registry_is_followed_and_nobody_else_is_disturbed() -> None:
    world = World([Device("m1", 1)])
    async with polling(world) as pace:
        await pace.wait(35)
        world.change(Device("m2", 2), Device("m3", 1, "tcp://10.0.0.6:502"))
        await pace.wait(25)
        world.change(Device("m1", 1, site="baru"))
        await pace.wait(25)
        world.change(gone=["m2", "m3"])
        stopped = pace.seconds
        await pace.wait(25)
    assert [gap for gap in gaps(starts(world, 1)[1:]) if gap != pytest.approx(10)] == []
    assert world.line().opened == 1
    assert len(starts(world, 2)) >= 4
    assert max(starts(world, 2)) < stopped
    assert len(world.line("tcp://10.0.0.6:502").unit(1).asked) >= 4
    assert [point.tags.get("site") for point in world.book.points("m1")][-4:] == ["baru"] * 4
    assert world.source.state("m2") is None
    assert world.source.devices == 1


async def test_a_device_that_moves_to_another_unit_or_gateway_is_asked_there() -> None:
    world = World([Device("m1", 1)])
    async with polling(world) as pace:
        await pace.wait(15)
        world.change(Device("m1", 2))
        await pace.wait(15)
        world.change(Device("m1", 2, "tcp://10.0.0.6:502"))
        moved = pace.seconds
        await pace.wait(15)
    assert max(starts(world, 1)) < min(starts(world, 2)) < moved
    assert world.line("tcp://10.0.0.6:502").unit(2).served
    assert not world.buses[0].is_open


async def test_an_answer_that_comes_after_the_device_has_gone_is_nobodys() -> None:
    world = World([Device("m1", 1), Device("m2", 2)])
    world.line().unit(1).takes_s = 0.9
    async with polling(world) as pace:
        while not starts(world, 1):
            await pace.wait(0.1)
        world.change(gone=["m1"])
        await pace.wait(5)
    assert world.book.points("m1") == []
    assert world.book.points("m2") != []


async def test_what_cannot_be_polled_says_why_and_harms_nobody() -> None:
    deaf = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}}}).model_copy(update={"modbus": None})
    wide = meter({"energy": {"power_w": {"at": 0, "type": "uint32"}}}, limits={"block": 1})
    world = World(
        [
            Device("m1"),
            Device("m2", profile="deaf"),
            Device("m3", profile="wide"),
            Device("m4", modbus="tcp://bad:502"),
            Device("m5", profile="nobody"),
        ],
        {"meter": meter({"energy": {"power_w": {"at": 0, "type": "uint16"}}}), "deaf": deaf, "wide": wide},
    )
    async with polling(world) as pace:
        await pace.wait(3)
        assert world.fault("m2") == "not polled: the profile deaf says nothing of Modbus"
        assert "takes 2, the device's limit is 1" in world.fault("m3")
        assert "is no Modbus address" in world.fault("m4")
        assert world.fault("m5") == "not polled: the profile nobody says nothing of Modbus"
        world.change(Device("m2"))
        await pace.wait(3)
    assert world.book.points("m1") != []
    assert world.book.points("m2") != []


async def test_a_source_without_devices_waits() -> None:
    world = World([])
    async with polling(world) as pace:
        await pace.wait(HOUR)
        assert pace._alarms == [] or min(pace._alarms)[0] == inf
        world.change(Device("m1"))
        await pace.wait(3)
    assert len(world.book.points()) == 1
    assert world.book.points()[0].time > NOW


async def test_a_mistake_of_ours_at_one_gateway_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    world = World([Device("m1"), Device("m2", 1, "tcp://10.0.0.6:502")])
    world.line().unit(1).says = lambda *_: [1, 2, 3]  # what the transport promises never to return
    async with polling(world) as pace:
        await pace.wait(100)
    assert len(world.book.points("m2")) >= 10
    assert world.book.points("m1") == []
    assert "polling tcp://10.0.0.5:502 failed, beginning anew" in caplog.text
    assert 2 <= len(starts(world, 1)) <= 5
