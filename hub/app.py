"""The composition root: the only file that names concrete classes, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from socket import gethostname
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, assert_never
from zoneinfo import ZoneInfo

from hub.broker.external import ExternalWatch
from hub.broker.guard import Guard, GuardedBroker
from hub.directory import Directory, vendor_topics
from hub.errors import CityhubError, ungrouped
from hub.local.folder import private_folder
from hub.local.influxd import ManagedInflux
from hub.local.mosquitto import LOOPBACK, ManagedBroker
from hub.local.services import BROKER, WEB, issue_server, issue_services, renew_in_time
from hub.local.supervisor import State, Supervisor
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
from hub.status.broker_stats import BrokerStats
from hub.status.core import Model, Status
from hub.status.figures import Figures
from hub.status.naming import read_names
from hub.status.runner import StatusRunner
from hub.status.store import StatusStore
from hub.status.wellness import Vitals
from hub.transport.tls import client_context
from hub.web.api import network_api
from hub.web.health import health_router
from hub.web.server import build_api, serve, serve_tls
from hub.web.services import Services, services_on
from hub.web.snapshot import Health
from hub.web.tls import TlsFiles
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enforcement import Enforcement
from provisioning.errors import ProvisioningError
from provisioning.keystore import find_passphrase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from sqlalchemy import Engine

    from hub.broker.acl import Topics
    from hub.profiles.schema import Profile
    from hub.settings import Settings
    from hub.sinks.base import Sink
    from hub.sources.base import Intake
    from hub.transport.options import MqttOptions

VERSION: Final = version("cityhub")
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what the operator may have written
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS

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
    servers: dict[str, Supervisor]
    watch: Guard | ExternalWatch
    broker_address: tuple[str, int]
    status: Status
    stats: BrokerStats
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
            presence=self.status.fleet.counts(),
            incidents=len(self.status.incidents.open()),
        )

    def vitals(self) -> Vitals:
        """Return what the rooms say of themselves, for the hub's own incidents."""
        states = {name: one.state for name, one in self.servers.items() if one.state is not State.RUNNING}
        others = {f"server-{name}": f"the server {name} is {state}" for name, state in states.items()}
        return Vitals(
            linked=self.source.connected,
            link=self.source.outage,
            messages=self.counters.messages,
            expected_per_s=self.status.fleet.expected_per_s(),
            database=self.delivery.outage,
            spool_full=self.spool.full,
            spool_percent=self.spool.bytes / (self.settings.spool.max_mb * 10_000),
            registry=self.feed.trouble,
            others=others | {f"enforcement-{number}": text for number, text in enumerate(self.watch.problems)},
            dropped=self.stats.dropped,
        )

    def figures(self) -> Figures:
        """Return what the hub writes about itself."""
        counters = self.counters
        return Figures(
            messages=counters.messages,
            points_stored=counters.points_stored,
            points_spooled=counters.points_spooled,
            spool_points=self.spool.lines,
            spool_bytes=self.spool.bytes,
            write_failures=counters.write_failures,
            devices=len(self.directory),
            rejected=counters.rejected,
            problems=self.problems(),
        )

    def problems(self) -> list[str]:
        """Return what is wrong, a sentence each."""
        servers = [f"{name} is {one.state}" for name, one in self.servers.items() if one.state is not State.RUNNING]
        broker = "" if self.source.connected else f"not connected to the broker: {self.source.outage}"
        rooms = (broker, self.delivery.outage, self.spool.full, self.feed.trouble)
        return servers + [text for text in rooms if text] + self.watch.problems

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
    with ungrouped(CityhubError, ProvisioningError):
        async with asyncio.TaskGroup() as tasks:
            hub = tasks.create_task(_live(settings, started), name="hub")
            await stop.wait()
            log.info("stopping")
            hub.cancel()


async def _live(settings: Settings, started: Callable[[Hub], None]) -> None:
    """Run until cancelled, which may be as early as during the start."""
    async with AsyncExitStack() as stack:
        started(await _start(settings, stack))
        await asyncio.Event().wait()


