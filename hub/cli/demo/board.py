"""Gathers what the demo's view shows: from the hub, from the simulated city, and from the log."""

from __future__ import annotations

import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from hub.cli.demo.view import EVENTS, SPARK, Happened, Modbus, Snapshot

if TYPE_CHECKING:
    from hub.app.hub import Hub
    from hub.cli.demo.process import Sims
    from hub.sim.latency import LatencyProbe
    from hub.sim.report import Happening, PolledTotals


class Board(logging.Handler):
    """Keeps the last events and rates; is a log handler, because log records are events too.

    Attributes:
        stage: what the demo is doing, while it is not just running.
    """

    def __init__(self, city: str) -> None:
        super().__init__(logging.INFO)
        self.stage = ""
        self._city = city
        self._events: deque[Happened] = deque(maxlen=EVENTS)
        self._rates: deque[float] = deque(maxlen=SPARK)
        self._counted = (monotonic(), 0)
        self._latencies_ms: tuple[float | None, float | None] = (None, None)

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a log record; called by logging, from any thread."""
        who = record.name.removeprefix("hub.")
        self._events.append(Happened(int(record.created * 1e9), who, record.levelname.lower(), record.getMessage()))

    def tell(self, happening: Happening) -> None:
        """Take in what happened to a device."""
        self._events.append(Happened(happening.at_ns, happening.device, happening.severity, happening.text))

    def count(self, messages: int, probe: LatencyProbe) -> None:
        """Take in how many messages there were so far, and how long they took; call it once a bar."""
        (before, counted), now = self._counted, monotonic()
        self._rates.append((messages - counted) / max(now - before, 0.001))
        self._counted = (now, messages)
        self._latencies_ms = (probe.percentile_ms(0.5), probe.percentile_ms(0.99))

    def snapshot(self, hub: Hub, sims: Sims) -> Snapshot:
        """Return what there is to see now."""
        health, totals = hub.health(), sims.devices.totals
        p50_ms, p99_ms = self._latencies_ms
        return Snapshot(
            city=self._city,
            uptime_s=health.uptime_s,
            stage=self.stage,
            problems=tuple(health.problems),
            models=totals.models if totals else {},
            rates=tuple(self._rates),
            published=totals.published if totals else 0,
            acknowledged=totals.acknowledged if totals else 0,
            points_stored=health.points_stored,
            spool_points=health.spool_points,
            spool_bytes=health.spool_bytes,
            rejected=health.rejected,
            grafana=hub.grafana.address if hub.grafana else "",
            p50_ms=p50_ms,
            p99_ms=p99_ms,
            events=tuple(self._events),
            modbus=_modbus(hub, sims.units.polled),
        )


def _modbus(hub: Hub, totals: PolledTotals | None) -> Modbus | None:
    """Return what is polled, or None when nothing is."""
    if totals is None or not totals.units:
        return None
    counters = hub.modbus.counters
    states = [state for device in hub.directory.polled if (state := hub.modbus.state(device))]
    return Modbus(
        answering=sum(1 for state in states if state.answered_ns > state.failed_ns),
        units=totals.units,
        polls=counters.on_time,
        late=counters.late,
        failed=counters.failed,
        failing=[(state.device, state.fault) for state in states if state.fault],
    )
