"""`make bench`: what the hub costs and how fast it is, in one JSON object on standard output.

devices, publishing  registered, and how many of them publish
messages_per_s       end to end at the peak: from the first message published to the last one confirmed by InfluxDB
cpu_us_per_message   user and system time of the hub's process over the messages stored meanwhile
latency_*_ms         publish to queryable at half the peak rate, found by polling the database (see hub.sim.latency)
rss_mb               the hub's peak memory
broker_messages_per_s  the same publisher and broker with a subscriber that only acknowledges
status_*             what it costs to watch 100,000 devices, in a process of its own (see tests/bench/status.py)

Messages are QoS 1 JSON telemetry with five readings, over mutual TLS. The publisher is kept at most BEHIND messages
ahead of what is stored, so that the peak is a rate that the whole chain sustains.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hub.sim.latency import LatencyProbe
from provisioning.records import NewDevice
from tests.bench.names import device_name
from tests.ports import LOOPBACK
from tests.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BEHIND = 20_000
WARM_UP = 20_000
"""At least one message a device: InfluxDB takes its time over a series that it has never seen."""
SAMPLES = 500
"""Latencies to be found, roughly; so many devices are watched."""


@dataclass
class Figures:
    """The keys of the JSON object."""

    devices: int
    publishing: int
    messages: int
    messages_per_s: float
    cpu_us_per_message: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    rss_mb: float
    broker_messages_per_s: float


class Publishing:
    """The publisher's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        self._process, self._stdin = process, process.stdin

    @classmethod
    async def start(cls, made: Rig, devices: int, messages: int, rate: float = 0) -> Publishing:
        """Start it; it sends nothing before it is allowed to."""
        command = [LOOPBACK, made.service_port, made.pki, devices, messages, rate]
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.bench.publisher",
                *map(str, command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
            )
        )

    async def drive(self, total: int, done: Callable[[], Awaitable[int]]) -> float:
        """Let it send, BEHIND ahead of `done`, until `total` are done; return how many seconds that took."""
        started, finished = time.monotonic(), 0
        while finished < total:
            finished = await done()
            self._stdin.write(b"%d\n" % (finished + BEHIND))
            if self._process.returncode not in {None, 0}:
                raise SystemExit("the publisher failed")
            await asyncio.sleep(0.1)
        elapsed = time.monotonic() - started
        self._stdin.close()
        await self._process.wait()
        return elapsed


async def measure(devices: int, publishing: int, messages: int, seconds: float, folder: Path) -> Figures:
    """Run the four measurements: `devices` are registered, and so many of them publish."""
    planned = [
        NewDevice(id=device_name(number), profile="generic_ipcamera", zones=("traffic",)) for number in range(devices)
    ]
    async with rig(folder, planned) as made:
        _say("the broker with a subscriber that only acknowledges ...")
        bare = await _bare_broker(made, publishing, messages)
        _say(f"{bare:.0f} messages a second; the hub at its peak ...")
        await made.start_hub()
        await _through_hub(made, publishing, max(WARM_UP, publishing))
        before = _cpu_s(made)
        elapsed = await _through_hub(made, publishing, messages)
        cpu = _cpu_s(made) - before
        peak = messages / elapsed
        _say(f"{peak:.0f} messages a second; latency at half of it ...")
        p50, p99 = await _latency(made, publishing, peak / 2, seconds)
        rss = _peak_rss_mb(made)
    us = round(cpu / messages * 1e6, 2)
    return Figures(devices, publishing, messages, round(peak), us, p50, p99, round(rss, 1), round(bare))


async def _bare_broker(made: Rig, devices: int, messages: int) -> float:
    subscriber = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.subscriber", str(made.settings.file), str(messages),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert subscriber.stdout is not None
    received = 0

    async def follow() -> None:
        nonlocal received
        assert subscriber.stdout is not None
        while line := await subscriber.stdout.readline():
            received = int(line)

    await subscriber.stdout.readline()  # it is subscribed
    following = asyncio.create_task(follow())

    async def done() -> int:
        return received

    publishing = await Publishing.start(made, devices, messages)
    elapsed = await publishing.drive(messages, done)
    await following
    await subscriber.wait()
    return messages / elapsed


async def _through_hub(made: Rig, devices: int, messages: int, rate: float = 0) -> float:
    first = await _stored(made)

    async def done() -> int:
        return await _stored(made) - first

    publishing = await Publishing.start(made, devices, messages, rate)
    return await publishing.drive(messages, done)


async def _latency(made: Rig, devices: int, rate: float, seconds: float) -> tuple[float | None, float | None]:
    watched = min(devices, 1 + int(SAMPLES * devices / (rate * seconds)))
    probed = " OR ".join(f"\"device\" = '{device_name(number)}'" for number in range(watched))
    async with made.reader() as reader:
        probe = LatencyProbe(reader, time.time_ns, probed, field="fps")
        polling = asyncio.create_task(probe.run())
        await _through_hub(made, devices, int(rate * seconds), rate)
        polling.cancel()
    return probe.percentile_ms(0.5), probe.percentile_ms(0.99)


async def _stored(made: Rig) -> int:
    health = await asyncio.to_thread(made.health)
    if health is None:
        raise SystemExit(f"the hub does not answer:\n{made.hub_log.read_text()}")
    return health.points_stored


def _cpu_s(made: Rig) -> float:
    assert made.hub is not None
    fields = Path(f"/proc/{made.hub.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_rss_mb(made: Rig) -> float:
    assert made.hub is not None
    status = Path(f"/proc/{made.hub.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=1000, help="registered")
    parser.add_argument("--publishing", type=int, default=1000, help="of them, those that publish; never more than all")
    parser.add_argument("--messages", type=int, default=600_000, help="at the peak")
    parser.add_argument("--seconds", type=float, default=15, help="of the latency measurement")
    options = parser.parse_args()
    publishing = min(options.publishing, options.devices)
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with TemporaryDirectory(prefix="cityhub-bench-") as folder:
        figures = asyncio.run(measure(options.devices, publishing, options.messages, options.seconds, Path(folder)))
    _say("what it costs to watch 100,000 devices ...")
    watching = subprocess.run([sys.executable, "-m", "tests.bench.status"], check=True, stdout=subprocess.PIPE)
    print(json.dumps(asdict(figures) | json.loads(watching.stdout)))


if __name__ == "__main__":
    main()