async def _start(settings: Settings, stack: AsyncExitStack) -> Hub:
    enter = stack.enter_async_context
    engine = open_engine(settings.registry_url)
    stack.callback(engine.dispose)
    authority = Authority.load(settings.pki_dir, clock=time_ns, passphrase=find_passphrase(os.environ))
    vocabulary, profiles = load_profiles(own=settings.profiles.folder)
    directory = Directory(vocabulary, profiles, settings.local_influxdb.raw_days * DAY_NS)
    services = services_on(engine, authority, time_ns, grace_days=settings.api.grace_days, profiles=profiles)
    policy = Enforcement(engine, services.registry, services.revocation, authority, time_ns)
    spool = await enter(SqliteSpool(settings.spool_file, settings.spool))  # first: it keeps a second hub away
    servers: dict[str, Supervisor] = {}
    database = await enter(_influx(settings, servers))
    vendors = {name: vendor_topics(profile) for name, profile in profiles.items()}
    broker, watch = await enter(_broker(settings, servers, authority, policy, vendors))
    sink = await enter(_opened(_sink(database, settings.pipeline.writers)))
    feed = RegistryFeed(services.registry, directory)
    status = _status(settings, directory, profiles)
    counters = Counters()
    delivery = Delivery(spool, sink, settings.pipeline, counters, time_ns)
    intake = BatchingIntake(directory, spool, settings.pipeline, counters)
    source = MqttSource(broker, partial(client_context, broker), intake, time_ns, directory.filters)
    hub = Hub(
        settings, directory, counters, spool, delivery, source, feed, database, servers, watch,
        settings.broker_address, status, BrokerStats(broker), monotonic(),
    )  # fmt: skip
    runner = _runner(hub, engine, services, intake)
    feed.followers.append(runner)
    await feed.load()
    await runner.load()
    stack.push_async_callback(runner.close)
    loopback = build_api([health_router(hub.health)], VERSION)
    live = replace(
        services, presence=runner.presence, write=intake.add, keep_ns=settings.local_influxdb.raw_days * DAY_NS
    )
    network = network_api(live, settings.api, time_ns, VERSION)
    rooms = {
        "spool": spool.tidy(),
        "delivery": delivery.run(),
        "intake": intake.run(),
        "web": serve(loopback, settings.web),
        "api": serve_tls(network, settings.api, _api_files(settings, authority)),
        "watch": watch.run(),
        "renewal": renew_in_time(partial(_renew, settings, authority, watch), time_ns),
        "registry": feed.run(),
        "status": runner.run(),
        "broker-stats": hub.stats.run(),
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
async def _influx(settings: Settings, servers: dict[str, Supervisor]) -> AsyncIterator[SinkOptions]:
    if settings.influxdb is not None:
        yield settings.influxdb
        return
    influx = ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb")
    program = influx.prepare()
    async with _supervised(program.name, Supervisor(program), servers):
        await influx.bootstrap()
        yield influx.sink_options()


@asynccontextmanager
async def _broker(
    settings: Settings, servers: dict[str, Supervisor], authority: Authority, policy: Enforcement, vendors: Topics
) -> AsyncIterator[tuple[MqttOptions, Guard | ExternalWatch]]:
    folder = private_folder(settings.state_dir / "services")
    address = settings.broker_address
    if settings.broker is not None:
        client_context(settings.broker)  # names the file that is wrong, before anything else stumbles over it
        ca_pem = settings.broker.ca_file.read_bytes()
        yield settings.broker, ExternalWatch(policy, address, folder, time_ns, ca_pem)
        return
    acl_file, crl_file = folder / "acl", folder / "crl.pem"
    server, certificate, key = issue_services(authority, folder, [address[0]], crl_file=crl_file)
    local = settings.local_broker
    broker = ManagedBroker(local, settings.state_dir / "mosquitto", server, certificate, key, acl_file=acl_file)
    program = broker.prepare()
    supervisor = Supervisor(program)
    guarded = GuardedBroker(
        acl_file=acl_file, crl_file=crl_file, ca_file=server.ca_file, folder=folder, inner=broker.link_options(),
        devices=(LOOPBACK if local.listen == EVERYWHERE else local.listen, local.port), reload=supervisor.reload,
        vendors=vendors,
    )  # fmt: skip
    guard = Guard(policy, guarded, time_ns)
    await guard.prepare()
    async with _supervised(program.name, supervisor, servers):
        yield broker.link_options(), guard


def _renew(settings: Settings, authority: Authority, watch: Guard | ExternalWatch) -> None:
    """Mint the servers' certificates anew; the listener follows its files, the broker is told."""
    _api_files(settings, authority)
    if isinstance(watch, Guard):
        issue_server(authority, settings.state_dir / "services", BROKER, [settings.broker_address[0]])
        watch.reload()


def _api_files(settings: Settings, authority: Authority) -> TlsFiles:
    """Return the listener's certificate: the operator's, or one of the hub's own authority."""
    folder = settings.state_dir / "services"
    own = issue_server(authority, folder, WEB, [settings.broker_address[0]])
    api = settings.api
    return TlsFiles(api.cert_file or own.cert_file, api.key_file or own.key_file, own.ca_file)


@asynccontextmanager
async def _supervised(name: str, supervisor: Supervisor, servers: dict[str, Supervisor]) -> AsyncIterator[None]:
    servers[name] = supervisor
    async with _running(name, supervisor.run()):
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


def _status(settings: Settings, directory: Directory, profiles: dict[str, Profile]) -> Status:
    models = {
        name: Model(profile.kind, round(profile.interval_s * SECOND_NS), profile.vitals)
        for name, profile in profiles.items()
    }
    zone = ZoneInfo(settings.city.timezone)
    return Status(directory.watches, models, settings.status, settings.health, zone)


def _runner(hub: Hub, engine: Engine, services: Services, intake: Intake) -> StatusRunner:
    return StatusRunner(
        hub.status,
        StatusStore(engine),
        hub.feed.call,
        partial(read_names, services.registry, engine),
        intake,
        hub.vitals,
        hub.figures,
        time_ns,
        gethostname(),
    )
