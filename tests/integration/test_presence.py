"""Presence and incidents with a real broker, a real InfluxDB, and devices that are processes and can be killed."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.records import NewDevice, Site
from provisioning.registry import Registry
from tests.ports import LOOPBACK, PATIENCE_S
from tests.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hub.sinks.query import Value

pytestmark = pytest.mark.slow

INTERVAL_S, WILL_S, OFFLINE_S, WINDOW_S = 1, 2, 4, 3
PROMISE_S = 5
"""The state is seen by a query within its deadline and so many seconds."""
NAMES = [f"cam-{number}" for number in range(4)]
OVERRIDES: dict[str, dict[str, Any]] = {
    "status": {
        "intervals": {"generic_ipcamera": INTERVAL_S}, "will_s": WILL_S, "offline_s": OFFLINE_S, "window_s": WINDOW_S,
        "recovery_s": 5,
    },
}  # fmt: skip


class Camera:
    """A device: mosquitto_pub with a certificate of its own and a last will, fed with telemetry."""

    def __init__(self, made: Rig, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._port = made.device_port
        self._process: asyncio.subprocess.Process | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, and speak twice in an interval."""
        topic = f"devices/{self.name}"
        command = ["mosquitto_pub", "-h", LOOPBACK, "-p", str(self._port), "-i", self.name, "-q", "1", "-l",
                   "-t", f"{topic}/telemetry", "--will-topic", f"{topic}/status", "--will-payload", "offline",
                   "--will-qos", "1", "--will-retain", "--cafile", str(self._folder / "ca.pem"),
                   "--cert", str(self._folder / f"{self.name}.pem"),
                   "--key", str(self._folder / f"{self.name}.key")]  # fmt: skip
        self._process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        self._speaking = asyncio.create_task(self._speak(self._process))

    async def _speak(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        while process.returncode is None:
            payload = {"ts": time.time_ns() // 1_000_000, "bitrate_bps": 4_000_000, "fps": 25.0}
            process.stdin.write(json.dumps(payload).encode() + b"\n")
            await asyncio.sleep(INTERVAL_S / 2)

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def end(self) -> None:
        """Kill it, as a power cut does."""
        if self._speaking is not None and self._process is not None and self._process.stdin is not None:
            self._speaking.cancel()
            if self._process.returncode is None:
                self._process.kill()
            self._process.stdin.close()
            await self._process.wait()
            self._speaking = None


@asynccontextmanager
async def street(folder: Path) -> AsyncIterator[tuple[Rig, list[Camera]]]:
    """A site with four cameras that speak, and a hub that knows them."""
    async with rig(folder, overrides=OVERRIDES) as made:
        engine = open_engine(made.settings.registry_url)
        registry = Registry(engine, time.time_ns)
        registry.add(Site("pasar", "Pasar Bobotsari"))
        registry.add_devices([NewDevice(id=name, profile="generic_ipcamera", site="pasar") for name in NAMES])
        enrolment = Enrolment(engine, Authority.load(made.settings.pki_dir, clock=time.time_ns), time.time_ns)
        for name in NAMES:
            issued = enrolment.issue_with_hub_key(name)
            (made.pki / f"{name}.pem").write_bytes(issued.presented_pem)
            (made.pki / f"{name}.key").write_bytes(issued.key_pem)
        engine.dispose()
        cameras = [Camera(made, name, made.pki) for name in NAMES]
        await made.start_hub()
        for camera in cameras:
            await camera.start()
        try:
            yield made, cameras
        finally:
            for camera in cameras:
                await camera.end()


async def asked(made: Rig, query: str, reached: Callable[[list[list[Value]]], object], patience_s: float) -> float:
    """Ask until the rows are as they should be; return how many seconds that took."""
    began = time.monotonic()
    rows: list[list[Value]] = []
    try:
        async with made.reader() as reader, asyncio.timeout(patience_s):
            while True:
                rows = [row[1:] for series in await reader.query(query) for row in series.values]
                if reached(rows):
                    return time.monotonic() - began
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{query}: {rows} after {patience_s} s\n{made.hub_log.read_text()}") from None


async def seen(made: Rig, name: str, state: str, patience_s: float = PATIENCE_S) -> float:
    """Wait until a query finds a device in a state."""
    query = f"SELECT last(state) FROM presence WHERE device = '{name}'"
    return await asked(made, query, lambda rows: rows == [[state]], patience_s)


async def test_the_state_of_a_device_is_seen_within_its_deadline_and_five_seconds(tmp_path: Path) -> None:
    async with street(tmp_path) as (made, cameras):
        for name in NAMES:
            await seen(made, name, "online")

        cameras[0].send(signal.SIGSTOP)  # it hangs: nothing is heard of it, not even its will
        took = await seen(made, "cam-0", "offline", OFFLINE_S + PROMISE_S)
        print(f"silence of {OFFLINE_S} s seen after {took:.1f} s")

        cameras[1].send(signal.SIGKILL)
        took = await seen(made, "cam-1", "offline", WILL_S + PROMISE_S)
        print(f"a last will that counts after {WILL_S} s seen after {took:.1f} s")

        cameras[0].send(signal.SIGCONT)
        await seen(made, "cam-0", "online")
        await seen(made, "cam-2", "online")


async def test_a_power_cut_at_a_site_is_one_incident_also_over_a_restart_and_ends_by_itself(tmp_path: Path) -> None:
    async with street(tmp_path) as (made, cameras):
        for name in NAMES:
            await seen(made, name, "online")

        for camera in cameras:
            await camera.end()
        what = "SELECT last(text), last(devices), last(open) FROM incident GROUP BY incident, kind"
        text = "uplink or power at Pasar Bobotsari: 4 of 4 devices silent since "
        await asked(made, what, lambda rows: len(rows) == 1 and str(rows[0][0]).startswith(text), PATIENCE_S)

        await made.stop_hub(signal.SIGKILL)
        await made.start_hub()
        for camera in cameras:
            await camera.start()
        await asked(made, what, lambda rows: [row[1:] for row in rows] == [[4, 0]], PATIENCE_S)


async def test_the_hub_writes_its_own_figures(tmp_path: Path) -> None:
    async with street(tmp_path) as (made, _):
        figures = "SELECT last(devices), last(well), last(problems) FROM hub WHERE messages > 0"
        await asked(made, figures, lambda rows: rows == [[4, 1, ""]], PATIENCE_S)
