"""Devices with counters that reboot, wrap and are polled badly, and what they truly sent: the sums computed apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.status.counters import SECOND, Reading

if TYPE_CHECKING:
    from hub.status.counters import Width

T = 1_790_000_000 * SECOND


@dataclass
class Counter:
    """A device with one counter.

    `visible` is what anybody could know of its bytes: of each boot the most that was told, of the first one that was
    heard only what came after the first word.
    """

    width: Width = 64
    first: int = 0
    uptime: bool = True
    boot: bool = False
    now_ns: int = T
    born_ns: int = T - 5000 * SECOND
    boots: int = 1
    count: int = 0
    told: dict[int, int] = field(default_factory=dict)
    heard: list[Reading] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = self.first

    def run(self, seconds: float, amount: int) -> None:
        """Send for some time."""
        self.now_ns += round(seconds * SECOND)
        self.count += amount

    def reboot(self) -> None:
        """Start anew."""
        self.boots += 1
        self.count = 0
        self.born_ns = self.now_ns

    def poll(self, received_ns: int | None = None) -> Reading:
        """Read the counter as it shows itself, and keep the true count apart."""
        uptime_s = (self.now_ns - self.born_ns) // SECOND
        reading = Reading(
            self.now_ns,
            self.now_ns if received_ns is None else received_ns,
            self.count % 2**self.width,
            uptime_s if self.uptime else None,
            self.boots if self.boot else None,
        )
        if not self.heard:
            self.told = {self.boots: 0}
            self._base = self.count
        if self.boots == min(self.told):
            self.told[self.boots] = self.count - self._base
        else:
            self.told[self.boots] = self.count
        self.heard.append(reading)
        return reading

    @property
    def visible(self) -> int:
        """Bytes that the readings so far can account for."""
        return sum(self.told.values())
