"""A running hub, as its observers see it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Final

from hub.local.supervisor import State, Supervisor
from hub.sinks.query import InfluxReader
from hub.status.figures import Figures
from hub.status.wellness import Vitals
from hub.web.snapshot import Health

if TYPE_CHECKING:
    from hub.app.history import History
    from hub.broker.external import ExternalWatch
    from hub.broker.guard import Guard
    from hub.directory import Directory
    from hub.grafana.runner import GrafanaRunner
    from hub.pipeline.counters import Counters
    from hub.pipeline.delivery import Delivery
    from hub.pipeline.intake import BatchingIntake
    from hub.pipeline.registry_feed import RegistryFeed
    from hub.settings import Settings
    from hub.sinks.options import SinkOptions
    from hub.sources.modbus.source import ModbusSource
    from hub.sources.mqtt import MqttSource
    from hub.spool.sqlite import SqliteSpool
    from hub.status.broker_stats import BrokerStats
    from hub.status.core import Status

VERSION: Final = version("cityhub")


@dataclass
class Hub:
    """All that runs; `grafana` is None where there is none."""

    settings: Settings
    directory: Directory
    counters: Counters
    spool: SqliteSpool
    delivery: Delivery
    intake: BatchingIntake
    source: MqttSource
    modbus: ModbusSource
    feed: RegistryFeed
    history: History
    database: SinkOptions
    servers: dict[str, Supervisor]
    watch: Guard | ExternalWatch
    broker_address: tuple[str, int]
    status: Status
    stats: BrokerStats
    started: float
    grafana: GrafanaRunner | None = None

    def health(self) -> Health:
        """Return a snapshot of how the hub is."""
        counters, polls = self.counters, self.modbus.counters
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
            modbus_devices=self.modbus.devices,
            modbus_polls=polls.due,
            modbus_on_time=polls.on_time,
            modbus_late=polls.late,
            modbus_failed=polls.failed,
            modbus_requests=polls.requests,
            modbus_dropped=polls.dropped,
            modbus_lateness_ms=polls.lateness_p99_ms(),
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
            others=others
            | self.history.troubles()
            | {f"enforcement-{number}": text for number, text in enumerate(self.watch.problems)},
            dropped=self.stats.dropped,
        )

    def figures(self) -> Figures:
        """Return what the hub writes about itself."""
        counters, polls = self.counters, self.modbus.counters
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
            modbus_polls=polls.due,
            modbus_late=polls.late,
            modbus_failed=polls.failed,
            modbus_lateness_ms=polls.lateness_p99_ms(),
        )

    def problems(self) -> list[str]:
        """Return what is wrong, a sentence each."""
        servers = [f"{name} is {one.state}" for name, one in self.servers.items() if one.state is not State.RUNNING]
        broker = "" if self.source.connected else f"not connected to the broker: {self.source.outage}"
        rooms = (broker, self.delivery.outage, self.spool.full, self.feed.trouble, *self.history.troubles().values())
        return servers + [text for text in rooms if text] + self.watch.problems

    def reader(self) -> InfluxReader:
        """Return a reader of the database that the hub writes to."""
        return InfluxReader(self.database)
