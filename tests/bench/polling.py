"""The hub's part of `make bench-modbus`: everything from the registers to InfluxDB, and nothing else of the hub.

    python -m tests.bench.polling SETTINGS INTERVAL_S

Reads the ports of the meters from standard input, in JSON; says `[]` when all have answered. Ends when its standard
input does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.pipeline.intake import BatchingIntake
from hub.settings import load_settings
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.options import InfluxV1Options
from hub.spool.sqlite import SqliteSpool
from tests.bench.meters import LOOPBACK, REGISTERS
from tests.polled import PolledEntry, directory_of, polling, source_of

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.sources.modbus.source import ModbusSource

PROFILE = "bench_meter"


def profile(interval_s: float) -> str:
    """Return the profile of a meter of so many registers, all of them wanted: a float32 in each two."""
    numbers = range(REGISTERS // 2)
    own = ", ".join(f'r{n}: {{type: float, unit: "1", min: 0, max: 1000, about: Register {2 * n}}}' for n in numbers)
    readings = ", ".join(f"r{n}: {{at: {2 * n}, type: float32}}" for n in numbers)
    return f"""
vendor: Bench
model: meter
kind: meter
about: A meter of {REGISTERS} registers
manual: {{title: none, edition: none}}
interval_s: {interval_s}
own: {{{own}}}
modbus:
  groups:
    all: {{every_s: {interval_s}, table: input, readings: {{own: {{{readings}}}}}}}
"""


async def run(settings: Settings, interval_s: float) -> None:
    """Poll until standard input ends."""
    reader = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ports: list[int] = json.loads(await reader.readline())
    entries = [
        PolledEntry(f"meter-{number:04}", PROFILE, f"tcp://{LOOPBACK}:{port}", 1) for number, port in enumerate(ports)
    ]
    directory = directory_of(settings.state_dir / "profiles", {PROFILE: profile(interval_s)}, entries)
    assert isinstance(settings.influxdb, InfluxV1Options)
    sink = InfluxV1Sink(settings.influxdb, connections=settings.pipeline.writers)
    await sink.open()
    counters = Counters()
    async with SqliteSpool(settings.spool_file, settings.spool) as spool, asyncio.TaskGroup() as tasks:
        intake = BatchingIntake(directory, spool, settings.pipeline, counters)
        delivery = Delivery(spool, sink, settings.pipeline, counters, time_ns)
        rooms = [tasks.create_task(room) for room in (spool.tidy(), delivery.run(), intake.run())]
        async with polling(source_of(directory, intake)) as source:
            await _answering(source, entries)
            print("[]", flush=True)
            await reader.read()
        for room in rooms:
            room.cancel()
    await sink.close()


async def _answering(source: ModbusSource, entries: list[PolledEntry]) -> None:
    while not all((state := source.state(one.device)) and state.answered_ns for one in entries):
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(run(load_settings(Path(sys.argv[1])), float(sys.argv[2])))
