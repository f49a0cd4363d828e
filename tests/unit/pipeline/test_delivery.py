from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Reason, Refused, Retryable, TooLarge
from hub.model import DeadLetter
from hub.pipeline.counters import Counters
from hub.pipeline.delivery import FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_WISH_S, Delivery, _halves
from hub.pipeline.options import PipelineOptions
from hub.spool.sqlite import SqliteSpool
from hub.spool.store import read_dead_letters
from tests.unit.pipeline.helpers import NOW, MemorySink, running
from tests.unit.spool.helpers import OPTIONS, batch, impatient, locked, numbers, on_disk, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

ONE_WRITER = PipelineOptions(writers=1, write_lines=10)
ALL = 1_000_000


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


def deliver(
    spool: SqliteSpool, sink: MemorySink, counters: Counters, options: PipelineOptions = ONE_WRITER
) -> Delivery:
    return Delivery(spool, sink, options, counters, lambda: NOW)


def stored(sink: MemorySink) -> list[int]:
    return numbers(b"".join(sink.stored))


def condemned(*bad: int) -> Callable[[bytes], bool]:
    return lambda line: numbers(line)[0] in bad


async def test_one_writer_keeps_the_order_and_releases_what_was_confirmed(
    spool: SqliteSpool, sink: MemorySink, counters: Counters, file: Path
) -> None:
    for number in range(25):
        await spool.append(batch(number))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)
    await spool.flush()

    assert stored(sink) == list(range(25))
    assert [len(numbers(lines)) for lines in sink.requests] == [10, 10, 5]
    assert (counters.points_stored, counters.writes, counters.write_failures) == (25, 3, 0)
    assert on_disk(file) == []


async def test_nothing_is_released_before_it_is_confirmed(
    spool: SqliteSpool, sink: MemorySink, counters: Counters, file: Path
) -> None:
    sink.gate.clear()
    await spool.append(batch(1))

    async with running(deliver(spool, sink, counters).run()):
        await sink.until(lambda: sink.waiting == 1)
        await spool.flush()
        assert on_disk(file) == [1]
        assert spool.lines == 1


async def test_several_writers_write_at_the_same_time_and_never_the_same(
    spool: SqliteSpool, sink: MemorySink, counters: Counters
) -> None:
    sink.gate.clear()
    for number in range(9):
        await spool.append(batch(number))

    async with running(deliver(spool, sink, counters, PipelineOptions(writers=3, write_lines=1)).run()):
        await sink.until(lambda: sink.waiting == 3)
        sink.gate.set()
        await until(lambda: not spool.lines)

    assert sorted(stored(sink)) == list(range(9))


async def test_an_outage_is_said_once_waited_out_in_order_and_its_end_is_said_once(
    spool: SqliteSpool, sink: MemorySink, counters: Counters, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sink.failures += [Retryable(f"503: try {number}") for number in range(5)]
    for number in range(20):
        await spool.append(batch(number))
    delivery = deliver(spool, sink, counters)

    async with running(delivery.run()):
        await sink.until(lambda: len(sink.failures) == 2)
        await until(lambda: delivery.outage == "503: try 2")
        await until(lambda: not spool.lines)

    assert delivery.outage == ""
    assert stored(sink) == list(range(20))
    assert (counters.writes, counters.write_failures, len(naps)) == (7, 5, 5)
    assert caplog.messages == [
        "cannot write to the database, keeping everything in the spool: 503: try 0",
        "writing to the database again",
    ]


async def test_the_wait_doubles_up_to_its_bound_with_jitter(
    spool: SqliteSpool, sink: MemorySink, counters: Counters, naps: list[float]
) -> None:
    sink.failures += [Retryable("away") for _ in range(12)]
    await spool.append(batch(1))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    longest = [min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S) for attempt in range(12)]
    assert all(most / 2 <= nap <= most for nap, most in zip(naps, longest, strict=True))


@pytest.mark.parametrize(
    ("wish", "least", "most"),
    [
        (7.0, 7.0, 7.0),
        (100_000.0, LONGEST_WISH_S, LONGEST_WISH_S),
        (0.0, FIRST_WAIT_S / 2, FIRST_WAIT_S),
        (None, FIRST_WAIT_S / 2, FIRST_WAIT_S),
        (-3.0, FIRST_WAIT_S / 2, FIRST_WAIT_S),
    ],
)
async def test_the_servers_own_wish_is_followed_within_bounds(  # noqa: PLR0913, PLR0917 - a row of the table
    spool: SqliteSpool,
    sink: MemorySink,
    counters: Counters,
    naps: list[float],
    wish: float | None,
    least: float,
    most: float,
) -> None:
    sink.failures.append(Retryable("429", wish))
    await spool.append(batch(1))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    (nap,) = naps
    assert least <= nap <= most


async def test_a_refused_line_is_found_and_its_neighbours_are_stored(
    spool: SqliteSpool, counters: Counters, file: Path
) -> None:
    sink = MemorySink(refuses=condemned(3, 7))
    await spool.append(batch(*range(10)))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    assert set(stored(sink)) == set(range(10)) - {3, 7}
    assert read_dead_letters(file, 9) == [
        DeadLetter(NOW, "", "", Reason.REFUSED_BY_DATABASE, "400: partial write", batch(number).lines)
        for number in (7, 3)
    ]
    assert counters.points_stored == 8
    assert counters.rejected == Counter({Reason.REFUSED_BY_DATABASE: 2})


