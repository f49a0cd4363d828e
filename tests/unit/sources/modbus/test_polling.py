"""When units are asked, and what becomes of their answers."""

from __future__ import annotations

from statistics import mean

import pytest

from hub.errors import Reason
from hub.sources.modbus.turns import share_of
from tests.unit.decode.meters import meter
from tests.unit.sources.modbus.world import HOUR, Device, World, gaps, polling, starts

TWENTY = [Device(f"m{number}", number) for number in range(1, 21)]


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
