"""Intake, spool and delivery together, over a database that comes and goes."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING

from hub.errors import Retryable
from hub.pipeline.delivery import Delivery
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.spool.sqlite import SqliteSpool
from tests.unit.pipeline.helpers import NOW, MemorySink, burst, publish, running
from tests.unit.spool.helpers import OPTIONS, until

if TYPE_CHECKING:
    from pathlib import Path

    from hub.directory import Directory
    from hub.pipeline.counters import Counters

OPTIONS_OF_THE_PIPELINE = PipelineOptions(commit_every_ms=0, commit_lines=20, writers=2, write_lines=30)


async def test_every_acknowledged_message_reaches_a_database_that_comes_and_goes(
    directory: Directory, counters: Counters, file: Path, naps: list[float]
) -> None:
    chance = random.Random(7)
    sink = MemorySink()
    acknowledged: set[int] = set()
    sent = 0
    for _ in range(4):
        async with SqliteSpool(file, OPTIONS, memory=500) as spool:
            intake = BatchingIntake(directory, spool, OPTIONS_OF_THE_PIPELINE, counters)
            delivery = Delivery(spool, sink, OPTIONS_OF_THE_PIPELINE, counters, lambda: NOW)
            async with running(intake.run(), delivery.run()):
                for _ in range(30):
                    sink.failures += [Retryable("503")] * chance.randrange(3)
                    new = range(sent, sent + chance.randrange(1, 8))
                    sent = new.stop
                    messages = [publish("devices/cam/telemetry", b'{"seq":%d}' % number) for number in new]
                    if not intake.offer(burst(*messages, acknowledge=partial(acknowledged.update, new))):
                        await intake.ready()
                    await asyncio.sleep(0)
    sink.failures.clear()
    async with (
        SqliteSpool(file, OPTIONS) as spool,
        running(Delivery(spool, sink, OPTIONS_OF_THE_PIPELINE, counters, lambda: NOW).run()),
    ):
        await until(lambda: not spool.lines)

    stored = {int(line.split(b"seq=")[1].split(b"i ")[0]) for line in sink.stored}
    assert naps
    assert 0 < len(acknowledged) <= sent
    assert acknowledged <= stored
