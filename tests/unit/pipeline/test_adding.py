"""Lines that nobody sent: what the hub has read or concluded itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import Reason
from hub.model import DeadLetter, Lines
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.spool.store import read_dead_letters
from tests.unit.pipeline.helpers import NOW, burst, publish, running
from tests.unit.spool.helpers import batch, lines_on_disk, until

if TYPE_CHECKING:
    from pathlib import Path

    from hub.directory import Directory
    from hub.pipeline.counters import Counters
    from hub.spool.sqlite import SqliteSpool

LINE = f"energy,device=m1 power_w=1.0 {NOW}\n"


@pytest.fixture
def intake(directory: Directory, spool: SqliteSpool, counters: Counters) -> BatchingIntake:
    return BatchingIntake(directory, spool, PipelineOptions(commit_every_ms=0, commit_lines=3), counters)


async def test_lines_are_committed_with_their_neighbours_and_count_as_points_but_not_as_messages(
    intake: BatchingIntake, counters: Counters, file: Path
) -> None:
    acknowledged: list[int] = []
    assert intake.add(Lines(LINE))
    intake.offer(burst(publish("devices/cam/telemetry", b'{"fps":25}'), acknowledge=lambda: acknowledged.append(1)))
    await intake.commit()

    assert lines_on_disk(file).startswith(LINE.encode())
    assert acknowledged == [1]
    assert (counters.points_spooled, counters.messages, counters.messages_acknowledged) == (2, 1, 1)
    assert counters.commits == 1


async def test_what_could_not_be_stored_of_them_is_a_dead_letter(
    intake: BatchingIntake, counters: Counters, file: Path
) -> None:
    dead = DeadLetter(NOW, "m1", "tcp://10.0.0.5:502 unit 1", Reason.OUT_OF_RANGE, "too much", b"\0\1")
    assert intake.add(Lines("", [dead]))
    await intake.commit()

    assert read_dead_letters(file, 10) == [dead]
    assert counters.rejected == {Reason.OUT_OF_RANGE: 1}


async def test_lines_alone_are_committed_without_being_asked(intake: BatchingIntake, spool: SqliteSpool) -> None:
    async with running(intake.run()):
        intake.add(Lines(LINE))
        await intake.settled()

    assert spool.lines == 1


async def test_a_batch_takes_them_until_it_is_twice_full_for_they_cannot_be_held_back(
    intake: BatchingIntake, spool: SqliteSpool
) -> None:
    assert [intake.add(Lines(LINE)) for _ in range(8)] == [True] * 6 + [False] * 2
    await intake.commit()
    assert intake.add(Lines(LINE))
    await intake.commit()
    assert spool.lines == 7


@pytest.mark.usefixtures("naps")
async def test_while_the_spool_is_full_nothing_is_taken(
    intake: BatchingIntake, spool: SqliteSpool, naps: list[float]
) -> None:
    await spool.append(batch(0, size=1_000_000))
    async with running(intake.run()):
        assert intake.add(Lines(LINE))
        await until(lambda: naps)
        assert not intake.add(Lines(LINE))
        spool.release(await spool.take(10, 10_000_000))
        await intake.settled()
        assert intake.add(Lines(LINE))
        await intake.settled()

    assert spool.lines == 2
