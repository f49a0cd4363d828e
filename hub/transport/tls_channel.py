"""TLS over TCP, read in bursts.

A broker sends every packet as a TLS record of its own. Read as they come, they cost a wake-up for a handful of
packets each; left in the kernel for a few milliseconds, one wake-up serves hundreds (measured with 80,000 messages
a second: 2.3 against 3.9 microseconds of CPU a message). asyncio's own TLS transport cannot be told to wait.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable

GATHER_S: Final = 0.004
"""How long what arrives after a read may gather in the kernel."""
LINGER_S: Final = 1.0
"""How long the peer may take to close as well."""
RECORD: Final = 16_384
"""Largest payload of a TLS record in bytes (RFC 8446, 5.1)."""


class TlsChannel(asyncio.Protocol):
    """A TLS client connection that hands over what each burst brought.

    Args:
        received: takes the plain bytes of a burst.
        ended: takes one sentence, once, when the connection is gone.
    """

    def __init__(
        self, tls: ssl.SSLContext, host: str, received: Callable[[bytes], None], ended: Callable[[str], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = received
        self._ended = ended
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._transport: asyncio.Transport | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._paused = False
        self._closing = False
        self._why = ""
        self._is_secured = False
        self._secured: asyncio.Future[OSError | None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def open(
        cls, tls: ssl.SSLContext, host: str, port: int,
        received: Callable[[bytes], None], ended: Callable[[str], None],
    ) -> Self:  # fmt: skip
        """Connect and shake hands.

        Raises:
            OSError: nobody listens there, or the certificates do not fit (`ssl.SSLError`).
            ValueError: `host` cannot be a host's name.
        """
        channel = cls(tls, host, received, ended)
        await channel._loop.create_connection(lambda: channel, host, port)
        try:
            error = await channel._secured
        except BaseException:
            channel.abort()
            raise
        if error is not None:
            channel.abort()
            raise error
        return channel

    def write(self, data: bytes) -> None:
        """Send `data`; it is buffered without a bound, so send only what the peer's own messages call for."""
        if self.alive:
            self._tls.write(data)
            self._flush()

    def pause(self) -> None:
        """Stop reading the socket."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._transport is not None and self._gathering is None:
            self._transport.resume_reading()

    @property
    def alive(self) -> bool:
        """Whether data can still be sent."""
        return self._transport is not None and not self._closing and not self._transport.is_closing()

    async def close(self) -> None:
        """Send what is buffered, say close_notify, and wait a moment until the peer has closed.

        A socket that is closed with bytes unread is reset, and what was sent last can be lost with it.
        """
        if not self.alive:
            return
        with suppress(ssl.SSLError):  # it sends ours, and misses the peer's, which the wait below is for
            self._tls.unwrap()
        self._flush()
        self._closing = True
        self.resume()
        try:
            await asyncio.wait([self._lost], timeout=LINGER_S)
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's word that TCP stands."""
        self._transport = cast("asyncio.Transport", transport)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Take what one read of the socket brought."""
        if self._closing:
            return
        self._incoming.write(data)
        if self._is_secured or self._shake_hands():
            self._read()
            self._gather()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's word that the connection is gone."""
        if self._gathering is not None:
            self._gathering.cancel()
        self._transport = None
        self._lost.set_result(None)
        closed = ConnectionResetError("the connection was closed in the TLS handshake")
        self._secure(exc if isinstance(exc, OSError) else closed)
        self._ended(self._why or (f"the connection was lost: {exc}" if exc else "the peer closed the connection"))

    def _shake_hands(self) -> bool:
        """Go on with the handshake; True once it is complete."""
        try:
            self._tls.do_handshake()
            self._is_secured = True
            self._secure(None)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._secure(error)
        self._flush()
        return self._is_secured

    def _secure(self, error: OSError | None) -> None:
        if not self._secured.done():
            self._secured.set_result(error)

    def _read(self) -> None:
        """Hand over every record that is whole."""
        records: list[bytes] = []
        read, keep = self._tls.read, records.append
        try:
            while record := read(RECORD):
                keep(record)
            self._why = "the peer closed the connection"  # close_notify
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._why = f"the connection was lost: {error}"
        self._flush()  # TLS may have something to say itself: the answer to a key update, an alert
        if records:
            self._received(b"".join(records))
        if self._why:
            self.abort()

    def _gather(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._gathering = self._loop.call_later(GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._transport is not None and self._outgoing.pending:
            self._transport.write(self._outgoing.read())
