"""`make bench-provisioning`: what identities cost, in one JSON object on standard output.

devices                   registered from a CSV file by `cityhub device import --certificates`, each with a key, a
                          certificate and a bundle
seconds                   that the command took, from its start to its end
rss_mb                    the command's peak memory
registry_100k_start_s     with 100,000 devices: opening the registry and loading the directory, before a hub receives
registry_100k_search_ms   in that registry: median of searches by agency, by site, by both and by id
revoke_to_refused_ms      from the start of `cityhub device revoke` until the device's live session has ended and its
                          certificate is refused at the broker, in a whole one-box hub; median of five devices
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tests.bench.city import write_city
from tests.bench.names import device_name
from tests.integration.guarded import CONNECT, WELCOME
from tests.integration.one_box import CITYHUB, LOOPBACK, OneBox
from tests.ports import PATIENCE_S

LARGE: Final = 100_000
REVOKED: Final = 5


@dataclass
class Figures:
    """The keys of the JSON object."""

    devices: int
    seconds: float
    rss_mb: float
    registry_100k_start_s: float
    registry_100k_search_ms: float
    revoke_to_refused_ms: float


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    rss_mb: float


class Device:
    """A device as the broker meets it: its bundle, and raw MQTT 3.1.1 over TLS."""

    def __init__(self, bundle: Path, port: int) -> None:
        self._port = port
        folder = bundle.with_suffix("")
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(folder)
        self._tls = ssl.create_default_context(cafile=folder / "ca.pem")
        self._tls.load_cert_chain(folder / "device.pem", folder / "device.key")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Open a session; None when the broker refuses."""
        with suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(LOOPBACK, self._port, ssl=self._tls)
            writer.write(CONNECT)
            with suppress(OSError, EOFError):
                if await reader.readexactly(len(WELCOME)) == WELCOME:
                    return reader, writer
            writer.close()
        return None

    async def admitted(self) -> bool:
        """Tell whether the broker lets it in now."""
        session = await self.connect()
        if session is not None:
            session[1].close()
        return session is not None


def import_devices(box: OneBox, devices: int, *options: str) -> Cost:
    """Import a city with the command, on a registry that is empty."""
    file = box.folder / "city.csv"
    write_city(file, devices)
    return _run(box, "device", "import", str(file), *options)


def _run(box: OneBox, *words: str) -> Cost:
    """Run a command to its end. Its peak memory holds only if this process is smaller, as a fork starts from that."""
    started = time.monotonic()
    process = subprocess.Popen([CITYHUB, *words], cwd=box.folder, env=box.environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"cityhub {' '.join(words)} failed")
    return Cost(round(time.monotonic() - started, 1), round(usage.ru_maxrss / 1024, 1))


def large_registry(folder: Path) -> tuple[float, float]:
    """Return the seconds of a start and the milliseconds of a search with LARGE devices."""
    box = OneBox(folder)
    import_devices(box, LARGE)
    command = [sys.executable, "-m", "tests.bench.registry", str(box.settings.file)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found["start_s"], found["search_ms"]


def revocation(folder: Path) -> float:
    """Return the milliseconds from the command to the refusal, with a hub that runs."""
    box = OneBox(folder)
    import_devices(box, REVOKED + 1, "--certificates", "bundles")
    box.start()
    try:
        return asyncio.run(_revoke_all(box))
    finally:
        box.end()


async def _revoke_all(box: OneBox) -> float:
    names = [device_name(number) for number in range(REVOKED + 1)]
    *victims, neighbour = (
        Device(box.folder / "bundles" / f"{name}.zip", box.settings.local_broker.port) for name in names
    )
    times = [await _revoke(box, name, victim) for name, victim in zip(names, victims, strict=False)]
    if not await neighbour.admitted():
        raise SystemExit("the broker refuses everybody, so the figures say nothing about revocation")
    return round(median(times))


async def _revoke(box: OneBox, name: str, victim: Device) -> float:
    session = await victim.connect()
    if session is None:
        raise SystemExit(f"{name} was not let in before it was revoked:\n{box.log.read_text()}")
    await asyncio.sleep(random())  # the hub looks twice a second: meet it anywhere between
    started = time.monotonic()
    command = await asyncio.create_subprocess_exec(
        CITYHUB, "device", "revoke", name, cwd=box.folder, env=box.environment, stdout=subprocess.DEVNULL
    )
    async with asyncio.timeout(PATIENCE_S):
        await _ended(session[0])
        while await victim.admitted():
            await asyncio.sleep(0.01)
    elapsed = (time.monotonic() - started) * 1000
    session[1].close()
    await command.wait()
    _say(f"{name}: refused after {elapsed:.0f} ms")
    return elapsed


async def _ended(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(1024):
            pass


def measure(devices: int, folder: Path) -> Figures:
    """Run the three measurements."""
    _say(f"importing {devices} devices with certificates ...")
    cost = import_devices(OneBox(folder / "import"), devices, "--certificates", "bundles")
    _say(f"{cost.seconds} s, {cost.rss_mb} MB; a registry of {LARGE} devices ...")
    start_s, search_ms = large_registry(folder / "large")
    _say(f"started in {start_s} s; revoking in a hub that runs ...")
    return Figures(devices, *cost, start_s, search_ms, revocation(folder / "hub"))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-provisioning", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000, help="to import with certificates (default 10000)")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="cityhub-bench-") as folder:
        figures = measure(options.devices, Path(folder))
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
