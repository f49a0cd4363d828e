"""A one-box hub as its user has it: a folder, the `cityhub` command, and what the hub starts by itself."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.local.influxd import ManagedInflux
from hub.settings import FILE_NAME, load_settings
from hub.sinks.query import InfluxReader
from hub.web.snapshot import Health
from tests.ports import PATIENCE_S, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

CITYHUB = Path(sys.executable).with_name("cityhub")
LOOPBACK = "127.0.0.1"
PORTS = ("LOCAL_BROKER__PORT", "LOCAL_BROKER__HUB_PORT", "LOCAL_INFLUXDB__PORT", "LOCAL_INFLUXDB__RPC_PORT",
         "WEB__PORT", "API__PORT")  # fmt: skip


class OneBox:
    """A hub that `cityhub init` has made in `folder`, on ports of its own by way of the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CITYHUB_")}
        self.environment = inherited | {f"CITYHUB_{name}": str(port) for name, port in ports}
        self.environment["CITYHUB_LOCAL_GRAFANA__ENABLED"] = "false"  # as on a machine without one
        self.hub: subprocess.Popen[bytes] | None = None
        self.run("init", str(folder), "--host", LOOPBACK, cwd=folder.parent)
        self.settings = load_settings(folder / FILE_NAME, self.environment)

    def run(self, *words: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a `cityhub` command to its end and check its exit code."""
        result = subprocess.run(
            [CITYHUB, *words], cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert result.returncode == code, result.stderr
        return result

    def start(self, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Run `cityhub up`; wait until it is well, unless told not to."""
        with self.log.open("ab") as log:
            self.hub = subprocess.Popen([CITYHUB, "up"], cwd=self.folder, env=self.environment, stderr=log)
        if wait:
            self.until(lambda health: not health.problems)
        return self.hub

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the hub a signal; return its exit code."""
        assert self.hub is not None
        self.hub.send_signal(number)
        hub, self.hub = self.hub, None
        return hub.wait(PATIENCE_S)

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        if self.hub is not None:
            self.stop()

    def until(self, reached: Callable[[Health], object]) -> Health:
        """Wait until the hub's health satisfies `reached`."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            health = self._health()
            if health is not None and reached(health):
                return health
            ended = self.hub is not None and self.hub.poll() is not None
            assert not ended, self.log.read_text()
            assert time.monotonic() < deadline, (health, self.log.read_text())
            time.sleep(0.01)

    def query(self, influxql: str) -> list[Any]:
        """Return the rows that the database finds."""
        influx = ManagedInflux(self.settings.local_influxdb, self.settings.state_dir / "influxdb")

        async def ask() -> list[Any]:
            async with InfluxReader(influx.sink_options()) as reader:
                return [list(row) for series in await reader.query(influxql) for row in series.values]

        return asyncio.run(ask())

    def bundle(self, device: str) -> Path:
        """Register a camera with the running hub and return the folder into which its bundle was unpacked."""
        before = self.until(lambda _: True).devices
        self.run("device", "add", device, "--profile", "generic_ipcamera")
        self.run("device", "bundle", device)
        self.until(lambda health: health.devices == before + 1)
        with zipfile.ZipFile(self.folder / f"{device}.zip") as archive:
            archive.extractall(self.folder / device)
        return self.folder / device

    def publish(self, topic: str, payload: str, bundle: Path, *, certificate: bool = True) -> str:
        """Publish with mosquitto_pub and a bundle's files; return what it said about it."""
        command = ["mosquitto_pub", "-h", LOOPBACK, "-p", str(self.settings.local_broker.port), "-V", "mqttv5"]
        command += ["-d", "-q", "1", "-t", topic, "-m", payload, "--cafile", "ca.pem"]
        own = ["--cert", "device.pem", "--key", "device.key"] if certificate else []
        result = subprocess.run(
            [*command, *own], cwd=bundle, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return result.stdout + result.stderr

    def rejects(self) -> list[dict[str, Any]]:
        """Return what `cityhub rejects` lists."""
        return [json.loads(line) for line in self.run("rejects", "--json").stdout.splitlines()]

    def children(self) -> dict[str, int]:
        """Return the servers that run on files in the folder: program -> process id."""
        found: dict[str, int] = {}
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = file.read_bytes().decode(errors="replace").split("\0")
                if any(word.startswith(f"{self.folder}/") for word in words):
                    found[Path(words[0]).name] = int(file.parent.name)
        return found

    def _health(self) -> Health | None:
        connection = http.client.HTTPConnection(LOOPBACK, self.settings.web.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/health")
            return Health.model_validate_json(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def wait_until(true: Callable[[], object]) -> None:
    """Wait until a condition of the outside world holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
