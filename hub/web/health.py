"""How the hub is: one snapshot, given as JSON at /health and to Prometheus at /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.web.snapshot import Health

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Snapshot = Callable[[], Health]


def health_router(snapshot: Snapshot) -> APIRouter:
    """Return the routes /health (200 when well, 503 when not; the same body) and /metrics."""
    router = APIRouter(tags=["health"])
    registry = CollectorRegistry()
    registry.register(_HubCollector(snapshot))

    @router.get("/health", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """Tell how the hub is."""
        now = snapshot()
        response.status_code = 200 if now.well else 503
        return now

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Tell the same to Prometheus (text exposition format 0.0.4)."""
        return Response(generate_latest(registry), media_type=METRICS_TYPE)

    return router


class _HubCollector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before it is asked for."""
        return []

    def collect(self) -> Iterable[Metric]:
        now = self._snapshot()
        yield _gauge("cityhub_well", "1 when nothing is wrong", now.well)
        yield _gauge("cityhub_uptime_seconds", "Seconds since start", now.uptime_s)
        yield _gauge("cityhub_devices", "Registered devices that are served", now.devices)
        yield _gauge("cityhub_broker_connected", "1 while the link to the broker stands", now.broker_connected)
        yield _gauge("cityhub_spool_points", "Points on disk that are not stored yet", now.spool_points)
        yield _gauge("cityhub_spool_bytes", "Bytes on disk that are not stored yet", now.spool_bytes)
        yield _counter("cityhub_broker_connections", "Times the link to the broker was made", now.broker_connections)
        yield _counter("cityhub_messages", "Messages received", now.messages)
        yield _counter("cityhub_messages_acknowledged", "Messages acknowledged", now.messages_acknowledged)
        yield _counter("cityhub_received_bytes", "Bytes of payload received", now.bytes)
        yield _counter("cityhub_points_spooled", "Points made durable", now.points_spooled)
        yield _counter("cityhub_points_stored", "Points that the database confirmed", now.points_stored)
        yield _counter("cityhub_commits", "Transactions of the spool", now.commits)
        yield _counter("cityhub_writes", "Writes to the database", now.writes)
        yield _counter("cityhub_write_failures", "Writes that have to be repeated", now.write_failures)
        yield from _modbus(now)
        rejected = CounterMetricFamily("cityhub_rejected", "Messages and lines rejected", labels=["reason"])
        for reason, count in now.rejected.items():
            rejected.add_metric([reason], count)
        yield rejected
        presence = GaugeMetricFamily("cityhub_presence", "Devices by whether they can be reached", labels=["state"])
        for state, count in now.presence.items():
            presence.add_metric([state], count)
        yield presence
        yield _gauge("cityhub_incidents", "Incidents that are not closed", now.incidents)


def _modbus(now: Health) -> Iterable[Metric]:
    yield _gauge("cityhub_modbus_devices", "Devices that are polled over Modbus", now.modbus_devices)
    yield _gauge("cityhub_modbus_lateness_ms", "99 of 100 of the last polls waited no longer", now.modbus_lateness_ms)
    yield _counter("cityhub_modbus_polls", "Polls that were due", now.modbus_polls)
    yield _counter("cityhub_modbus_on_time", "Polls begun and finished before the next was due", now.modbus_on_time)
    yield _counter("cityhub_modbus_late", "Polls skipped because their gateway was at work", now.modbus_late)
    yield _counter("cityhub_modbus_failed", "Polls that device or gateway did not answer", now.modbus_failed)
    yield _counter("cityhub_modbus_requests", "Requests sent over Modbus", now.modbus_requests)
    yield _counter("cityhub_modbus_dropped", "Lines read over Modbus that found no room", now.modbus_dropped)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(name, about, value=value)
