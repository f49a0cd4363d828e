"""Certificates and waiting, for the tests of the local servers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provisioning.ca import Authority
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Identity:
    """Files with which a client or server proves who it is, and what it trusts."""

    cert_file: Path
    key_file: Path
    ca_file: Path

    @property
    def mosquitto_options(self) -> tuple[str, ...]:
        return ("--cafile", str(self.ca_file), "--cert", str(self.cert_file), "--key", str(self.key_file))


class Pki:
    """An authority that writes identities into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = Authority.create(folder / "ca", clock=time.time_ns)

    def device(self, device_id: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self._authority.with_chain(self._authority.issue_device(key.public_key(), device_id))
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write(device_id, issued.presented_pem, key_pem, issued.chain_pem)

    def service(self, name: str) -> Identity:
        issued = self._authority.issue_service(name, dns=["localhost"], ips=["127.0.0.1"])
        return self._write(name, issued.presented_pem, issued.key_pem, issued.chain_pem)

    def _write(self, name: str, cert: bytes, key: bytes, ca: bytes) -> Identity:
        identity = Identity(*(self._folder / f"{name}.{suffix}" for suffix in ("pem", "key", "ca")))
        for path, content in ((identity.cert_file, cert), (identity.key_file, key), (identity.ca_file, ca)):
            write_atomically(path, content)
        return identity


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended but that nobody asked about (a zombie) does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition of the outside world holds; the test's own time-out ends it when it never does."""
    while not condition():  # noqa: ASYNC110 - the outside world sends no events
        await asyncio.sleep(0.01)
