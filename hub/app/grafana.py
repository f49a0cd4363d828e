"""The part of the composition root that concerns Grafana: the one of the settings, or one of our own, or none.

Its state is no problem of the hub's: the hub is well without it, and `cityhub grafana check` looks at it.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING

from hub.app.lifetime import running
from hub.errors import MissingProgram
from hub.grafana.live import Pace, Pulse
from hub.grafana.options import GrafanaOptions
from hub.grafana.push import everything
from hub.grafana.runner import GrafanaRunner
from hub.local.grafana import ManagedGrafana
from hub.local.influxd import ManagedInflux
from hub.local.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hub.app.hub import Hub
    from hub.grafana.annotations import Incidents
    from hub.settings import Settings
    from hub.sinks.options import SinkOptions

log = logging.getLogger(__name__)


@asynccontextmanager
async def company(
    settings: Settings, database: SinkOptions, incidents: Incidents, pulse: Callable[[], Pulse]
) -> AsyncIterator[GrafanaRunner | None]:
    """Keep company with a Grafana beside the block; yields None where there is none.

    Raises:
        SettingsError: the file of the token, of the CA or of the database's secret cannot be used.
    """
    async with AsyncExitStack() as stack:
        runner = _external(settings, database, incidents, pulse) or await _own(
            settings, database, incidents, pulse, stack
        )
        if runner is not None:
            await stack.enter_async_context(running("grafana", runner.run()))
        yield runner


def _external(
    settings: Settings, database: SinkOptions, incidents: Incidents, pulse: Callable[[], Pulse]
) -> GrafanaRunner | None:
    options = settings.grafana
    if options is None:
        return None
    return GrafanaRunner(
        options,
        time_ns,
        items=everything(options, database, settings.city.timezone) if options.push_at_start else [],
        incidents=incidents if options.annotations else None,
        pulse=pulse if options.live else None,
    )


async def _own(
    settings: Settings,
    database: SinkOptions,
    incidents: Incidents,
    pulse: Callable[[], Pulse],
    stack: AsyncExitStack,
) -> GrafanaRunner | None:
    """Run a Grafana, if the machine has one, until the stack is unwound; nobody waits for its start."""
    own = ManagedGrafana(settings.local_grafana, settings.state_dir / "grafana", settings.city.timezone)
    if not settings.local_grafana.enabled:
        return None
    try:
        program = own.prepare()
    except MissingProgram as missing:
        log.info("%s", missing)
        return None
    await stack.enter_async_context(running(program.name, Supervisor(program).run()))
    log.info("Grafana will be at %s", own.address)
    options = GrafanaOptions.model_validate({"url": own.address})
    reader = database if settings.influxdb else _managed(settings).reader_options()
    items = everything(options, reader, settings.city.timezone)
    return GrafanaRunner(
        options, time_ns, items=items, incidents=incidents, pulse=pulse, authorization=own.authorization()
    )


def _managed(settings: Settings) -> ManagedInflux:
    return ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb")


def pulse_of(hub: Hub) -> Callable[[], Pulse]:
    """Return what takes the figures that the wall shows each second."""
    pace = Pace(time_ns)

    def take() -> Pulse:
        rx_bps, tx_bps = hub.history.bandwidth.uplinks.rates() or (None, None)
        return Pulse(
            messages_per_s=pace.per_s(hub.counters.messages),
            spool_points=hub.spool.lines,
            devices=len(hub.directory),
            online=hub.status.fleet.counts()["online"],
            incidents=len(hub.status.incidents.open()),
            rx_bps=rx_bps,
            tx_bps=tx_bps,
        )

    return take
