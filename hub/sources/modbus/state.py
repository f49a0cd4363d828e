"""What polling tells of itself: totals, and how each device answers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

KEPT: Final = 4096


@dataclass(slots=True)
class ModbusCounters:
    """Totals since start. A poll is one turn of one group of one device.

    Attributes:
        on_time: polls begun and finished before the next was due.
        late: polls skipped because their gateway was at work, or the device was given a rest.
        failed: polls that the device or its gateway did not answer.
        requests: sent.
        dropped: lines that found no room in the spool.
        lateness_ms: how long each of the last polls had to wait for its gateway.
    """

    on_time: int = 0
    late: int = 0
    failed: int = 0
    requests: int = 0
    dropped: int = 0
    lateness_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def due(self) -> int:
        """Polls whose time has come and gone."""
        return self.on_time + self.late + self.failed

    def lateness_p99_ms(self) -> float:
        """Return the 99th percentile of the last polls' lateness, 0 when there were none."""
        ordered = sorted(self.lateness_ms)
        return ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)] if ordered else 0.0


class ModbusState(NamedTuple):
    """How a device answers: last answer and last failure in ns UTC (0: none), and what is wrong, in plain words.

    `given_up` counts the requests to it since the start for whose answer the hub stopped waiting: it came too late,
    or the connection ended first. A request that was refused was answered; without a connection none is sent.
    """

    device: str
    answered_ns: int
    failed_ns: int
    fault: str
    given_up: int = 0
