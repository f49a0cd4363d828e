"""Devices with counters that reboot, wrap and are polled badly, and what they truly sent: the sums computed apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hub.status.counters import SECOND, Reading

if TYPE_CHECKING:
    from hub.status.counters import Width

T = 1_790_000_000 * SECOND


class Truth(NamedTuple):
    """What stood behind a reading: the number of the boot, and all bytes since then, however wide the counter is."""

    boot: int
    bytes: int


@dataclass
class Counter:
    """A device with one counter; `heard` is what was told, and the truth behind it."""

    width: Width = 64
    first: int = 0
    uptime: bool = True
    boot: bool = False
    now_ns: int = T
    born_ns: int = T - 5000 * SECOND
    boots: int = 1
    count: int = 0
    heard: list[Truth] = field(default_factory=list)

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
        """Read the counter as it shows itself."""
        self.heard.append(Truth(self.boots, self.count))
        return Reading(
            self.now_ns,
            self.now_ns if received_ns is None else received_ns,
            self.count % 2**self.width,
            (self.now_ns - self.born_ns) // SECOND if self.uptime else None,
            self.boots if self.boot else None,
        )

    @property
    def visible(self) -> int:
        """Bytes that the readings can account for: of each boot the most that was told, of the first from then on."""
        if not self.heard:
            return 0
        most: dict[int, int] = {}
        for boot, amount in self.heard:
            most[boot] = max(most.get(boot, 0), amount)
        return sum(most.values()) - self.heard[0].bytes
