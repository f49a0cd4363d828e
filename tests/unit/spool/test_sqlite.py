from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

import hub.spool.sqlite
from hub.errors import CityhubError, SpoolFull
from hub.model import Batch
from hub.spool.options import SpoolOptions
from hub.spool.sqlite import SqliteSpool
from hub.spool.store import read_dead_letters
from tests.unit.spool.helpers import (
    OPTIONS,
    as_after_a_crash,
    batch,
    impatient,
    letter,
    locked,
    numbers,
    on_disk,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

ALL = 1_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


async def drain(spool: SqliteSpool, count: int) -> list[int]:
    """Take and release until `count` lines have come."""
    seen: list[int] = []
    while len(seen) < count:
        parcel = await spool.take(1, ALL)
        seen += numbers(parcel.lines)
        spool.release(parcel)
    return seen


async def test_batches_come_out_in_the_order_they_went_in(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        for number in range(5):
            await spool.append(batch(number))

        parcel = await spool.take(ALL, ALL)

    assert numbers(parcel.lines) == [0, 1, 2, 3, 4]
    assert parcel.count == 5
    assert list(parcel.positions) == sorted(set(parcel.positions))


async def test_what_append_returned_from_is_on_disk(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(1, 2))

        assert on_disk(file) == [1, 2]


async def test_a_parcel_leaves_the_disk_only_after_its_release(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(1))
        parcel = await spool.take(ALL, ALL)
        await spool.flush()
        assert on_disk(file) == [1]

        spool.release(parcel)
        await spool.append(batch(2))
        assert on_disk(file) == [2]


async def test_a_parcel_holds_no_more_than_asked_but_at_least_one_batch(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        for first in (0, 3, 6):
            await spool.append(batch(first, first + 1, first + 2, size=100))

        assert numbers((await spool.take(6, ALL)).lines) == [0, 1, 2, 3, 4, 5]
        assert numbers((await spool.take(1, 1)).lines) == [6, 7, 8]

        for first in (10, 20):
            await spool.append(batch(first, size=100))
        assert numbers((await spool.take(ALL, 201)).lines) == [10]


@pytest.mark.parametrize("memory", [0, 1, 200, 10_000])
async def test_a_small_memory_changes_nothing_but_where_lines_wait(file: Path, memory: int) -> None:
    async with SqliteSpool(file, OPTIONS, memory=memory) as spool:
        for number in range(20):
            await spool.append(batch(number, size=50))
        assert spool._ready_bytes <= max(memory, 0) + 51

        assert await drain(spool, 10) == list(range(10))
        await spool.append(batch(20))
        assert await drain(spool, 11) == list(range(10, 21))
        assert (spool.lines, spool.bytes) == (0, 0)

        await spool.append(batch(21))
        assert await drain(spool, 1) == [21]


async def test_a_taker_waits_for_lines(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool, asyncio.TaskGroup() as tasks:
        taken = tasks.create_task(spool.take(ALL, ALL))
        await asyncio.sleep(0)
        assert not taken.done()

        await spool.append(batch(1))
        assert numbers((await taken).lines) == [1]


@pytest.mark.parametrize("memory", [0, 16_000_000])
async def test_concurrent_takers_never_get_the_same_lines(file: Path, memory: int) -> None:
    seen: list[int] = []

    async def taker(spool: SqliteSpool) -> None:
        while True:
            parcel = await spool.take(1, ALL)
            seen.extend(numbers(parcel.lines))
            spool.release(parcel)

    async with SqliteSpool(file, OPTIONS, memory=memory) as spool:
        tasks = [asyncio.create_task(taker(spool)) for _ in range(4)]
        for number in range(100):
            await spool.append(batch(number))
        await until(lambda: not spool.lines)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    assert sorted(seen) == list(range(100))


async def test_what_was_not_released_is_handed_out_anew_after_a_restart(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        for number in range(4):
            await spool.append(batch(number))
        spool.release(await spool.take(1, ALL))
        await spool.take(1, ALL)

    async with SqliteSpool(file, OPTIONS) as spool:
        assert spool.lines == 3
        assert await drain(spool, 3) == [1, 2, 3]


async def test_a_crash_loses_nothing_that_append_returned_from(file: Path, tmp_path: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        for number in range(4):
            await spool.append(batch(number))
        copy = as_after_a_crash(file, tmp_path / "crashed")

    async with SqliteSpool(copy, OPTIONS) as spool:
        assert await drain(spool, 4) == [0, 1, 2, 3]


async def test_positions_are_never_used_twice(file: Path) -> None:
    seen: list[int] = []
    for number in range(3):
        async with SqliteSpool(file, OPTIONS) as spool:
            await spool.append(batch(number))
            parcel = await spool.take(ALL, ALL)
            spool.release(parcel)
            seen += parcel.positions

    assert seen == sorted(set(seen))


async def test_a_full_spool_takes_nothing_until_there_is_room(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        for number in range(3):
            await spool.append(batch(number, size=300_000))
        with pytest.raises(SpoolFull, match="holds 1 of 1 MB"):
            await spool.append(batch(3, size=300_000))
        assert spool.full == "the spool holds 1 of 1 MB"
        assert on_disk(file) == [0, 1, 2]

        spool.release(await spool.take(1, ALL))
        await spool.append(batch(3, size=300_000))

        assert spool.full == ""
        assert on_disk(file) == [1, 2, 3]


async def test_one_batch_larger_than_the_bound_is_taken_when_the_spool_is_empty(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(0, size=1_500_000))

        assert spool.bytes == 1_500_001


async def test_a_disk_below_its_reserve_takes_nothing(file: Path) -> None:
    # More than any disk has free; the settings themselves do not allow so much.
    options = OPTIONS.model_copy(update={"reserve_mb": 10**12})

    async with SqliteSpool(file, options) as spool:
        with pytest.raises(SpoolFull, match="MB left, 1000000000000 MB are kept in reserve"):
            await spool.append(batch(0))

    assert on_disk(file) == []


async def test_dead_letters_are_buried_although_the_spool_is_full(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(0, size=1_000_000))
        with pytest.raises(SpoolFull):
            await spool.append(Batch(dead=[letter("a")]))
        await spool.bury([letter("a")])

    assert read_dead_letters(file, 10) == [letter("a")]


async def test_a_batch_and_its_dead_letters_arrive_together(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(Batch(b"m n=1i 1\n", 1, [letter("a", 1), letter("b", 2)]))

        assert on_disk(file) == [1]
        assert read_dead_letters(file, 10) == [letter("b", 2), letter("a", 1)]


async def test_dead_letters_alone_are_no_batch(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(Batch(dead=[letter("a")]))

        assert spool.lines == 0
        assert on_disk(file) == []


async def test_a_file_that_cannot_be_written_is_a_full_spool_and_loses_nothing(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        impatient(spool)
        await spool.append(batch(1))
        spool.release(await spool.take(ALL, ALL))
        with locked(file):
            with pytest.raises(SpoolFull, match=r"spool\.db cannot be written: database is locked"):
                await spool.append(batch(2))
            assert spool.full.endswith("database is locked")
        assert on_disk(file) == [1]

        await spool.append(batch(3))

        assert spool.full == ""
        assert on_disk(file) == [3]


async def test_a_disk_that_is_full_costs_nothing_that_was_taken(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(1))
        (pages,) = spool._store._db.execute("PRAGMA page_count").fetchone()
        spool._store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolFull, match="cannot be written: database or disk is full"):
            await spool.append(batch(2, size=100_000))

        spool._store._db.execute("PRAGMA max_page_count = 100000")
        await spool.append(batch(3))

        assert await drain(spool, 2) == [1, 3]


async def test_a_spool_whose_file_cannot_be_written_still_closes(file: Path) -> None:
    with ExitStack() as stack:
        async with SqliteSpool(file, OPTIONS) as spool:
            impatient(spool)
            await spool.append(batch(1))
            spool.release(await spool.take(ALL, ALL))
            stack.enter_context(locked(file))

    async with SqliteSpool(file, OPTIONS) as spool:
        assert await drain(spool, 1) == [1]


async def test_a_cancelled_append_that_reaches_the_disk_is_handed_out(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS, memory=0) as spool:
        with locked(file):
            append = asyncio.create_task(spool.append(batch(1)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            append.cancel()
            with pytest.raises(asyncio.CancelledError):
                await append
        await spool.append(batch(2))

        assert await drain(spool, 2) == [1, 2]
        assert (spool.lines, spool.bytes) == (0, 0)


async def test_a_cancelled_taker_takes_nothing_with_it(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS, memory=0) as spool:
        for number in range(3):
            await spool.append(batch(number))
        taker = asyncio.create_task(spool.take(ALL, ALL))
        await asyncio.sleep(0)
        taker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taker

        assert await drain(spool, 3) == [0, 1, 2]


async def test_an_idle_spool_tidies_what_was_released(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.spool.sqlite, "IDLE_S", 0)
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(1))
        spool.release(await spool.take(ALL, ALL))
        tidying = asyncio.create_task(spool.tidy())
        await until(lambda: not on_disk(file))
        tidying.cancel()


async def test_tidying_goes_on_when_the_file_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.spool.sqlite, "IDLE_S", 0)
    async with SqliteSpool(file, OPTIONS) as spool:
        impatient(spool)
        await spool.append(batch(1))
        spool.release(await spool.take(ALL, ALL))
        with locked(file):
            tidying = asyncio.create_task(spool.tidy())
            await until(lambda: spool.full)
        await until(lambda: not on_disk(file))
        tidying.cancel()


async def test_only_the_owner_may_read_what_waits(file: Path) -> None:
    async with SqliteSpool(file, OPTIONS) as spool:
        await spool.append(batch(1))
        modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}

    assert modes == dict.fromkeys(("spool.db", "spool.db-wal", "spool.db-shm", "spool.db.lock"), 0o600)


async def test_a_file_of_another_version_is_refused(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 2")

    with pytest.raises(CityhubError, match=r"spool\.db was written by another version of Cityhub \(format 2\); move"):
        async with SqliteSpool(file, OPTIONS):
            pass


async def test_a_file_that_cannot_be_opened_is_named(file: Path) -> None:
    with pytest.raises(CityhubError, match=r"the spool .*no/spool\.db cannot be opened: "):
        async with SqliteSpool(file.parent / "no" / "spool.db", OPTIONS):
            pass


async def test_a_file_that_is_no_database_is_named(file: Path) -> None:
    with file.open("wb") as other:
        other.write(b"no database" * 100)

    with pytest.raises(CityhubError, match=r"cannot be opened: file is not a database; .*move it away"):
        async with SqliteSpool(file, OPTIONS):
            pass


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert SpoolOptions.model_validate(SpoolOptions().model_dump()) == SpoolOptions()


async def test_a_second_hub_is_kept_away_from_the_same_spool(file: Path) -> None:
    async with SqliteSpool(file, SpoolOptions()):
        with pytest.raises(CityhubError, match="another hub is using the spool"):
            async with SqliteSpool(file, SpoolOptions()):
                pass
    async with SqliteSpool(file, SpoolOptions()) as again:
        assert again.lines == 0
