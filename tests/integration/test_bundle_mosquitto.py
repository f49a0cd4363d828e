"""A bundle's own explanation, followed to the letter with clients that nobody here wrote."""

from __future__ import annotations

import shutil
import subprocess
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from provisioning.bundle import bundle_files, write_folder, write_zip
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.records import NewDevice
from provisioning.registry import Registry
from provisioning.tables import metadata
from tests.ports import PATIENCE_S, free_port, wait_for_listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLE = '{"note": "it\'s 28.5"}'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "pki", clock=time.time_ns)


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[int]:
    """The port of a mosquitto that demands certificates of the authority."""
    issued = authority.issue_service("broker.cityhub", dns=["localhost"], ips=["127.0.0.1"])
    folder = tmp_path / "broker"
    write_folder(folder, {"server.pem": issued.presented_pem, "device.key": issued.key_pem, "ca.pem": issued.chain_pem})
    port = free_port()
    config = f"""
        user root
        listener {port} 127.0.0.1
        cafile {folder}/ca.pem
        certfile {folder}/server.pem
        keyfile {folder}/device.key
        require_certificate true
        use_identity_as_username true
        allow_anonymous false
    """
    (folder / "mosquitto.conf").write_text("\n".join(line.strip() for line in config.splitlines()))
    process = subprocess.Popen([_mosquitto(), "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_for_listener(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def device(tmp_path: Path, authority: Authority, broker: int) -> Iterator[Path]:
    """A folder into which a device's zip was unpacked."""
    engine = open_engine(tmp_path / "registry.db")
    metadata.create_all(engine)
    Registry(engine, time.time_ns).add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    issued = Enrolment(engine, authority, time.time_ns).issue_with_hub_key("cam-1")
    write_zip(tmp_path / "cam-1.zip", bundle_files("cam-1", issued, broker=("localhost", broker), sample=SAMPLE))
    with zipfile.ZipFile(tmp_path / "cam-1.zip") as archive:
        archive.extractall(tmp_path / "cam-1")
    yield tmp_path / "cam-1"
    engine.dispose()


def test_the_command_in_the_explanation_publishes(device: Path, broker: int) -> None:
    listen = ["mosquitto_sub", "-h", "localhost", "-p", str(broker), "--cafile", "ca.pem", "--cert", "device.pem"]
    listen += ["--key", "device.key", "-i", "listener", "-c", "-q", "1", "-t", "devices/#", "-F", "%t %p"]
    # from here on the broker keeps what comes
    subprocess.run([*listen, "-E"], cwd=device, check=True, timeout=PATIENCE_S)
    subprocess.run(["sh", "-c", _command(device)], cwd=device, check=True, timeout=PATIENCE_S)
    heard = subprocess.run([*listen, "-C", "1"], cwd=device, check=True, timeout=PATIENCE_S, capture_output=True)
    assert heard.stdout.decode() == f"devices/cam-1/telemetry {SAMPLE}\n"


def _command(device: Path) -> str:
    """The example of the explanation: the line that begins with mosquitto_pub, and its continuation."""
    readme = (device / "README.txt").read_text()
    return readme[readme.index("mosquitto_pub") :].split("\n\n")[0]


def _mosquitto() -> str:
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "mosquitto"
