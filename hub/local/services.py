"""Certificates of the hub's own services: the managed broker's, and the hub's as its client."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from hub.local.folder import private_folder
from hub.local.mosquitto import LOOPBACK, ServerFiles
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from provisioning.ca import Authority

BROKER: Final = "broker.cityhub"
HUB: Final = "hub.cityhub"
DAYS: Final = 825
"""Minted anew at every start, and long enough for a hub that is never restarted between two maintenances."""


def issue_services(authority: Authority, folder: Path, hosts: Iterable[str]) -> tuple[ServerFiles, Path, Path]:
    """Mint the services' keys and certificates into `folder`.

    Args:
        hosts: names and addresses under which devices reach the broker, beside this machine's own.

    Returns:
        The broker's files, and the hub's certificate and key.
    """
    private_folder(folder)
    dns, ips = _sorted_out({*hosts, "localhost", LOOPBACK, socket.gethostname(), lan_address()})
    broker = authority.issue_service(BROKER, dns=dns, ips=ips, days=DAYS)
    hub = authority.issue_service(HUB, days=DAYS)
    for name, issued in ((BROKER, broker), (HUB, hub)):
        write_atomically(folder / f"{name}.pem", issued.presented_pem)
        write_atomically(folder / f"{name}.key", issued.key_pem)
    write_atomically(folder / "ca.pem", broker.chain_pem)
    server = ServerFiles(folder / "ca.pem", folder / f"{BROKER}.pem", folder / f"{BROKER}.key")
    return server, folder / f"{HUB}.pem", folder / f"{HUB}.key"


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
