"""A real mosquitto with mutual TLS for the simulated devices, and bundles that let them in."""

from __future__ import annotations

import subprocess
import time
from getpass import getuser
from typing import TYPE_CHECKING, Self

from hub.transport.options import MqttOptions
from provisioning.bundle import bundle_files, write_folder
from provisioning.ca import Authority
from provisioning.certificates import new_key, private_pem
from provisioning.files import write_atomically
from tests.ports import PATIENCE_S, free_port, wait_for_listener

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.issued import IssuedWithKey

_CONFIG = """\
user {user}
allow_anonymous false
acl_file {folder}/acl
persistence false
listener {port} 127.0.0.1
cafile {folder}/pki/chain.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
"""
_ACL = """\
pattern write devices/%u/telemetry
pattern write devices/%u/events
pattern write devices/%u/status
user test.cityhub
topic read #
"""


class Broker:
    """A broker that knows devices by their certificates, and whose acknowledgements say what it refused."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._authority = Authority.create(folder / "pki", clock=time.time_ns)
        self._process: subprocess.Popen[bytes] | None = None
        self._key_pair("server", self._authority.issue_service("broker.cityhub", ips=["127.0.0.1"]))
        self._key_pair("test", self._authority.issue_service("test.cityhub"))
        (folder / "acl").write_text(_ACL)
        (folder / "mosquitto.conf").write_text(_CONFIG.format(folder=folder, port=self.port, user=getuser()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(self._folder / "mosquitto.conf")])
        wait_for_listener(self.port)
        assert self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    @property
    def observer(self) -> MqttOptions:
        """Who may read everything."""
        return MqttOptions(
            host="127.0.0.1",
            port=self.port,
            ca_file=self._folder / "pki" / "chain.pem",
            cert_file=self._folder / "test.pem",
            key_file=self._folder / "test.key",
            client_id="test.cityhub",
        )

    def bundle(self, device: str, *, speaks_for: str = "") -> Path:
        """Write a device's bundle and return its folder; its topics are those of `speaks_for`, if that is given."""
        key = new_key()
        issued = self._authority.with_key(self._authority.issue_device(key.public_key(), device), private_pem(key))
        folder = self._folder / "bundles" / device
        files = bundle_files(speaks_for or device, issued, broker=("127.0.0.1", self.port), sample="{}")
        write_folder(folder, files)
        return folder

    def _key_pair(self, name: str, issued: IssuedWithKey) -> None:
        write_atomically(self._folder / f"{name}.pem", issued.presented_pem)
        write_atomically(self._folder / f"{name}.key", issued.key_pem)
