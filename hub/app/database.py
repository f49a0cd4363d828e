"""The sinks, and the database that the hub runs itself unless the settings name another."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, assert_never

from hub.app.lifetime import supervised
from hub.local.influxd import ManagedInflux
from hub.local.supervisor import Supervisor
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.settings import Settings
    from hub.sinks.base import Sink


@asynccontextmanager
async def influx_options(settings: Settings, servers: dict[str, Supervisor]) -> AsyncIterator[SinkOptions]:
    """Yield how to reach the database."""
    if settings.influxdb is not None:
        yield settings.influxdb
        return
    influx = ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb")
    program = influx.prepare()
    async with supervised(program.name, Supervisor(program), servers):
        await influx.bootstrap()
        yield influx.sink_options()


@asynccontextmanager
async def opened(options: SinkOptions, connections: int) -> AsyncIterator[Sink]:
    """Yield the sink that these options describe, open."""
    sink = _sink(options, connections)
    await sink.open()
    try:
        yield sink
    finally:
        await sink.close()


def _sink(options: SinkOptions, connections: int) -> Sink:
    match options:
        case InfluxV1Options():
            return InfluxV1Sink(options, connections=connections)
        case InfluxV2Options():
            # Imported only where it is used: it takes half a second and forty megabytes.
            from hub.sinks.influx_v2 import InfluxV2Sink  # noqa: PLC0415

            return InfluxV2Sink(options, connections=connections)
    assert_never(options)
