"""Certificates of the hub's own services: the managed broker's, and those of the hub as its client."""

from __future__ import annotations

import asyncio
import logging
import socket
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from hub.local.folder import private_folder
from hub.local.mosquitto import LOOPBACK, ServerFiles
from provisioning.certificates import Signer, make_root, new_key, private_pem, sign_service
from provisioning.errors import ProvisioningError
from provisioning.files import write_atomically
from provisioning.renewal import due_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from hub.model import Clock
    from provisioning.ca import Authority

log = logging.getLogger(__name__)

BROKER: Final = "broker.cityhub"
HUB: Final = "hub.cityhub"
WEB: Final = "web.cityhub"
DAYS: Final = 825
"""Minted anew at every start, and when two thirds are over."""
CLIENT_DAYS: Final = 20 * 365
"""A client's certificate is minted at a start only: the broker reads who vouches for it once, when it starts itself."""
DAY_NS: Final = 86_400 * 1_000_000_000
LOOK_EVERY_S: Final = 3600.0


def issue_services(
    authority: Authority,
    folder: Path,
    hosts: Iterable[str],
    *,
    clients: Sequence[str] = (HUB,),
    crl_file: Path | None = None,
) -> tuple[ServerFiles, Path, Path]:
    """Mint the services' keys and certificates into `folder`, as `<name>.pem` and `<name>.key`.

    Args:
        authority: vouches for the broker.
        folder: where the files go; made when it is not there.
        hosts: names and addresses under which devices reach the broker, beside this machine's own.
        clients: who may come in on the hub's own listener; the hub first.
        crl_file: where the lists of revoked certificates are kept.

    Returns:
        The broker's files, and the hub's certificate and key.
    """
    own = issue_server(authority, folder, BROKER, hosts)
    write_atomically(folder / "hub-ca.pem", _issue_clients(folder, clients))
    server = ServerFiles(own.ca_file, own.cert_file, own.key_file, folder / "hub-ca.pem", crl_file)
    return server, folder / f"{clients[0]}.pem", folder / f"{clients[0]}.key"


class ServerCertificate(NamedTuple):
    """A server's certificate with its chain, its key, and whom its authority vouches for; PEM files."""

    cert_file: Path
    key_file: Path
    ca_file: Path


def issue_server(authority: Authority, folder: Path, name: str, hosts: Iterable[str]) -> ServerCertificate:
    """Mint a server's key and certificate into `folder`, for `hosts` and this machine's own names and addresses."""
    private_folder(folder)
    dns, ips = _sorted_out({*hosts, "localhost", LOOPBACK, socket.gethostname(), lan_address()})
    issued = authority.issue_service(name, dns=dns, ips=ips, days=DAYS)
    files = ServerCertificate(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")
    write_atomically(files.key_file, issued.key_pem)
    write_atomically(files.cert_file, issued.presented_pem)
    write_atomically(files.ca_file, issued.chain_pem)
    return files


def _issue_clients(folder: Path, names: Sequence[str]) -> bytes:
    """Mint clients of a CA whose key is forgotten at once, so that nobody can join them; returns the CA, PEM."""
    now = datetime.now(UTC)
    ca = make_root(now)
    for name in names:
        _issue_client(ca, folder, name, now)
    return ca.certificate.public_bytes(Encoding.PEM)


def _issue_client(ca: Signer, folder: Path, name: str, now: datetime) -> None:
    key = new_key()
    certificate = sign_service(ca, key.public_key(), name, now, CLIENT_DAYS, dns=[], ips=[])
    write_atomically(folder / f"{name}.pem", certificate.public_bytes(Encoding.PEM))
    write_atomically(folder / f"{name}.key", private_pem(key))


async def renew_in_time(issue: Callable[[], None], clock: Clock) -> None:
    """Call `issue` whenever two thirds of the certificates' life are over, until cancelled.

    Whoever shows them reads them again by itself, or is told to by `issue`.
    """
    issued_ns = clock()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if clock() >= due_ns(issued_ns, issued_ns + DAYS * DAY_NS):
            try:
                issue()
            except ProvisioningError as error:
                log.warning("cannot renew the certificates of broker and hub, trying again in an hour: %s", error)
            else:
                issued_ns = clock()
                log.info("renewed the certificates of broker and hub")


def lan_address() -> str:
    """Return the address of this machine that its default route uses; loopback when it has none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address for documentation, never reached
        except OSError:
            return LOOPBACK
        address: str = probe.getsockname()[0]
        return address


def _sorted_out(hosts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Part DNS names from IP addresses."""
    dns: list[str] = []
    ips: list[str] = []
    for host in sorted(filter(None, hosts)):
        try:
            ips.append(str(ip_address(host)))
        except ValueError:
            dns.append(host)
    return dns, ips
