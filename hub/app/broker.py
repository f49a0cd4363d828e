"""The broker that the hub runs itself and keeps true to the registry, unless the settings name another."""

from __future__ import annotations

from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING, Final

from hub.app.lifetime import supervised
from hub.broker.external import ExternalWatch
from hub.broker.guard import Guard, GuardedBroker
from hub.local.folder import private_folder
from hub.local.mosquitto import LOOPBACK, ManagedBroker
from hub.local.services import BROKER, WEB, issue_server, issue_services
from hub.local.supervisor import Supervisor
from hub.transport.tls import client_context
from hub.web.tls import TlsFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.broker.acl import Topics
    from hub.settings import Settings
    from hub.transport.options import MqttOptions
    from provisioning.ca import Authority
    from provisioning.enforcement import Enforcement

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what the operator may have written


@asynccontextmanager
async def broker_link(
    settings: Settings, servers: dict[str, Supervisor], authority: Authority, policy: Enforcement, vendors: Topics
) -> AsyncIterator[tuple[MqttOptions, Guard | ExternalWatch]]:
    """Yield how to reach the broker, and who watches over what it enforces."""
    folder = private_folder(settings.state_dir / "services")
    address = settings.broker_address
    if settings.broker is not None:
        client_context(settings.broker)  # names the file that is wrong, before anything else stumbles over it
        ca_pem = settings.broker.ca_file.read_bytes()
        yield settings.broker, ExternalWatch(policy, address, folder, time_ns, ca_pem)
        return
    acl_file, crl_file = folder / "acl", folder / "crl.pem"
    server, certificate, key = issue_services(authority, folder, [address[0]], crl_file=crl_file)
    local = settings.local_broker
    managed = ManagedBroker(local, settings.state_dir / "mosquitto", server, certificate, key, acl_file=acl_file)
    program = managed.prepare()
    supervisor = Supervisor(program)
    guarded = GuardedBroker(
        acl_file=acl_file, crl_file=crl_file, ca_file=server.ca_file, folder=folder, inner=managed.link_options(),
        devices=(LOOPBACK if local.listen == EVERYWHERE else local.listen, local.port), reload=supervisor.reload,
        vendors=vendors,
    )  # fmt: skip
    guard = Guard(policy, guarded, time_ns)
    await guard.prepare()
    async with supervised(program.name, supervisor, servers):
        yield managed.link_options(), guard


def renew(settings: Settings, authority: Authority, watch: Guard | ExternalWatch) -> None:
    """Mint the servers' certificates anew; the listener follows its files, the broker is told."""
    api_files(settings, authority)
    if isinstance(watch, Guard):
        issue_server(authority, settings.state_dir / "services", BROKER, [settings.broker_address[0]])
        watch.reload()


def api_files(settings: Settings, authority: Authority) -> TlsFiles:
    """Return the listener's certificate: the operator's, or one of the hub's own authority."""
    folder = settings.state_dir / "services"
    own = issue_server(authority, folder, WEB, [settings.broker_address[0]])
    api = settings.api
    return TlsFiles(api.cert_file or own.cert_file, api.key_file or own.key_file, own.ca_file)