@pytest.mark.parametrize(
    ("line", "device"),
    [
        (b"cctv,agency=a,device=cam-1,profile=p fps=1 1\n", "cam-1"),
        (b"cctv,device=cam-1 fps=1 1\n", "cam-1"),
        (b"cctv fps=1 1\n", ""),
    ],
)
async def test_the_dead_letter_of_a_refused_line_names_its_device(
    spool: SqliteSpool, counters: Counters, file: Path, line: bytes, device: str
) -> None:
    made = batch(1)
    made.lines = line
    await spool.append(made)

    async with running(deliver(spool, MemorySink(refuses=lambda _: True), counters).run()):
        await until(lambda: not spool.lines)

    assert [letter.device for letter in read_dead_letters(file, 9)] == [device]


@given(st.integers(1, 40).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_whatever_is_refused_exactly_that_is_dead_lettered(case: tuple[int, AbstractSet[int]]) -> None:
    count, bad = case
    sink, counters = MemorySink(refuses=condemned(*bad), most=7), Counters()

    async def scenario(file: Path) -> list[DeadLetter]:
        async with SqliteSpool(file, OPTIONS) as spool:
            await spool.append(batch(*range(count)))
            async with running(deliver(spool, sink, counters).run()):
                await until(lambda: not spool.lines)
        return read_dead_letters(file, 100)

    with tempfile.TemporaryDirectory() as folder:
        dead = asyncio.run(scenario(Path(folder) / "spool.db"))

    assert {number for letter in dead for number in numbers(letter.payload)} == bad
    assert len(dead) == len(bad)
    assert set(stored(sink)) == set(range(count)) - bad
    assert counters.points_stored == count - len(bad)


async def test_too_large_a_request_is_split_and_nothing_is_lost(
    spool: SqliteSpool, counters: Counters, file: Path
) -> None:
    sink = MemorySink(most=3)
    await spool.append(batch(*range(20)))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    assert stored(sink) == list(range(20))
    assert read_dead_letters(file, 9) == []


async def test_a_single_line_that_is_too_large_is_dead_lettered(
    spool: SqliteSpool, counters: Counters, file: Path
) -> None:
    sink = MemorySink(most=0)
    await spool.append(batch(1))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    assert [letter.detail for letter in read_dead_letters(file, 9)] == ["413"]


async def test_an_outage_in_the_middle_of_the_search_condemns_nobody(
    spool: SqliteSpool, counters: Counters, naps: list[float], file: Path
) -> None:
    sink = MemorySink(refuses=condemned(2))
    sink.failures += [Refused("400"), Retryable("503"), Retryable("401"), TooLarge("413"), Retryable("503")]
    await spool.append(batch(*range(8)))

    async with running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    assert set(stored(sink)) == set(range(8)) - {2}
    assert [numbers(letter.payload) for letter in read_dead_letters(file, 9)] == [[2]]
    assert len(naps) == counters.write_failures == 3


@pytest.mark.usefixtures("naps")
async def test_a_database_that_refuses_a_line_is_no_longer_out(spool: SqliteSpool, counters: Counters) -> None:
    sink = MemorySink(refuses=lambda _: True)
    sink.failures.append(Retryable("503"))
    await spool.append(batch(1))
    delivery = deliver(spool, sink, counters)

    async with running(delivery.run()):
        await until(lambda: not spool.lines)

    assert delivery.outage == ""


async def test_a_parcel_stays_until_the_dead_letters_of_it_are_on_disk(
    spool: SqliteSpool, counters: Counters, naps: list[float], file: Path
) -> None:
    sink = MemorySink(refuses=condemned(1))
    delivery = deliver(spool, sink, counters)
    await spool.append(batch(0, 1))
    impatient(spool)

    async with running(delivery.run()):
        with locked(file):
            await until(lambda: len(naps) >= 3)
            assert spool.lines == 2
            assert delivery.outage.endswith("cannot be written: database is locked")
        await until(lambda: not spool.lines)

    assert set(naps) == {LONGEST_WAIT_S}
    assert delivery.outage == ""
    assert [numbers(letter.payload) for letter in read_dead_letters(file, 9)] == [[1]]


async def test_cancelled_in_the_middle_of_a_write_nothing_is_lost(
    sink: MemorySink, counters: Counters, file: Path
) -> None:
    sink.gate.clear()
    async with SqliteSpool(file, OPTIONS) as spool:
        for number in range(5):
            await spool.append(batch(number))
        async with running(deliver(spool, sink, counters).run()):
            await sink.until(lambda: sink.waiting == 1)

    sink.gate.set()
    async with SqliteSpool(file, OPTIONS) as spool, running(deliver(spool, sink, counters).run()):
        await until(lambda: not spool.lines)

    assert stored(sink) == list(range(5))


async def test_an_unforeseen_failure_of_a_sink_is_not_swallowed(spool: SqliteSpool, counters: Counters) -> None:
    class Broken(MemorySink):
        async def write(self, lines: bytes) -> None:
            raise ZeroDivisionError(len(lines))

    await spool.append(batch(1))

    with pytest.raises(ExceptionGroup) as caught:
        await deliver(spool, Broken(), counters).run()

    assert caught.group_contains(ZeroDivisionError)
    assert spool.lines == 1


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), min_size=1))
def test_halving_keeps_every_line_whole_and_ends_with_single_lines(lines: list[bytes]) -> None:
    def single(text: bytes) -> list[bytes]:
        halves = _halves(text)
        if halves is None:
            return [text]
        assert all(half.endswith(b"\n") and len(half) < len(text) for half in halves)
        return [*single(halves[0]), *single(halves[1])]

    assert single(b"".join(lines)) == lines
