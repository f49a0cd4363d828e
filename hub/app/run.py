"""The order in which the rooms start and stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final

from hub.app.broker import api_files, broker_link, renew
from hub.app.database import influx_options, opened
from hub.app.grafana import company, pulse_of
from hub.app.history import open_books
from hub.app.hub import VERSION, Hub
from hub.app.lifetime import running
from hub.app.status import inventory_of, runner_of, status_of
from hub.directory import Directory, vendor_topics
from hub.errors import CityhubError, ungrouped
from hub.local.services import renew_in_time
from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.kept_keys import release_keys
from hub.pipeline.registry_feed import RegistryFeed
from hub.profiles.certificate import certificate_rules
from hub.profiles.loader import load_profiles
from hub.sources.modbus.pace import RealPace
from hub.sources.modbus.source import ModbusSource
from hub.sources.mqtt import MqttSource
from hub.spool.sqlite import SqliteSpool
from hub.status.broker_stats import BrokerStats
from hub.transport.modbus_bus import PymodbusBus
from hub.transport.tls import client_context
from hub.web.api import network_api
from hub.web.health import health_router
from hub.web.polled import polled_router
from hub.web.server import build_api, serve, serve_tls
from hub.web.services import services_on
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enforcement import Enforcement
from provisioning.errors import ProvisioningError
from provisioning.kept_keys import KeptKeys
from provisioning.keystore import find_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hub.local.supervisor import Supervisor
    from hub.profiles.schema import Profile
    from hub.settings import Settings
    from hub.status.runner import StatusRunner
    from hub.web.services import Services

DAY_NS: Final = 86_400 * 1_000_000_000

log = logging.getLogger(__name__)


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
    ground = _ground(settings, stack)
    hub = await _assemble(ground, stack)
    runner = runner_of(hub, ground.services)
    hub.feed.followers += [runner, hub.modbus]
    await hub.feed.load()
    await runner.load()
    stack.push_async_callback(runner.close)
    for name, room in _rooms(ground, hub, runner).items():
        await stack.enter_async_context(running(name, room))
    beside = company(settings, hub.database, hub.status.incidents, pulse_of(hub))
    hub.grafana = await stack.enter_async_context(beside)
    # What has been built lives as long as the hub: the collector need not walk over it again and again. Nor need it
    # look at every burst of messages, none of which holds a cycle: that was four per cent of the processor's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return hub


@dataclass(frozen=True)
class _Ground:
    """What all rooms stand on: the registry and the authority (in `services`), the profiles, and who is who."""

    settings: Settings
    services: Services
    profiles: dict[str, Profile]
    directory: Directory
    keep_ns: int


def _ground(settings: Settings, stack: AsyncExitStack) -> _Ground:
    engine = open_engine(settings.registry_url)
    stack.callback(engine.dispose)
    authority = Authority.load(settings.pki_dir, clock=time_ns, passphrase=find_passphrase(os.environ))
    vocabulary, profiles = load_profiles(own=settings.profiles.folder)
    keep_ns = settings.local_influxdb.raw_days * DAY_NS
    directory = Directory(vocabulary, profiles, keep_ns)
    rules, grace_days = certificate_rules(profiles), settings.api.grace_days
    services = services_on(engine, authority, time_ns, grace_days=grace_days, profiles=rules)
    return _Ground(settings, services, profiles, directory, keep_ns)


async def _assemble(ground: _Ground, stack: AsyncExitStack) -> Hub:
    """Put the rooms together, on servers that run; nothing is received yet."""
    enter, settings, directory = stack.enter_async_context, ground.settings, ground.directory
    registry, authority = ground.services.registry, ground.services.authority
    spool = await enter(SqliteSpool(settings.spool_file, settings.spool))  # first: it keeps a second hub away
    servers: dict[str, Supervisor] = {}
    database = await enter(influx_options(settings, servers))
    policy = Enforcement(ground.services.engine, registry, ground.services.revocation, authority, time_ns)
    vendors = {name: vendor_topics(profile) for name, profile in ground.profiles.items()}
    broker, watch = await enter(broker_link(settings, servers, authority, policy, vendors))
    sink = await enter(opened(database, settings.pipeline.writers))
    status = status_of(settings, directory, ground.profiles)
    counters = Counters()
    delivery = Delivery(spool, sink, settings.pipeline, counters, time_ns)
    intake = BatchingIntake(directory, spool, settings.pipeline, counters)
    source = MqttSource(broker, partial(client_context, broker), intake, time_ns, directory.filters)
    bus = partial(PymodbusBus, connect_s=settings.modbus.connect_s)
    modbus = ModbusSource(directory, intake, settings.modbus, RealPace(), bus)
    history = await enter(open_books(settings, database, directory, registry, status))
    return Hub(
        settings, directory, counters, spool, delivery, intake, source, modbus, RegistryFeed(registry, directory),
        history, database, servers, watch, settings.broker_address, status, BrokerStats(broker), monotonic(),
    )  # fmt: skip


def _rooms(ground: _Ground, hub: Hub, runner: StatusRunner) -> dict[str, Coroutine[Any, Any, None]]:
    """Return all that runs for as long as the hub does, in the order of starting: sources come last and stop first."""
    settings, services = ground.settings, ground.services
    return {
        "spool": hub.spool.tidy(),
        "delivery": hub.delivery.run(),
        "history-spool": hub.history.spool.tidy(),
        "history": hub.history.delivery.run(),
        "books": hub.history.books.run(),
        "intake": hub.intake.run(),
        **_doors(ground, hub, runner),
        "watch": hub.watch.run(),
        "renewal": renew_in_time(partial(renew, settings, services.authority, hub.watch), time_ns),
        "registry": hub.feed.run(),
        "keys": release_keys(KeptKeys(services.engine, time_ns), hub.directory),
        "status": runner.run(),
        "broker-stats": hub.stats.run(),
        "inventory": inventory_of(services.engine, ground.profiles, settings.health.river, hub.intake).run(),
        "mqtt": hub.source.run(),
        "modbus": hub.modbus.run(),
    }


def _doors(ground: _Ground, hub: Hub, runner: StatusRunner) -> dict[str, Coroutine[Any, Any, None]]:
    """Return what answers HTTP: on loopback for this machine, over TLS for everybody else."""
    settings = ground.settings
    loopback = build_api([health_router(hub.health), polled_router(hub.modbus.state)], VERSION)
    live = replace(ground.services, presence=runner.presence, write=hub.intake.add, keep_ns=ground.keep_ns)
    network = network_api(live, settings.api, time_ns, VERSION)
    return {
        "web": serve(loopback, settings.web),
        "api": serve_tls(network, settings.api, api_files(settings, live.authority)),
    }
