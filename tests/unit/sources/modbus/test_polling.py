from __future__ import annotations

from itertools import pairwise
from math import inf
from statistics import mean
from typing import TYPE_CHECKING

import pytest

from hub.errors import Reason
from hub.sources.modbus.turns import share_of
from tests.unit.decode.meters import NOW, meter
from tests.unit.sources.modbus.world import HOUR, Device, World, polling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.transport.modbus import Table

TWENTY = [Device(f"m{number}", number) for number in range(1, 21)]


def starts(world: World, number: int, *, after: float = 0) -> list[float]:
    """When a unit was asked."""
    return [when for when, _, _ in world.line().unit(number).asked if when >= after]


def gaps(times: list[float]) -> list[float]:
    return [later - sooner for sooner, later in pairwise(times)]


async def test_a_poll_becomes_lines_with_the_tags_of_the_device_and_the_time_of_the_read() -> None:
    world = World([Device("m1", 7, site="balai", zones=("air",))])
    async with polling(world) as pace:
        await pace.wait(3)
    (point,) = world.book.points()
    ((time, words),) = world.line().unit(7).served.items()
    assert point.tags == {"device": "m1", "profile": "meter", "site": "balai", "zone": "air"}
    assert (point.time, point.fields) == (time, {"power_w": words[0], "voltage_v": words[1]})


async def test_both_readings_come_with_one_request() -> None:
    world = World([Device("m1")])
    async with polling(world) as pace:
        await pace.wait(3)
    assert [(address, size) for _, address, size in world.line().unit(1).asked] == [(0, 2)]
    assert world.source.counters.requests == 1


async def test_intervals_do_not_drift() -> None:
    world = World([Device("m1")])
    async with polling(world) as pace:
        await pace.wait(HOUR)
    shift = share_of("m1") * 10
    asked = starts(world, 1)[1:]  # the first comes as soon as it can
    assert [round((when - shift) % 10, 6) % 10 for when in asked] == [0] * len(asked)
    assert world.source.counters.on_time == len(asked) + 1 == 360
    assert world.source.counters.due == world.source.counters.on_time


async def test_units_are_asked_at_different_times() -> None:
    world = World(TWENTY)
    async with polling(world) as pace:
        await pace.wait(30)
    phases = {round(starts(world, number, after=pace.seconds - 10)[0], 1) for number in range(1, 21)}
    assert len(phases) > 15


async def test_a_device_answers_soon_after_it_was_added_whatever_its_interval() -> None:
    slow = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}}}, every_s=86400)
    world = World([Device("m1")], {"meter": slow})
    async with polling(world) as pace:
        await pace.wait(2)
    assert len(world.book.points()) == 1


async def test_a_gateway_that_cannot_keep_up_skips_and_counts_and_piles_nothing_up() -> None:
    world = World(TWENTY)
    for number in range(1, 21):
        world.line().unit(number).takes_s = 0.9  # eighteen seconds for all, every ten
    async with polling(world) as pace:
        await pace.wait(HOUR)
    counters = world.source.counters
    assert counters.requests == pytest.approx(HOUR / 0.9, rel=0.05)
    assert counters.late == pytest.approx(20 * HOUR / 10 - counters.on_time, abs=40)
    asked = [len(starts(world, number)) for number in range(1, 21)]
    assert min(asked) > 0.9 * mean(asked)
    assert counters.lateness_p99_ms() < 20_000


async def test_dead_units_and_a_slow_one_leave_their_neighbours_their_interval() -> None:
    patient = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}}}, limits={"timeout_ms": 3000})
    world = World(TWENTY, {"meter": patient})
    for number in (3, 9, 15):
        world.line().unit(number).says = lambda *_: None
    world.line().unit(5).takes_s = 2.0
    async with polling(world) as pace:
        await pace.wait(600)
        settled = pace.seconds
        await pace.wait(HOUR)
    for number in set(range(1, 21)) - {3, 5, 9, 15}:
        asked = starts(world, number, after=settled)
        assert len(asked) in {360, 361}, "a poll was missed"
        assert max(gaps(asked)) <= 10 + 3.4  # the longest request, and the queue behind it
    for number in (3, 9, 15):
        asked = starts(world, number, after=settled)
        assert min(gaps(asked)) >= 45
        assert sum(world.line().unit(number).patience[-len(asked) :]) <= 0.04 * HOUR
    assert min(gaps(starts(world, 5, after=settled))) >= 40
    assert "takes 2.0 s to answer" in world.fault("m5")
    assert world.fault("m3").startswith("no answer within")


async def test_a_dead_unit_is_tried_now_and_then_even_on_a_bus_that_is_never_free() -> None:
    world = World(TWENTY)
    for number in range(1, 20):
        world.line().unit(number).takes_s = 0.9
    world.line().unit(20).says = lambda *_: None
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert 20 < len(starts(world, 20)) < 90


