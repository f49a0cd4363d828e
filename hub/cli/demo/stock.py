"""What a demo came to: what the city says it sent and answered, beside what the database says it holds."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.sim.audit import Compared, Missing, compare_answers, count_points, find_missing
from hub.sim.city import CAMERA, SENSOR, TRACKER

if TYPE_CHECKING:
    from hub.app.hub import Hub
    from hub.cli.demo.process import Sims
    from hub.sim.latency import LatencyProbe
    from hub.sim.reader import Reader

SHOWN: Final = 10
MEASUREMENTS: Final = ("cctv", "gps", "weather", "level", "event")
"""Where the devices that speak MQTT are stored; what the hub concludes of them stands elsewhere."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to; the keys of `--json`.

    Attributes:
        devices: that speak MQTT.
        connected: those whose link the broker accepted at least once.
        published: messages that they handed to MQTT.
        acknowledged: those that the broker took.
        stored: their points that a query finds; a message makes one in each of its measurements.
        lost: points of acknowledged good messages, and of answers that the hub had in time, that no query finds.
        rejected: messages and answers that the hub put, in part or as a whole, to the dead letters.
        latency_p50_ms: from publishing until a query finds the point, measured once all devices have connected;
            see LatencyProbe for its error. None when there was no time for that.
        units: that are polled over Modbus.
        answering: those that answered at least once.
        polled: their points that a query finds, counted by the one reading of each that the simulation remembers.
        invented: those that no unit said at that time; must be 0.
    """

    devices: int
    connected: int
    published: int
    acknowledged: int
    stored: int
    lost: int
    rejected: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    units: int
    answering: int
    polled: int
    invented: int

    @property
    def good(self) -> bool:
        """Whether something was stored, nothing lost and nothing invented."""
        return self.stored > 0 and self.lost == 0 and self.invented == 0


class _Found(NamedTuple):
    """What the database holds: messages without their points, and what units said beside what is stored of it."""

    missing: list[Missing]
    compared: Compared


async def take_stock(hub: Hub, reader: Reader, sims: Sims, probe: LatencyProbe, patience_s: float) -> Outcome | None:
    """Let the hub store what the city sent, then ask the database; None when the city had not said anything yet."""
    totals, polled = sims.devices.totals, sims.units.polled
    if totals is None or polled is None:
        return None
    found = await _settled(hub, reader, sims, patience_s)
    unread = _unread(hub, found.compared)
    _tell(found, unread)
    return Outcome(
        devices=totals.devices,
        connected=totals.seen,
        published=totals.published,
        acknowledged=totals.acknowledged,
        stored=await count_points(reader, MEASUREMENTS, {CAMERA, TRACKER, SENSOR}),
        lost=len(found.missing) + sum(unread.values()),
        rejected=hub.counters.rejected.total(),
        latency_p50_ms=probe.percentile_ms(0.5),
        latency_p99_ms=probe.percentile_ms(0.99),
        units=polled.units,
        answering=polled.answering,
        polled=found.compared.stored,
        invented=found.compared.invented.total(),
    )


async def _settled(hub: Hub, reader: Reader, sims: Sims, patience_s: float) -> _Found:
    """Ask until all is there, for so long."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        found = _Found(
            await find_missing(reader, sims.devices.ledgers), await compare_answers(reader, sims.units.answers)
        )
        done = not (found.missing or _unread(hub, found.compared) or hub.spool.lines)
        if done or asyncio.get_running_loop().time() > deadline:
            return found
        await asyncio.sleep(0.2)


def _unread(hub: Hub, compared: Compared) -> dict[str, int]:
    """Return the answers without a point, by device, beyond those for which the hub had stopped waiting."""
    missing = {}
    for device, count in compared.missing.items():
        state = hub.modbus.state(device)
        missing[device] = count - (state.given_up if state else 0)
    return {device: count for device, count in missing.items() if count > 0}


def _tell(found: _Found, unread: dict[str, int]) -> None:
    for one in found.missing[:SHOWN]:
        log.error("lost: a message of %s, sent at %d ms, is not in %s", one.device, one.ms, one.measurement)
    for device, count in list(unread.items())[:SHOWN]:
        log.error("lost: %d answers of %s are not stored", count, device)
    for device, count in list((+found.compared.invented).items())[:SHOWN]:
        log.error("invented: %d points of %s say what it never said", count, device)
