"""A real influxd that holds a night."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from hub.local.influxd import HISTORY, RAW, ManagedInflux
from hub.local.options import ManagedInfluxOptions
from hub.local.supervisor import Supervisor
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.query import InfluxReader
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from hub.sinks.query import Series
    from tests.asked import Asked
    from tests.night import Night

LINES = 2_000
"""Lines of a write."""


@dataclass
class Filled:
    """Both databases, to be asked."""

    raw: InfluxReader
    history: InfluxReader

    async def ask(self, asked: Asked) -> list[Series]:
        """Return the answer to a query of a dashboard."""
        return await (self.history if asked.history else self.raw).query(asked.text)


@asynccontextmanager
async def filled(folder: Path, night: Night) -> AsyncIterator[Filled]:
    """Run a database with a night in it beside the block."""
    port, rpc_port = free_ports(2)
    influx = ManagedInflux(ManagedInfluxOptions(port=port, rpc_port=rpc_port), folder / "influxdb")
    supervisor = Supervisor(influx.prepare())
    task = asyncio.create_task(supervisor.run())
    try:
        await supervisor.ready()
        await influx.bootstrap()
        await write(influx, RAW, night.raw())
        await write(influx, HISTORY, night.history())
        patient = {"timeout_s": 300.0}
        raw, history = (InfluxReader(influx.sink_options(name).model_copy(update=patient)) for name in (RAW, HISTORY))
        async with raw, history:
            yield Filled(raw, history)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write(influx: ManagedInflux, database: str, lines: Iterable[str]) -> None:
    """Write lines in bounded requests."""
    sink = InfluxV1Sink(influx.sink_options(database))
    await sink.open()
    try:
        for batch in _batches(lines):
            await sink.write(("\n".join(batch) + "\n").encode())
    finally:
        await sink.close()


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    left = iter(lines)
    while batch := list(islice(left, LINES)):
        yield batch
