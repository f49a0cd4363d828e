"""Real servers for the tests of the sinks, each on loopback and a port of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Protocol, Self, assert_never, get_args
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.influx_v2 import InfluxV2Sink
from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions
from tests.ports import PATIENCE_S, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from hub.sinks.base import Sink

SECRET = "hunter2"  # noqa: S105 - opens nothing but these servers
Kind = type[InfluxV1Options] | type[InfluxV2Options]
KINDS: tuple[Kind, ...] = get_args(get_args(SinkOptions)[0])
"""Every kind of database that the settings know; the contract tests run on all of them."""


def options(kind: Kind, url: str, **changes: object) -> SinkOptions:
    """Return what a hub needs to write to a server of this kind at `url`."""
    mine = (
        {"version": 1, "username": "hub", "password": SECRET}
        if kind is InfluxV1Options
        else {"version": 2, "token": SECRET}
    )
    return kind.model_validate({"url": url} | mine | changes)


def sink(options: SinkOptions) -> Sink:
    """Return the sink for these options, as the composition root does."""
    match options:
        case InfluxV1Options():
            return InfluxV1Sink(options)
        case InfluxV2Options():
            return InfluxV2Sink(options)
        case _:
            assert_never(options)


class Peer(Protocol):
    """A real database that a sink writes to, and a way of its own to count what it stored."""

    url: str

    def start(self) -> None:
        """Start it, or start it again on the same port with what it had stored; return when it answers."""

    def stop(self) -> None:
        """Stop it in order."""

    def count(self, measurement: str) -> int:
        """Return how many points of a measurement with one field, `value`, are stored."""


class _Program:
    """A server program that can be stopped and started again."""

    def __init__(self, command: list[str], port: int, ready: str, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._port = port
        self._ready = ready
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def ask(self, method: str, path: str, **form: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        connection.request(method, f"{path}?{urlencode(form)}", headers=_basic("hub", SECRET))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 300, body
        return body

    def _answers(self) -> bool:
        try:
            self.ask("GET", self._ready)
        except (OSError, HTTPException):
            return False
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_INFLUXD = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
index-version = "tsi1"
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = true
log-enabled = false
max-row-limit = 100
[monitor]
store-enabled = false
[subscriber]
enabled = false
[continuous_queries]
enabled = false
"""


class Influxd(_Program):
    """A private influxd 1.x with authentication: user `hub`, database `cityhub`."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        config = folder / "influxd.conf"
        config.write_text(_INFLUXD.format(folder=folder, port=port))
        super().__init__(["influxd", "-config", str(config)], port, "/ping", folder / "log")

    def __enter__(self) -> Self:
        super().__enter__()
        self.execute(f"CREATE USER hub WITH PASSWORD '{SECRET}' WITH ALL PRIVILEGES")
        self.execute("CREATE DATABASE cityhub")
        return self

    def execute(self, statement: str) -> bytes:
        return self.ask("POST", "/query", q=statement, db="cityhub")

    def count(self, measurement: str) -> int:
        query = f'SELECT count(value) FROM "{measurement}"'
        result = json.loads(self.execute(query))["results"][0]
        return int(result["series"][0]["values"][0][1]) if "series" in result else 0


class VictoriaMetrics(_Program):
    """VictoriaMetrics, a peer of the v2 write path that nobody here wrote; keeps milliseconds."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [
            "victoria-metrics",
            f"-storageDataPath={folder}/data",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-search.latencyOffset=0s",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",  # one point a series and time, as InfluxDB has it
        ]
        super().__init__(command, port, "/health", folder / "log")

    def count(self, measurement: str) -> int:
        self.ask("GET", "/internal/force_flush")
        body = self.ask("GET", "/api/v1/export", **{"match[]": f"{measurement}_value", "start": "2020-01-01T00:00:00Z"})
        return sum(len(json.loads(line)["values"]) for line in body.splitlines())


def peer(kind: Kind, folder: Path) -> Influxd | VictoriaMetrics:
    """Return the real database, not yet started, for a kind of options."""
    return Influxd(folder) if kind is InfluxV1Options else VictoriaMetrics(folder)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Silence = Callable[["Scripted", web.Request], Awaitable[web.StreamResponse]]


class Scripted:
    """A small real HTTP server: lets in who knows the secret, and answers each write as it is told."""

    def __init__(self) -> None:
        self.answer: Answer = says(204)
        self.bodies: list[bytes] = []
        self.queries: list[dict[str, str]] = []
        self.arrived = asyncio.Event()
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=2**26)
        application.add_routes([web.post("/write", self._write), web.post("/api/v2/write", self._write)])
        self._server = TestServer(application)
        await self._server.start_server()
        self.url = str(self._server.make_url(""))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._server.close()

    async def hangs(self, _: web.Request) -> web.StreamResponse:
        """Answer nothing, ever."""
        await self._stopping.wait()
        return web.Response()

    async def hangs_midway(self, request: web.Request) -> web.StreamResponse:
        """Begin an answer and never end it."""
        response = web.StreamResponse(status=503)
        await response.prepare(request)
        await self._stopping.wait()
        return response

    async def _write(self, request: web.Request) -> web.StreamResponse:
        known = (f"Token {SECRET}", _basic("hub", SECRET)["Authorization"])
        if request.headers.get("Authorization") not in known:
            return web.json_response({"error": "authorization failed"}, status=401)
        self.queries.append(dict(request.query))
        self.bodies.append(await request.read())
        self.arrived.set()
        return await self.answer(request)


def says(status: int, body: str = "", **headers: str) -> Answer:
    """Return an answer; `Retry_After` stands for the header Retry-After."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body or None, headers=named)

    return answer


async def resets(request: web.Request) -> web.StreamResponse:
    """Cut the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _basic(username: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()}
