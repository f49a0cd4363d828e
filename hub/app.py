"""The composition root: the only file that names concrete classes, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, assert_never

from hub.directory import Directory
from hub.errors import CityhubError
from hub.local.influxd import ManagedInflux
from hub.local.mosquitto import ManagedBroker
from hub.local.services import issue_services
from hub.local.supervisor import Supervisor
from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.registry_feed import RegistryFeed
from hub.profiles.loader import load_profiles
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions
from hub.sinks.query import InfluxReader
from hub.sources.mqtt import MqttSource
from hub.spool.sqlite import SqliteSpool
from hub.transport.tls import client_context
from hub.web.health import health_router
from hub.web.server import build_api, serve
from hub.web.snapshot import Health
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.errors import ProvisioningError
from provisioning.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from hub.local.child import Program
    from hub.settings import Settings
    from hub.sinks.base import Sink
    from hub.transport.options import MqttOptions

VERSION: Final = version("cityhub")
DAY_NS: Final = 86_400 * 1_000_000_000

log = logging.getLogger(__name__)


@dataclass
class Hub:
    """A running hub, as its observers see it."""

    settings: Settings
    directory: Directory
    counters: Counters
    spool: SqliteSpool
    delivery: Delivery
    source: MqttSource
    feed: RegistryFeed
    database: SinkOptions
    broker_address: tuple[str, int]
    started: float

    def health(self) -> Health:
        """Return a snapshot of how the hub is."""
        counters = self.counters
        return Health(
            version=VERSION,
            uptime_s=monotonic() - self.started,
            problems=self.problems(),
            devices=len(self.directory),
            broker_connected=self.source.connected,
            broker_connections=self.source.connections,
            messages=counters.messages,
            messages_acknowledged=counters.messages_acknowledged,
            bytes=counters.bytes,
            points_spooled=counters.points_spooled,
            points_stored=counters.points_stored,
            spool_points=self.spool.lines,
            spool_bytes=self.spool.bytes,
            commits=counters.commits,
            writes=counters.writes,
            write_failures=counters.write_failures,
            rejected=dict(counters.rejected),
        )

    def problems(self) -> list[str]:
        """Return what is wrong, a sentence each."""
        broker = "" if self.source.connected else "not connected to the broker"
        return [text for text in (broker, self.delivery.outage, self.spool.full, self.feed.trouble) if text]

    def reader(self) -> InfluxReader:
        """Return a reader of the database that the hub writes to."""
        return InfluxReader(self.database)


async def run_hub(settings: Settings, stop: asyncio.Event, started: Callable[[Hub], None]) -> None:
    """Run until `stop` is set, then stop in the reverse order of starting: no room outlives what it stands on.

    Args:
        started: called once with the hub when everything is up.

    Raises:
        CityhubError: something that the hub cannot do without is missing or wrong.
    """
    try:
        async with AsyncExitStack() as stack:
            started(await _start(settings, stack))
            await stop.wait()
            log.info("stopping")
    except* (CityhubError, ProvisioningError) as group:
        raise _first(group) from None


async def _start(settings: Settings, stack: AsyncExitStack) -> Hub:
    enter = stack.enter_async_context
    registry = Registry(open_engine(settings.registry_url), time_ns)
    database = await enter(_influx(settings))
    broker = await enter(_broker(settings))
    spool = await enter(SqliteSpool(settings.spool_file, settings.spool))
    sink = await enter(_opened(_sink(database, settings.pipeline.writers)))
    directory = _directory(settings)
    feed = RegistryFeed(registry, directory)
    await feed.load()
    counters = Counters()
    delivery = Delivery(spool, sink, settings.pipeline, counters, time_ns)
    intake = BatchingIntake(directory, spool, settings.pipeline, counters)
    source = MqttSource(broker, partial(client_context, broker), intake, time_ns)
    hub = Hub(
        settings, directory, counters, spool, delivery, source, feed, database, settings.broker_address, monotonic()
    )
    api = build_api([health_router(hub.health)], VERSION)
    rooms = {
        "spool": spool.tidy(),
        "delivery": delivery.run(),
        "intake": intake.run(),
        "web": serve(api, settings.web),
        "registry": feed.run(),
        "mqtt": source.run(),
    }
    for name, room in rooms.items():
        await enter(_running(name, room))
    return hub


@asynccontextmanager
async def _running(name: str, room: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a room beside the block; when it fails the block is cancelled, when the block ends it is."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(room, name=name)
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def _influx(settings: Settings) -> AsyncIterator[SinkOptions]:
    if settings.influxdb is not None:
        yield settings.influxdb
        return
    influx = ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb")
    async with _supervised(influx.prepare()):
        await influx.bootstrap()
        yield influx.sink_options()


@asynccontextmanager
async def _broker(settings: Settings) -> AsyncIterator[MqttOptions]:
    if settings.broker is not None:
        yield settings.broker
        return
    authority = Authority.load(settings.pki_dir, clock=time_ns)
    folder = settings.state_dir / "services"
    server, certificate, key = issue_services(authority, folder, [settings.broker_address[0]])
    broker = ManagedBroker(settings.local_broker, settings.state_dir / "mosquitto", server, certificate, key)
    async with _supervised(broker.prepare()):
        yield broker.link_options()


@asynccontextmanager
async def _supervised(program: Program) -> AsyncIterator[None]:
    supervisor = Supervisor(program)
    async with _running(program.name, supervisor.run()):
        await supervisor.ready()
        yield


@asynccontextmanager
async def _opened(sink: Sink) -> AsyncIterator[Sink]:
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


def _directory(settings: Settings) -> Directory:
    vocabulary, profiles = load_profiles()
    return Directory(vocabulary, profiles, settings.local_influxdb.raw_days * DAY_NS)


def _first(group: BaseExceptionGroup[CityhubError | ProvisioningError]) -> CityhubError | ProvisioningError:
    """Return the first error of a group of groups: what went wrong before anything else."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
