"""Outages of half an hour and longer, with the hub's own spool and delivery behind: not one stale or invented point."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.spool.options import SpoolOptions
from hub.spool.sqlite import SqliteSpool
from tests.ports import PATIENCE_S
from tests.unit.decode.line_protocol import parse_line
from tests.unit.pipeline.helpers import MemorySink, running
from tests.unit.sources.modbus.world import HOUR, Device, World, polling

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.sources.modbus.source import ModbusSource
    from tests.unit.decode.line_protocol import Point

NUMBERS = range(1, 6)
DEVICES = [Device(f"m{number}", number) for number in NUMBERS]
EVERY_S = 10


class Hall:
    """The way from a poll to the database."""

    def __init__(self, world: World, source: ModbusSource, intake: BatchingIntake, counters: Counters) -> None:
        self.world = world
        self.source = source
        self.intake = intake
        self.counters = counters
        self.sink = MemorySink()

    async def stored(self) -> list[Point]:
        """Return all points that reached the database, once nothing is on its way any more."""
        self.sink.gate.set()
        await self.intake.settled()
        async with asyncio.timeout(PATIENCE_S):
            await self.sink.until(lambda: len(self.sink.stored) == self.counters.points_spooled)
        return [parse_line(line.decode().rstrip("\n")) for line in self.sink.stored]

    def true(self, point: Point) -> bool:
        """Tell whether the device said just that at just that time."""
        unit = self.world.line().unit(int(point.tags["device"][1:]))
        words = unit.served.get(point.time)
        return words is not None and point.fields == {"power_w": words[0], "voltage_v": words[1]}

    @property
    def served(self) -> int:
        """Answers that were given in all."""
        return sum(len(unit.served) for unit in self.world.line().units.values())


@asynccontextmanager
async def hall(file: Path, max_mb: int = 100) -> AsyncIterator[Hall]:
    async with AsyncExitStack() as stack:
        world, counters, options = World(DEVICES), Counters(), PipelineOptions(commit_every_ms=1)
        spool = await stack.enter_async_context(SqliteSpool(file, SpoolOptions(max_mb=max_mb, reserve_mb=0)))
        intake = BatchingIntake(world.directory, spool, options, counters)
        one = Hall(world, world.polled_into(intake), intake, counters)
        delivery = Delivery(spool, one.sink, options, counters, world.pace.now_ns)
        await stack.enter_async_context(running(intake.run(), delivery.run()))
        await stack.enter_async_context(polling(world, one.source))
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("mute", [False, True], ids=["refused", "without a word"])
async def test_an_hour_without_the_link_leaves_an_hour_without_points(tmp_path: Path, *, mute: bool) -> None:
    async with hall(tmp_path / "spool.db") as one:
        pace, line = one.world.pace, one.world.line()
        await pace.wait(600)
        line.fall()
        line.mute = mute
        line.up = mute
        down = pace.now_ns()
        await pace.wait(HOUR)
        up = pace.now_ns()
        line.up, line.mute = True, False
        await pace.wait(600)
        points = await one.stored()

    assert all(one.true(point) for point in points)
    assert len(points) == one.served
    assert not [point for point in points if down < point.time <= up]
    assert len([point for point in points if point.time <= down]) >= 5 * 59
    assert len([point for point in points if point.time > up]) >= 5 * 50
    assert one.source.counters.failed >= 5 * HOUR / EVERY_S * 0.99


@pytest.mark.slow
async def test_an_hour_without_the_database_changes_no_poll_and_loses_no_point(tmp_path: Path) -> None:
    async with hall(tmp_path / "spool.db") as one:
        pace = one.world.pace
        await pace.wait(600)
        one.sink.gate.clear()
        before = one.served
        await pace.wait(HOUR)
        assert one.served - before == pytest.approx(5 * HOUR / EVERY_S, abs=5)
        points = await one.stored()

    assert all(one.true(point) for point in points)
    assert len(points) == one.served
    counters = one.source.counters
    assert (counters.late, counters.failed, counters.dropped) == (0, 0, 0)


@pytest.mark.slow
async def test_both_away_for_hours_in_turns_and_together(tmp_path: Path) -> None:
    async with hall(tmp_path / "spool.db") as one:
        pace, line, gate = one.world.pace, one.world.line(), one.sink.gate
        dark: list[tuple[int, int]] = []
        for minutes, database_first in ((30, True), (45, False), (120, True)):
            await pace.wait(300)
            if database_first:
                gate.clear()
                await pace.wait(300)
            line.fall()
            began = pace.now_ns()
            gate.clear()
            await pace.wait(minutes * 60)
            dark.append((began, pace.now_ns()))
            line.up = True
            if not database_first:
                gate.set()
        await pace.wait(300)
        points = await one.stored()

    assert all(one.true(point) for point in points)
    assert len(points) == one.served
    assert not [point for point in points if any(began < point.time <= ended for began, ended in dark)]


@pytest.mark.slow
async def test_a_spool_that_fills_up_costs_points_that_are_counted_and_invents_none(tmp_path: Path) -> None:
    async with hall(tmp_path / "spool.db", max_mb=1) as one:
        pace = one.world.pace
        one.sink.gate.clear()
        while not one.source.counters.dropped:
            await pace.wait(HOUR)
        before, dropped = one.served, one.source.counters.dropped
        await pace.wait(600)
        assert one.served - before == one.source.counters.dropped - dropped == pytest.approx(300, abs=5)
        points = await one.stored()

    assert all(one.true(point) for point in points)
    assert len(points) == one.served - one.source.counters.dropped


async def test_after_an_outage_a_reading_that_did_not_move_is_reported_anew(tmp_path: Path) -> None:
    async with hall(tmp_path / "spool.db") as one:
        one.world.change(*(Device(f"m{number}", number, profile="calm") for number in NUMBERS))
        for number in NUMBERS:
            one.world.line().unit(number).says = lambda *_: [230]
        pace, line = one.world.pace, one.world.line()
        await pace.wait(600)
        line.fall()
        down = pace.now_ns()
        await pace.wait(HOUR)
        up = pace.now_ns()
        line.up = True
        await pace.wait(600)
        points = await one.stored()

    for number in NUMBERS:
        times = [point.time for point in points if point.tags["device"] == f"m{number}"]
        assert [time > up for time in times] == [False, True]
        assert not [time for time in times if down < time <= up]
