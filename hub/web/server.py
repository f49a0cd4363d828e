"""The hub's one HTTP server with its two listeners; every resource is a router here.

Loopback without encryption carries health and metrics. The listener for the network carries the rest, over TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

import uvicorn
from fastapi import APIRouter, FastAPI

from hub.errors import CityhubError
from hub.web.limits import BodyLimit, Budget, RateLimit
from hub.web.openapi import describe
from hub.web.problems import speak_problems
from hub.web.protocol import HubProtocol
from hub.web.tls import ServerTls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

    from hub.model import Clock
    from hub.web.options import ApiOptions, WebOptions
    from hub.web.tls import TlsFiles

OPENAPI_URL: Final = "/api/v1/openapi.json"
IMPORT_PREFIX: Final = "/api/v1/import"
_KIB: Final = 1024
_HANDSHAKE_S: Final = 10.0
_LAST_ANSWERS_S: Final = 5


class _Server(uvicorn.Server):
    """Signals belong to the hub, which stops its rooms in order; TLS belongs to a context that outlives its files."""

    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._context = context

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as uvicorn does, but give a TLS handshake less than a minute."""
        config, loop = self.config, asyncio.get_running_loop()
        handshake_s = _HANDSHAKE_S if self._context else None
        self.servers = [
            await loop.create_server(
                lambda: HubProtocol(config, self.server_state, {}),
                sock=one,
                backlog=config.backlog,
                ssl=self._context,
                ssl_handshake_timeout=handshake_s,
            )
            for one in sockets or []
        ]
        self.started = True


def build_api(routers: Sequence[APIRouter], version: str) -> FastAPI:
    """Return the application with its routers; every error is a problem document."""
    api = FastAPI(title="Cityhub", version=version, docs_url=None, redoc_url=None, openapi_url=OPENAPI_URL)
    for router in routers:
        api.include_router(router)
    speak_problems(api)
    describe(api)
    return api


def limited(api: FastAPI, options: ApiOptions, clock: Clock) -> FastAPI:
    """Put the limits of the listener for the network before an application, and return it."""
    larger = {IMPORT_PREFIX: options.import_kb * _KIB}
    api.add_middleware(BodyLimit, largest=options.body_kb * _KIB, larger=larger, seconds=options.body_s)
    api.add_middleware(RateLimit, budget=Budget(options.requests_per_minute, clock))
    return api


async def serve(api: FastAPI, options: WebOptions) -> None:
    """Serve on loopback until cancelled.

    Raises:
        CityhubError: the address is taken.
    """
    with closing(_listen(options.host, options.port, "web")) as listener:
        await _serve(_config(api), listener)


async def serve_tls(api: FastAPI, options: ApiOptions, files: TlsFiles) -> None:
    """Serve the network over TLS until cancelled; certificates are read again when their files change.

    Raises:
        CityhubError: the address is taken.
        SettingsError: a file is missing or not what it should be.
    """
    tls = ServerTls(files)
    config = _config(api, options.idle_s, options.connections)
    with closing(_listen(options.listen, options.port, "api")) as listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tls.follow(), name="certificates")
            tasks.create_task(_serve(config, listener, tls.context), name="https")


async def _serve(config: uvicorn.Config, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
    server = _Server(config, context)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    try:
        await asyncio.shield(task)
    finally:
        server.should_exit = True
        await task


def _config(api: FastAPI, idle_s: int = 5, connections: int | None = None) -> uvicorn.Config:
    """Addresses are the socket's own: no header may claim another."""
    return uvicorn.Config(
        api,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=idle_s,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
        limit_concurrency=connections,
    )


def _listen(host: str, port: int, section: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        where = f"{host}:{port}"
        raise CityhubError(f"cannot listen on {where}: {error.strerror}; set {section}.port to a free port") from error