async def test_a_unit_that_is_silent_anyway_is_waited_for_only_now_and_then_at_length() -> None:
    world = World([Device("m1")])
    world.line().unit(1).says = lambda *_: None
    async with polling(world) as pace:
        await pace.wait(HOUR)
    assert world.line().unit(1).patience[:9] == [1, 0.25, 0.25, 0.25, 1, 0.25, 0.25, 0.25, 1]


async def test_one_lost_answer_costs_one_poll() -> None:
    world = World(TWENTY)
    answers = iter([True, True, False, *[True] * 1000])
    unit = world.line().unit(1)
    unit.says = lambda _, address, size: [1] * size if next(answers) and address == 0 else None
    async with polling(world) as pace:
        await pace.wait(100)
    assert max(gaps([time / 1e9 for time in unit.served])) <= 21
    assert world.fault("m1") == ""


async def test_a_unit_that_comes_back_is_read_again() -> None:
    world = World([Device("m1")])
    unit = world.line().unit(1)
    unit.says = lambda *_: None
    async with polling(world) as pace:
        await pace.wait(HOUR)
        assert world.fault("m1").startswith("no answer within")
        unit.says = None
        await pace.wait(70)
        back = len(unit.served)
        await pace.wait(100)
    assert back >= 1
    assert len(unit.served) == back + 10
    assert world.fault("m1") == ""
    assert len(world.book.points()) == len(unit.served)


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


async def test_a_pause_is_kept_between_two_requests_to_a_device_and_not_to_its_neighbour() -> None:
    three = {"own": {f"r{n}": {"at": 20 * n, "type": "uint16"} for n in range(3)}}
    own = {f"r{n}": {"type": "int", "unit": "1", "min": 0, "max": 65535, "about": "r"} for n in range(3)}
    world = World([Device("m1", 1), Device("m2", 2)], {"meter": meter(three, own=own, limits={"pause_ms": 500})})
    async with polling(world) as pace:
        await pace.wait(100)
    for number in (1, 2):
        asked = starts(world, number)
        assert len(asked) >= 30
        assert min(gaps(asked)) == pytest.approx(0.52)
    both = sorted([*starts(world, 1), *starts(world, 2)])
    assert min(gaps(both)) < 0.1


async def test_a_profile_that_counts_from_one_asks_for_one_less() -> None:
    profile = meter({"energy": {"power_w": {"at": 40, "type": "uint16"}}}, one_based=True)
    world = World([Device("m1")], {"meter": profile})
    async with polling(world) as pace:
        await pace.wait(3)
    assert world.line().unit(1).asked[0][1:] == (39, 1)
    assert len(world.book.points()) == 1


async def test_what_is_read_half_is_written_half() -> None:
    profile = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 50, "type": "uint16"}}})
    world = World([Device("m1")], {"meter": profile})
    world.line().unit(1).says = lambda _, address, __: [7] if address == 0 else None
    async with polling(world) as pace:
        await pace.wait(5)
    assert {name for point in world.book.points() for name in point.fields} == {"power_w"}


async def test_a_reading_that_stays_out_of_range_is_one_dead_letter_until_it_was_well() -> None:
    profile = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 1, "type": "uint16"}}})
    world = World([Device("m1", 4)], {"meter": profile})
    unit = world.line().unit(4)
    async with polling(world) as pace:
        for power in (60000, 5, 60000):
            unit.says = lambda *_, power=power: [power, 230]
            await pace.wait(50)
    assert len(world.book.dead) == 2
    letter = world.book.dead[0]
    assert (letter.device, letter.reason) == ("m1", Reason.OUT_OF_RANGE)
    assert letter.topic == "tcp://10.0.0.5:502 unit 4 holding 0"
    assert letter.payload == (60000).to_bytes(2, "big") + b"\0\xe6"
    assert all("voltage_v" in point.fields for point in world.book.points())


async def test_answers_are_evidence_that_the_device_lives() -> None:
    profile = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}}}, vitals=["energy.power_w"])
    world = World([Device("m1")], {"meter": profile})
    async with polling(world) as pace:
        await pace.wait(3)
        watch = world.directory.watches["m1"]
        ((time, words),) = world.line().unit(1).served.items()
        assert watch.heard_ns == time
        assert watch.samples == [(time, time, float(words[0]))]
        world.line().unit(1).says = lambda *_: None
        await pace.wait(HOUR)
        assert watch.heard_ns == time
        state = world.source.state("m1")
    assert state is not None
    assert state.answered_ns == time
    assert state.failed_ns > time + HOUR * 0.9e9


async def test_a_full_spool_costs_readings_that_are_counted_and_no_poll() -> None:
    steady = {"energy": {"power_w": {"at": 0, "type": "uint16", "dead_band": 1, "silence_s": 86400}}}
    world = World([Device("m1")], {"meter": meter(steady)})
    world.line().unit(1).says = lambda *_: [5]
    world.book.full = True
    async with polling(world) as pace:
        await pace.wait(100)
        assert world.source.counters.on_time == world.source.counters.dropped
        world.book.full = False
        await pace.wait(100)
    assert len(world.book.points()) == 1  # what was never stored counts as never reported


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
