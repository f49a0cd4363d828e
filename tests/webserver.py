"""An application behind a real listener on loopback, and a client for it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from hub.web.options import WebOptions
from hub.web.problems import PROBLEM_TYPE
from hub.web.server import serve
from tests.ports import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import FastAPI


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        return json.loads(self.content)

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that the answer must be."""
        assert self.headers["Content-Type"] == PROBLEM_TYPE
        document: dict[str, Any] = self.json
        assert document["status"] == self.status
        return document


@dataclass(frozen=True)
class Client:
    """A client of a server on loopback; paths are relative to it."""

    session: aiohttp.ClientSession
    port: int

    async def get(self, path: str, **more: Any) -> Answer:  # noqa: ANN401 - as aiohttp takes them
        return await self.request("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:  # noqa: ANN401 - as aiohttp takes them
        return await self.request("POST", path, **more)

    async def request(self, method: str, path: str, **more: Any) -> Answer:  # noqa: ANN401 - as aiohttp takes them
        async with self.session.request(method, path, **more) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


async def listening(port: int) -> None:
    """Wait until somebody listens on a port."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


@asynccontextmanager
async def client_of(api: FastAPI) -> AsyncIterator[Client]:
    """Serve an application; return a client whose paths are relative to it."""
    port = free_port()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve(api, WebOptions(port=port)))
        await listening(port)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Client(session, port)
        task.cancel()
