"""The hub's listener for the network on loopback, with a registry and an authority of its own."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from cryptography.hazmat.primitives.serialization import Encoding

from hub.web.api import network_api
from hub.web.options import ApiOptions
from hub.web.server import serve_tls
from hub.web.services import Services, services_on
from hub.web.tls import TlsFiles
from provisioning import audit
from provisioning.ca import Authority
from provisioning.certificate_rules import CertificateRule
from provisioning.certificates import new_key, private_pem
from provisioning.files import write_atomically
from provisioning.records import Agency, NewDevice, Site
from provisioning.users import NewUser
from tests.databases import fresh_engine
from tests.ports import free_port
from tests.webserver import Client, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from provisioning.access import Role
    from provisioning.audit import AuditRow

DAY_NS = 86_400 * 10**9
PROFILE = "generic_ipcamera"


class Calendar:
    """A clock that can be set back by whole days."""

    days_back = 0

    def __call__(self) -> int:
        return time.time_ns() - self.days_back * DAY_NS


@dataclass(frozen=True)
class WebHub:
    """A running hub, as a test sees it."""

    folder: Path
    calendar: Calendar
    services: Services
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def root(self) -> Path:
        """The file that a client trusts."""
        return self.folder / "ca" / "root.pem"

    @property
    def trusted(self) -> list[Path]:
        """The root and the issuing CA, a file each."""
        files = []
        for number, certificate in enumerate(self.services.authority.certificates):
            files.append(self.folder / f"trusted-{number}.pem")
            files[-1].write_bytes(certificate.public_bytes(Encoding.PEM))
        return files

    def add_device(self, device_id: str, agency: str | None = "dishub") -> None:
        self.services.registry.add_device(NewDevice(id=device_id, profile=PROFILE, agency=agency, serial=device_id))

    def token(self, role: Role, *agencies: str) -> str:
        """Return a token of a new user."""
        name = "-".join((role.value, *agencies))
        self.services.users.add(NewUser(id=name, role=role, agencies=frozenset(agencies) or None))
        return self.services.users.add_token(name).reveal()

    def identity(self, device_id: str, days_back: int = 0) -> tuple[Path, Path]:
        """Return the files of a certificate that a device got some days ago for a year, and of its key."""
        self.calendar.days_back = days_back
        issued = self.services.enrolment.issue_with_hub_key(device_id, 365)
        self.calendar.days_back = 0
        certificate, key = self.folder / f"{device_id}.pem", self.folder / f"{device_id}.key"
        write_atomically(certificate, issued.cert_pem)
        write_atomically(key, issued.key_pem)
        return certificate, key

    def record(self, subject: str | None = None) -> list[AuditRow]:
        """Return the audit log, the latest row first."""
        return audit.read(self.services.engine, 100, subject)

    @asynccontextmanager
    async def client(self, token: str = "") -> AsyncIterator[Client]:
        """Return a client that sends a token, or none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(self.root)))
        async with aiohttp.ClientSession(self.url, connector=connector, headers=headers) as session:
            yield Client(session, self.port)

    def new_key(self, name: str) -> Path:
        """Return the file of a new key."""
        write_atomically(self.folder / f"{name}.key", private_pem(new_key()))
        return self.folder / f"{name}.key"


@asynccontextmanager
async def web_hub(folder: Path, options: ApiOptions | None = None) -> AsyncIterator[WebHub]:
    """Run a hub with two agencies, a site, and an authority that is a thousand days old."""
    calendar = Calendar()
    calendar.days_back = 1000
    authority = Authority.create(folder / "ca", clock=calendar)
    calendar.days_back = 0
    engine = fresh_engine(folder / "registry.db")
    services = services_on(engine, authority, calendar, grace_days=30, profiles={PROFILE: CertificateRule()})
    services.registry.add(Agency("dishub"))
    services.registry.add(Agency("bpbd", approval_required=True))
    services.registry.add(Site("pasar", agency="bpbd"))
    port = free_port()
    asked = (options or ApiOptions()).model_copy(update={"listen": "127.0.0.1", "port": port})
    api = network_api(services, asked, time.time_ns, "1")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve_tls(api, asked, server_files(folder, authority)))
        await listening(port)
        yield WebHub(folder, calendar, services, port)
        task.cancel()
    engine.dispose()


def server_files(folder: Path, authority: Authority) -> TlsFiles:
    """Mint the server's certificate."""
    files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "trusted.pem")
    issued = authority.issue_service("hub.cityhub", dns=["localhost"], ips=["127.0.0.1"])
    write_atomically(files.cert_file, issued.presented_pem)
    write_atomically(files.key_file, issued.key_pem)
    write_atomically(files.ca_file, authority.chain_pem)
    return files
