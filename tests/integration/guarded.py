"""A guarded broker: a real mosquitto, the guard beside it, and a policy that a test changes as an operator would."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import aiomqtt
from cryptography.x509.oid import NameOID

from hub.broker.guard import Guard, GuardedBroker
from hub.local.mosquitto import ManagedBroker
from hub.local.options import ManagedBrokerOptions
from hub.local.services import issue_services
from hub.local.supervisor import Pace, Supervisor
from provisioning.ca import Authority
from provisioning.certificates import issuer_id, new_key, private_pem, sign_device
from provisioning.clock import utc
from provisioning.crl import Reason, Revoked
from provisioning.errors import ProvisioningError
from provisioning.files import write_atomically
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable
    from pathlib import Path

    from cryptography import x509

    from hub.broker.acl import Topics
    from provisioning.issued import IssuedWithKey

LOOPBACK = "127.0.0.1"
PACE = Pace(first_pause=0.01, longest_pause=0.05, check=0.05)
DAY_NS = 86_400 * 1_000_000_000
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # MQTT 3.1.1, section 3.1: clean session, no client id
WELCOME = b"\x20\x02\x00\x00"  # section 3.2


class Clock:
    """The real time, and as much later as a test wants."""

    def __init__(self) -> None:
        self.later_ns = 0

    def __call__(self) -> int:
        return time.time_ns() + self.later_ns

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.later_ns += int(seconds * 1e9)


class Registered(NamedTuple):
    """A device of the registry."""

    device: str
    parent: str | None = None
    profile: str = "generic_ipcamera"
    serial: str | None = None
    imei: str | None = None


@dataclass(frozen=True)
class Held:
    """A certificate that a client holds, in files."""

    certificate: x509.Certificate
    cert_file: Path
    key_file: Path

    @property
    def serial(self) -> str:
        """As the registry has it."""
        return f"{self.certificate.serial_number:x}"


class CityPolicy:
    """A policy over a real authority; what happens to it is what a registry would tell."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        # Old enough to have issued a certificate that has expired by now.
        Authority.create(folder / "ca", clock=lambda: clock() - 400 * DAY_NS)
        self.folder = folder
        self.authority = Authority.load(folder / "ca", clock=clock)
        self.broken = False
        self.unsigned = False
        self.unreadable = False
        self.number = 0
        self._clock = clock
        self._seq = 0
        self._touched: dict[str, int] = {}
        self._registered: dict[str, Registered] = {}
        self._denied: set[str] = set()
        self._revoked: dict[str, tuple[str, Revoked, str]] = {}

    def latest_change(self) -> int:
        self._check()
        return self._seq

    def changes_since(self, seq: int) -> tuple[int, set[str]]:
        self._check()
        return self._seq, {device for device, when in self._touched.items() if when > seq}

    def entries(self, ids: Collection[str] | None = None) -> Iterable[Registered]:
        return [one for one in self._registered.values() if ids is None or one.device in ids]

    def denied(self) -> Collection[str]:
        return self._denied

    def revoked(self) -> dict[str, str]:
        return {serial: holder for serial, (holder, _, _) in self._revoked.items()}

    def trusted(self) -> bytes:
        if self.unreadable:
            raise ProvisioningError("The authority cannot be read.")
        return self.authority.chain_pem

    def crl(self) -> bytes:
        if self.unsigned:
            raise ProvisioningError("The issuing key cannot be opened.")
        self.number += 1
        revoked: dict[str | None, list[Revoked]] = {}
        for _, entry, issuer in self._revoked.values():
            revoked.setdefault(issuer, []).append(entry)
        return self.authority.sign_lists(revoked, self.number)

    def canary(self) -> IssuedWithKey:
        return self.authority.issue_canary()

    # What operators do

    def register(self, device: str, parent: str | None = None, **more: str) -> None:
        """Add a device, or hand it to another gateway."""
        self._registered[device] = Registered(device, parent, **more)
        self._touch(device)

    def retire(self, device: str) -> None:
        """Take a device out of service, without revoking anything."""
        del self._registered[device]
        self._denied.add(device)
        self._touch(device)

    def revoke(self, holder: str, held: Held, *, deny: bool = False) -> None:
        """Revoke one certificate of a device; `deny` when it was its last."""
        entry = Revoked(held.serial, self._clock(), Reason.KEY_COMPROMISE)
        self._revoked[held.serial] = (holder, entry, issuer_id(held.certificate))
        if deny:
            self._denied.add(holder)
        self._touch(holder)

    def issue(self, name: str, days: int = 365) -> Held:
        """Issue a certificate to a device, `days` from now; negative ones have been over for so long."""
        now_ns = self._clock() - (400 * DAY_NS if days < 0 else 0)
        signer = self.authority._contents.signers[0]
        key = new_key()
        return self.hold(sign_device(signer, key.public_key(), name, utc(now_ns), abs(days)), private_pem(key))

    def hold(self, certificate: x509.Certificate, key_pem: bytes) -> Held:
        """Write a certificate and its key to files."""
        stem = self.folder / f"{certificate.serial_number:x}"
        held = Held(certificate, stem.with_suffix(".pem"), stem.with_suffix(".key"))
        write_atomically(held.cert_file, self.authority.with_chain(certificate).presented_pem)
        write_atomically(held.key_file, key_pem)
        return held

    def _touch(self, device: str) -> None:
        self._seq += 1
        self._touched[device] = self._seq

    def _check(self) -> None:
        if self.broken:
            raise ProvisioningError("The registry cannot be read.")


