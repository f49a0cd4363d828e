"""The canary: a certificate that is revoked for good. A broker that lets it in does not enforce the revocation list.

The visit is made with TLS 1.2, where the server judges the client within the handshake and its alert says why
(RFC 5246, 7.2.2); in TLS 1.3 a client has finished before it is judged, and a word too early drowns the alert.
"""

from __future__ import annotations

import ssl
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from hub.broker.handshake import visit
from hub.errors import LinkDown, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


class Verdict(Enum):
    """What became of the canary."""

    REFUSED = auto()
    """As it must be: because it is revoked."""
    ADMITTED = auto()
    """The list is not enforced."""
    LOCKED_OUT = auto()
    """Refused because the list itself has expired, and so is everybody else."""
    UNCLEAR = auto()
    """Nobody listens, or it was refused for another reason, which says nothing about the list."""


class Flight(NamedTuple):
    """How a visit of the canary ended; `detail` is what the broker or the system said."""

    verdict: Verdict
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The same for a person to read."""
        return f"{_SENTENCES[self.verdict]}{f' ({self.detail})' if self.detail else ''}."


_SENTENCES = {
    Verdict.REFUSED: "The broker refuses what is revoked",
    Verdict.ADMITTED: "The broker lets a revoked certificate in: it does not enforce the revocation list",
    Verdict.LOCKED_OUT: "The broker refuses every device: its revocation list has expired",
    Verdict.UNCLEAR: "It cannot be told whether the broker enforces the revocation list",
}


def canary_context(ca_pem: bytes, cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return a context that shows the canary, and takes any server's certificate of this CA, whatever its name.

    Raises:
        SettingsError: a file is missing or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    try:
        context.load_verify_locations(cadata=ca_pem.decode())
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        raise SettingsError(f"the canary's certificate {cert_file} cannot be used: {error}") from error
    return context


async def fly(host: str, port: int, tls: ssl.SSLContext) -> Flight:
    """Visit the listener of the devices with the canary's certificate."""
    try:
        await visit(host, port, tls)
    except ssl.SSLError as error:
        return _judge(error)
    except (LinkDown, OSError) as error:
        return Flight(Verdict.UNCLEAR, str(error))
    return Flight(Verdict.ADMITTED)


def _judge(error: ssl.SSLError) -> Flight:
    reason = error.reason or str(error)
    if "ALERT_CERTIFICATE_REVOKED" in reason:
        return Flight(Verdict.REFUSED)
    if "ALERT_CERTIFICATE_EXPIRED" in reason:
        return Flight(Verdict.LOCKED_OUT, reason)
    return Flight(Verdict.UNCLEAR, reason)
