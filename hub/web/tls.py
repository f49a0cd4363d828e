"""TLS of the listener for the network."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hub.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for
_LOOK_EVERY_S: Final = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The server's certificate with its chain, its key, and who may vouch for clients; PEM."""

    cert_file: Path
    key_file: Path
    ca_file: Path


class ServerTls:
    """The server's TLS, which follows its files when they change.

    Clients may show a certificate, and one that the CA file does not vouch for ends the handshake. Its dates are
    not checked there: a device whose certificate ran out could not come to renew it.

    Raises:
        SettingsError: a file is missing, unreadable, or not what it should be.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._look()
        self.context = server_context(files)

    async def follow(self) -> None:
        """Look at the files every few seconds, until cancelled; new connections get what they hold."""
        outage = ""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            trouble = self.refresh()
            if trouble != outage:
                log.warning("%s; the old certificate stays", trouble) if trouble else log.info("certificate read again")
            outage = trouble

    def refresh(self) -> str:
        """Read the files again when they have changed; return what is wrong with them, and keep the old ones then.

        A CA that the file no longer holds stays trusted until the hub is restarted: its devices' certificates are
        refused by the registry, not here.
        """
        now = self._look()
        if now == self._seen:
            return ""
        try:
            server_context(self._files)  # on a context of its own: half a change must not reach the one in use
            _load(self.context, self._files)
        except SettingsError as error:
            return str(error)
        self._seen = now
        return ""

    def _look(self) -> list[tuple[int, int, int] | None]:
        files = (self._files.cert_file, self._files.key_file, self._files.ca_file)
        return [_state(file) for file in files]


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and above (strongSwan's EST client knows no 1.3); raises as ServerTls."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _NO_CHECK_TIME
    context.set_alpn_protocols(["http/1.1"])
    _load(context, files)
    return context


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        context.load_cert_chain(files.cert_file, files.key_file)
        context.load_verify_locations(files.ca_file)
    except (OSError, ssl.SSLError) as error:
        names = f"{files.cert_file}, {files.key_file}, {files.ca_file}"
        raise SettingsError(f"cannot serve TLS with {names}: {error}; check [api]") from error


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
