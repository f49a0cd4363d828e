"""What a demo came to: what the city says it sent and answered, beside what the database says it holds."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.sim.audit import Compared, Missing, compare_answers, count_points, find_missing
from hub.sim.city import CAMERA, SENSOR, TRACKER

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.cli.demo.process import Sims
    from hub.sim.latency import LatencyProbe
    from hub.sim.reader import Reader

SHOWN: int = 10

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
        lost: points of acknowledged good messages that no query finds, and of answers that the hub has had.
        rejected: messages and answers that the hub put, in part or as a whole, to the dead letters.
        latency_p50_ms: from publishing until a query finds the point, measured once all devices have connected;
            see LatencyProbe for its error. None when there was no time for that.
        units: that are polled over Modbus.
        answering: those that answered at least once.
        polled: their points that a query finds, of the one group in which the simulation follows each answer.
        invented: points among those that no unit said; must be 0.
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
