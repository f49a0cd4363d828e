"""What it costs to watch 100,000 devices; in a process of its own, so that memory is its own as well.

    python -m tests.bench.status [DEVICES]

Writes one JSON object to standard output:

status_devices         watched: cameras that speak every 30 s, at sites of 50
status_ms_per_s        CPU milliseconds a second of status, while all speak in turn (median of the seconds)
status_worst_ms        the longest second of them
status_illness_ms      the second in which the hub falls ill and everything becomes unknown
status_outage_ms       the longest second while one site in ten falls silent and is judged
status_bytes_a_device  memory that status adds to a device, its watch not counted
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from hub.decode.watch import Watch
from hub.status.core import Model, Status
from hub.status.fleet import Ear
from hub.status.options import HealthOptions, StatusOptions
from hub.status.presence import SECOND
from provisioning.directory import DirectoryEntry

INTERVAL_S: Final = 30
SECONDS: Final = 90
A_SITE: Final = 50
START: Final = 1_790_000_000 * SECOND
VITALS: Final = ("cctv.bitrate_bps", "cctv.tx_bytes", "cctv.storage_used_percent", "cctv.recording", "cctv.video_loss",
                 "cctv.device_temperature_c", "cctv.uptime_s", "cctv.firmware")  # fmt: skip


def camera(device: str, site: str) -> DirectoryEntry:
    """Return a row of the registry."""
    return DirectoryEntry(device, "camera", "dishub", site, ("traffic",), None, None, None, lifecycle="active")


class City:
    """Cameras that speak in turn, and a status that watches them."""

    def __init__(self, devices: int) -> None:
        entries = [camera(f"cam-{number:06d}", f"site-{number // A_SITE:05d}") for number in range(devices)]
        self.watches = [Watch(entry.device, number) for number, entry in enumerate(entries)]
        models = {"camera": Model("cctv", INTERVAL_S * SECOND, VITALS)}
        by_name = {watch.device: watch for watch in self.watches}
        tracemalloc.start()
        zone = ZoneInfo("Asia/Jakarta")
        self.status = Status(by_name, models, StatusOptions(), HealthOptions(), zone)
        self.status.update(entries, (), START)
        self.second = 0
        self.silent = range(0)
        for ear in Ear:
            self.status.hear(ear, START)

    @property
    def now(self) -> int:
        """The time in nanoseconds."""
        return START + self.second * SECOND

    def pass_second(self) -> float:
        """Let those whose turn it is speak; return the CPU milliseconds of the tick."""
        self.second += 1
        for number in range(self.second % INTERVAL_S, len(self.watches), INTERVAL_S):
            if number not in self.silent:
                watch = self.watches[number]
                watch.heard_ns = self.now
                watch.keep((self.now, self.now, 4_000_000, 1, 50.0, True, False, 41.0, 1, "1.0"))
        return self.measured()

    def measured(self) -> float:
        """Return the CPU milliseconds of a tick, with what it hands over to be kept."""
        began = time.process_time_ns()
        self.status.tick(self.now)
        self.status.take_unkept(5_000)
        return (time.process_time_ns() - began) / 1e6


def measure(devices: int) -> dict[str, float]:
    """Return the figures."""
    city = City(devices)
    for _ in range(INTERVAL_S + 1):
        city.pass_second()
    bytes_a_device = tracemalloc.get_traced_memory()[0] / devices
    tracemalloc.stop()
    steady = [city.pass_second() for _ in range(SECONDS)]
    city.silent = range(devices // 10)
    outage = [city.pass_second() for _ in range(200)]
    began = time.process_time_ns()
    city.status.deafen(Ear.MQTT, city.now)
    illness = (time.process_time_ns() - began) / 1e6 + city.pass_second()
    return {
        "status_devices": devices,
        "status_ms_per_s": round(median(steady), 2),
        "status_worst_ms": round(max(steady), 2),
        "status_illness_ms": round(illness, 1),
        "status_outage_ms": round(max(outage), 1),
        "status_bytes_a_device": round(bytes_a_device),
    }


def main() -> None:
    """Measure and print."""
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))


if __name__ == "__main__":
    main()
