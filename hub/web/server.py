"""The hub's one HTTP server; every later resource is a router here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import uvicorn
from fastapi import APIRouter, FastAPI

from hub.errors import CityhubError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.web.options import WebOptions


class _Server(uvicorn.Server):
    """Signals belong to the hub, which stops its rooms in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def build_api(routers: Sequence[APIRouter], version: str) -> FastAPI:
    """Return the application with its routers."""
    api = FastAPI(title="Cityhub", version=version, docs_url=None, redoc_url=None)
    for router in routers:
        api.include_router(router)
    return api


async def serve(api: FastAPI, options: WebOptions) -> None:
    """Serve until cancelled.

    Raises:
        CityhubError: the address is taken.
    """
    with closing(_listen(options)) as listener:
        server = _Server(uvicorn.Config(api, log_config=None, access_log=False, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
        try:
            await asyncio.shield(task)
        finally:
            server.should_exit = True
            await task


def _listen(options: WebOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        raise CityhubError(f"cannot listen on {where}: {error.strerror}; set web.port to a free port") from error
