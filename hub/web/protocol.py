"""HTTP/1.1 over one connection, with what uvicorn leaves out.

- the client's certificate, for the application (ASGI TLS extension 0.2);
- a limit to how long a client may take over a request's head or over reading its answer, and to how many connect;
- a problem document for what is not HTTP at all.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import h11
from cryptography import x509
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from asyncio import BaseTransport, TimerHandle, Transport

    from fastapi import Request
    from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

_NOT_HTTP: Final = b'{"title":"Bad Request","status":400,"detail":"This is not a request of HTTP/1.1."}'


class HubProtocol(H11Protocol):
    """One connection; `Config.timeout_keep_alive` and `Config.limit_concurrency` hold its limits."""

    _head_due: TimerHandle | None = None
    _read_due: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as in the class above
        """Note the client's certificate, or hang up when there are too many connections."""
        super().connection_made(transport)
        most, self.limit_concurrency = self.limit_concurrency, None  # uvicorn would answer 503 in plain text
        if most is not None and len(self.connections) > most:
            transport.abort()
            return
        certificate = _peer_certificate(transport)
        if certificate is not None:
            self.app = _with_certificate(self.app, certificate)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for timer in (self._head_due, self._read_due):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Count the time until a request's head is complete, however it dribbles in."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and self._head_due is not None:
            self._head_due.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for long."""
        self._expect_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read its answer some time."""
        super().pause_writing()
        self._read_due = self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads on."""
        super().resume_writing()
        if self._read_due is not None:
            self._read_due.cancel()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are plain text
        """Answer what is not HTTP, and hang up."""
        headers = [("content-type", "application/problem+json"), ("connection", "close")]
        events = (h11.Response(status_code=400, headers=headers), h11.Data(data=_NOT_HTTP), h11.EndOfMessage())
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect_head(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
        self._head_due = self.loop.call_later(self.timeout_keep_alive, self._hang_up)

    def _hang_up(self) -> None:
        self.timeout_keep_alive_handler()


def client_certificate(request: Request) -> x509.Certificate | None:
    """Return the certificate that the client proved to hold the key of, or None.

    The handshake has checked that the hub's authority signed it. It has *not* checked its dates, nor whether it was
    revoked: whoever relies on it does.
    """
    chain = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_chain", ())
    return x509.load_pem_x509_certificate(chain[0].encode()) if chain else None


def _peer_certificate(transport: BaseTransport) -> bytes | None:
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    return None if tls is None else tls.getpeercert(binary_form=True)


def _with_certificate(app: ASGI3Application, certificate: bytes) -> ASGI3Application:
    """Put the certificate into the scope of every request of this connection."""
    extension: dict[str, Any] = {"client_cert_chain": (ssl.DER_cert_to_PEM_cert(certificate),)}

    async def with_certificate(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        extended: Any = {**scope, "extensions": {"tls": extension}}
        await app(extended, receive, send)

    return with_certificate
