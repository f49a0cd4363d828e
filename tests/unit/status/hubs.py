"""A hub, as far as it counts bytes: its city, its uplinks, its ledger; and what the history then holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub.decode.watch import Watch
from hub.status.bandwidth import Bandwidth
from hub.status.counters import SECOND
from hub.status.ledger import Ledger
from hub.status.periods import Periods
from provisioning.records import Tariff, Uplink
from tests.unit.status.city import City, History, Place, profile
from tests.unit.status.devices import T

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.status.devices import Counter

JAKARTA = Periods(ZoneInfo("Asia/Jakarta"))
HOUR = 3600 * SECOND
DAY = 24 * HOUR
MIDNIGHT = JAKARTA.start("day", T) + DAY
VITALS = ("rx_bytes", "tx_bytes", "uptime_s", "boot")
CITY = City(
    {
        entry.device: entry
        for entry in (
            Place("gw-pasar", "router", "kominfo", "pasar"),
            Place("gw-kota", "router32", "kominfo", "kota"),
            Place("cam-1", "camera", "dishub", "pasar", ("traffic",)),
            Place("cam-2", "camera32", "dishub", "pasar", ("crime", "traffic")),
            Place("cam-3", "camera", "polres", "kota", ("crime",)),
            Place("cam-4", "camera32", "polres", "kota", ("crime",)),
            Place("cam-nvr", "camera", "polres", "kota", ("crime",), None, True),  # noqa: FBT003 - a row
            Place("cam-gw", "camera", "dishub", "kota", (), "gw-pasar"),
            Place("bus-1", "camera", "dishub"),
        )
    },
    {
        "router": profile("gateway", *VITALS),
        "router32": profile("gateway", *VITALS, counter_bits=32),
        "camera": profile("cctv", *VITALS),
        "camera32": profile("cctv", *VITALS, counter_bits=32),
    },
)
UPLINKS = [
    Uplink("fiber-pasar", "pasar", 100_000_000, Tariff.MONTHLY, 1_500_000, router="gw-pasar"),
    Uplink("radio-kota", "kota", 20_000_000, Tariff.PER_GIGABYTE, 9_000, router="gw-kota"),
    Uplink("spare-kota", "kota", 5_000_000),
]
AGENCIES = {"pasar": "dishub", "kota": "polres"}


@dataclass
class Hub:
    """A hub that can be stopped and killed: what it has not written down is then gone."""

    file: Path
    city: City = field(default_factory=lambda: CITY)
    now_ns: int = T
    counters: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.history = History()
        self.lines = History()
        self.watches = {name: Watch(name, index) for index, name in enumerate(self.city.entries)}
        self.start()

    def start(self) -> None:
        self.ledger = Ledger(self.file, JAKARTA)
        self.bandwidth = Bandwidth(self.city, JAKARTA, self.ledger.meters())
        self.bandwidth.uplinks.update(UPLINKS, AGENCIES)

    def hear(self, device: str, *samples: tuple[object, ...]) -> None:
        self.bandwidth.observe(self.city.entries[device], self.watches[device], samples, self.now_ns)

    def tick(self) -> str:
        lines = self.bandwidth.tick(self.now_ns)
        self.lines.write(lines)
        return lines

    def book(self) -> None:
        self.bandwidth.settle()
        self.ledger.book(self.bandwidth.take_bookings(), self.now_ns)

    def publish(self) -> None:
        self.book()
        self.history.publish(self.ledger)

    def stop(self) -> None:
        self.book()
        self.ledger.close()

    def kill(self) -> None:
        self.ledger.close()


def counter(device: Counter, received_ns: int | None = None) -> tuple[object, ...]:
    """A sample of a device with one counter, of what it sends."""
    one = device.poll(received_ns)
    return one.time_ns, one.received_ns, None, one.value, one.uptime_s, one.boot
