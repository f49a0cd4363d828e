"""Latency and loss, as they follow from what a database answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from hub.errors import Retryable
from hub.sim.audit import Missing, compare_answers, count_points, find_missing
from hub.sim.latency import LatencyProbe
from hub.sim.report import Answers, Ledger
from hub.sinks.query import Series

if TYPE_CHECKING:
    from collections.abc import Mapping

MS = 1_000_000


@dataclass
class Scripted:
    """Answers each query with the next of its answers, and with the last one from then on."""

    answers: list[list[Series] | Retryable]
    asked: list[str] = field(default_factory=list)
    exhausted: asyncio.Event = field(default_factory=asyncio.Event)

    async def query(self, q: str, params: Mapping[str, bool | float | str | None] | None = None) -> list[Series]:
        del params
        self.asked.append(q)
        if len(self.answers) == 1:
            self.exhausted.set()
            return self._say(self.answers[0])
        return self._say(self.answers.pop(0))

    @staticmethod
    def _say(answer: list[Series] | Retryable) -> list[Series]:
        if isinstance(answer, Retryable):
            raise answer
        return answer


def points(device: str, *times_ns: int) -> Series:
    return Series("cctv", {"device": device}, ["time", "seq"], [[time, 1] for time in times_ns])


async def measured(reader: Scripted, now_ns: int) -> LatencyProbe:
    """Return a probe that began at the time 0 and polled at `now_ns`."""
    times = iter([0])
    probe = LatencyProbe(reader, lambda: next(times, now_ns), "device =~ /./")
    probe.period_s = 0
    run = asyncio.create_task(probe.run())
    await reader.exhausted.wait()
    run.cancel()
    await asyncio.wait([run])
    return probe


async def test_a_latency_is_the_time_from_the_device_to_the_answer() -> None:
    probe = await measured(Scripted([[points("cam-1", 40 * MS, 70 * MS)], []]), 100 * MS)
    assert (probe.percentile_ms(0.5), probe.percentile_ms(0.99), probe.points) == (30.0, 60.0, 2)


async def test_a_point_counts_once_however_often_it_is_found() -> None:
    again = [points("cam-1", 40 * MS)]
    probe = await measured(Scripted([again, again, again]), 100 * MS)
    assert probe.points == 1


async def test_two_devices_may_publish_at_the_same_moment() -> None:
    probe = await measured(Scripted([[points("cam-1", 40 * MS), points("cam-2", 40 * MS)], []]), 100 * MS)
    assert probe.points == 2


async def test_a_database_that_is_away_does_not_end_the_measurement() -> None:
    probe = await measured(Scripted([Retryable("away"), [points("cam-1", 40 * MS)], []]), 100 * MS)
    assert probe.points == 1


async def test_nothing_measured_is_no_figure() -> None:
    assert (await measured(Scripted([[]]), 100 * MS)).percentile_ms(0.5) is None


async def test_points_are_counted_by_the_field_that_most_of_them_have() -> None:
    cctv = Series("cctv", {}, ["time", "count_fps", "count_seq"], [[0, 8, 10]])
    reader = Scripted([[cctv], []])
    assert await count_points(reader, ["cctv", "gps"], {"generic_ipcamera", "generic_tracker"}) == 10
    assert reader.asked[0].endswith('WHERE "profile" =~ /^(generic_ipcamera|generic_tracker)$/')


async def test_nothing_is_missing_when_every_message_has_its_point() -> None:
    ledger = Ledger(device="cam-1", measurements=("cctv",), first_ms=10, gaps_ms=[5, 5])
    assert await find_missing(Scripted([[points("cam-1", 10 * MS, 15 * MS, 20 * MS)]]), [ledger]) == []


async def test_a_message_without_its_point_is_missing_in_each_measurement_that_lacks_it() -> None:
    ledger = Ledger(device="lvl-1", measurements=("weather", "level"), first_ms=10, gaps_ms=[5, 5])
    reader = Scripted([[points("lvl-1", 10 * MS, 15 * MS, 20 * MS)], [points("lvl-1", 10 * MS, 20 * MS)], []])
    assert await find_missing(reader, [ledger]) == [Missing("lvl-1", "level", 15)]


async def test_an_event_may_lie_anywhere_within_its_millisecond() -> None:
    ledger = Ledger(device="cam-1", measurements=("event",), first_ms=10, gaps_ms=[])
    assert await find_missing(Scripted([[points("cam-1", 10 * MS + 999_999)]]), [ledger]) == []


@pytest.mark.parametrize("count", [0, 1, 4999, 5000, 5001])
async def test_a_long_ledger_is_asked_for_in_slices(count: int) -> None:
    reader = Scripted([[]])
    ledger = Ledger(device="cam-1", measurements=("cctv",), first_ms=0, gaps_ms=[1] * count)
    assert len(await find_missing(reader, [ledger])) == count + 1
    assert len(reader.asked) == (count + 1 + 4999) // 5000


def answers(*said: tuple[int, float]) -> Answers:
    """Return the ledger of a meter that answered at these seconds with these voltages."""
    times, values = zip(*said, strict=True)
    return Answers(
        device="kwh-1",
        measurement="energy",
        field="voltage_v",
        times_ns=tuple(1_000 * MS * at for at in times),
        values=values,
    )


def volts(*stored: tuple[float, float]) -> Scripted:
    """Return a database that holds these voltages at these seconds."""
    rows: list[list[bool | float | str | None]] = [[int(at * 1_000 * MS), value] for at, value in stored]
    return Scripted([[Series("energy", {}, ["time", "voltage_v"], rows)]])


async def test_an_answer_is_found_by_its_value_shortly_after_it_was_given() -> None:
    compared = await compare_answers(volts((10.01, 230.5), (20.2, 231.25)), [answers((10, 230.5), (20, 231.25))])
    assert (compared.stored, compared.missing["kwh-1"], compared.invented["kwh-1"]) == (2, 0, 0)


async def test_an_answer_without_its_point_is_missing() -> None:
    compared = await compare_answers(volts((10.01, 230.5)), [answers((10, 230.5), (20, 231.25))])
    assert (compared.stored, compared.missing["kwh-1"], compared.invented["kwh-1"]) == (1, 1, 0)


async def test_a_value_that_is_stored_again_later_is_invented() -> None:
    compared = await compare_answers(volts((10.01, 230.5), (20.01, 230.5)), [answers((10, 230.5))])
    assert (compared.stored, compared.missing["kwh-1"], compared.invented["kwh-1"]) == (2, 0, 1)


async def test_a_value_that_was_never_said_is_invented_and_one_at_the_wrong_time_is_both() -> None:
    compared = await compare_answers(volts((10.01, 999), (90, 231.25)), [answers((10, 230.5), (20, 231.25))])
    assert (compared.stored, compared.missing["kwh-1"], compared.invented["kwh-1"]) == (2, 2, 2)


async def test_a_unit_of_which_nothing_is_stored_misses_every_answer() -> None:
    compared = await compare_answers(Scripted([[]]), [answers((10, 230.5), (20, 231.25))])
    assert (compared.stored, compared.missing["kwh-1"], compared.invented["kwh-1"]) == (0, 2, 0)