class GuardedCity:
    """A broker that runs, its guard, and clients that come to it."""

    def __init__(self, folder: Path, vendors: Topics | None = None) -> None:
        self.clock = Clock()
        self.policy = CityPolicy(folder, self.clock)
        port, hub_port = free_ports(2)
        services = folder / "services"
        server, cert_file, key_file = issue_services(self.policy.authority, services, [], crl_file=folder / "crl.pem")
        options = ManagedBrokerOptions(listen=LOOPBACK, port=port, hub_port=hub_port)
        self.broker = ManagedBroker(options, folder / "mosquitto", server, cert_file, key_file, acl_file=folder / "acl")
        self.supervisor = Supervisor(self.broker.prepare(), pace=PACE)
        self.guarded = GuardedBroker(
            acl_file=folder / "acl",
            crl_file=folder / "crl.pem",
            ca_file=server.ca_file,
            folder=services,
            inner=self.broker.link_options(),
            devices=(LOOPBACK, port),
            reload=self.supervisor.reload,
            vendors=vendors or {},
        )
        self.guard = self.new_guard()

    def new_guard(self) -> Guard:
        """Return a guard that knows nothing yet, as after a restart."""
        return Guard(self.policy, self.guarded, self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        """Run the broker beside the block, with all that the guard puts under it; the guard looks when it is told."""
        await self.guard.prepare()
        task = asyncio.create_task(self.supervisor.run())
        try:
            await self.supervisor.ready()
            yield self.supervisor
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def tls(self, held: Held | None, *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Return what a device's client uses."""
        context = ssl.create_default_context(cafile=self.broker.server.ca_file)
        if held is not None:
            context.load_cert_chain(held.cert_file, held.key_file)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    def client(
        self, held: Held, client_id: str = "", protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V5
    ) -> aiomqtt.Client:
        """Return a client on the devices' listener."""
        return _client(self.guarded.devices[1], self.tls(held), client_id, protocol)

    @asynccontextmanager
    async def live(
        self, held: Held, client_id: str, protocol: aiomqtt.ProtocolVersion
    ) -> AsyncIterator[aiomqtt.Client]:
        """Connect a client of which the broker may make an end."""
        with suppress(aiomqtt.MqttError):
            async with self.client(held, client_id, protocol) as client:
                yield client

    def hub(self) -> aiomqtt.Client:
        """Return the hub's client."""
        inner = self.guarded.inner
        held = Held(self.policy.authority.certificates[0], inner.cert_file, inner.key_file)
        return _client(inner.port, self.tls(held), "hub.test", aiomqtt.ProtocolVersion.V5)

    async def admits(self, held: Held | None) -> bool:
        """Tell whether the broker lets a client in."""
        tls = self.tls(held, version=ssl.TLSVersion.TLSv1_2)
        with suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(*self.guarded.devices, ssl=tls)
            try:
                writer.write(CONNECT)
                return await reader.readexactly(len(WELCOME)) == WELCOME
            finally:
                writer.close()
        return False

    async def said(self, held: Held, topic: str) -> bool:
        """Tell whether the broker takes what a client says there; MQTT 5 clients are told."""
        async with self.client(held) as client:
            answers: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            client._client.on_publish = lambda *args: answers.set_result(args[3].value)
            client._client.publish(topic, b"1", qos=1)
            return await answers < 0x80

    async def heard(self, held: Held, topic: str) -> bool:
        """Tell whether a client hears what the hub says there."""
        async with self.client(held) as client, self.hub() as hub:
            await client.subscribe("devices/#", qos=1)
            await client.subscribe(f"devices/{_name(held)}/acks", qos=1)
            await hub.publish(topic, b"1", qos=1)
            await hub.publish(f"devices/{_name(held)}/acks", b"the last word", qos=1)
            first = await anext(aiter(client.messages))
            return str(first.topic) == topic


async def ended(client: aiomqtt.Client) -> None:
    """Wait until the broker has ended a connection."""
    with suppress(aiomqtt.MqttError):
        async for _ in client.messages:
            pass


def foreign(city: GuardedCity, folder: Path, name: str) -> Held:
    """Return a certificate that another city's authority issued, with files to show it here."""
    return CityPolicy(folder, city.clock).issue(name)


def _name(held: Held) -> str:
    return str(held.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _client(port: int, tls: ssl.SSLContext, client_id: str, protocol: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
    logger = logging.getLogger("guarded")
    logger.setLevel(logging.CRITICAL)
    return aiomqtt.Client(
        LOOPBACK,
        port,
        identifier=client_id or "whatever",
        protocol=protocol,
        tls_context=tls,
        timeout=60,
        logger=logger,
    )
