"""A small client of Grafana's HTTP API, on the HTTP library that is there already."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

import aiohttp
import orjson

from hub.errors import SettingsError
from hub.grafana.answers import is_json, problem
from hub.grafana.errors import Away
from hub.grafana.shapes import read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from pydantic import TypeAdapter

    from hub.grafana.options import GrafanaOptions

OURS_STAYS_EDITABLE: Final = {"X-Disable-Provenance": "true"}
"""Without it nobody could change in Grafana's pages what was made through its provisioning API."""
_MAX_BODY: Final = 16 * 2**20
_CONNECTIONS: Final = 4
_Shape = TypeVar("_Shape")


class Client:
    """Speaks JSON with one Grafana; made by `connected`."""

    def __init__(self, session: aiohttp.ClientSession, options: GrafanaOptions) -> None:
        self._session = session
        self._options = options

    async def find(self, shape: TypeAdapter[_Shape], path: str, **query: str) -> _Shape | None:
        """Return what is at `path` in its shape, None when there is nothing (404).

        Raises:
            GrafanaError: as `send`.
        """
        status, headers, body = await self._exchange("GET", path, None, query, {})
        if status == HTTPStatus.NOT_FOUND and is_json(body):
            return None
        return read(shape, self._judged(status, headers, body))

    async def get(self, shape: TypeAdapter[_Shape], path: str, **query: str) -> _Shape:
        """Return what must be at `path`; raises GrafanaError as `send`."""
        return read(shape, self._judged(*await self._exchange("GET", path, None, query, {})))

    async def send(self, method: str, path: str, content: object = None, *, provisioning: bool = False) -> object:
        """Send a request and return the answer, to be read in its shape; None when it is empty.

        Raises:
            Away: nobody answers, or is too busy.
            Denied: the token is not accepted, or may not do this.
            Conflict: somebody changed it at the same time, or its name is taken.
            Refused: Grafana does not take this, or is no Grafana.
        """
        headers = OURS_STAYS_EDITABLE if provisioning else {}
        return self._judged(*await self._exchange(method, path, orjson.dumps(content), {}, headers))

    async def stream(self, path: str, lines: bytes) -> None:
        """Send line protocol; the answer is empty. Raises as `send`."""
        self._judged(*await self._exchange("POST", path, lines, {}, {"Content-Type": "text/plain"}))

    async def _exchange(
        self, method: str, path: str, content: bytes | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        address = self._options.address
        try:
            async with self._session.request(
                method, address + path, data=content, params=query, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers, await _whole(answer)
        except TimeoutError as error:
            raise Away(f"Grafana at {address} did not answer within {self._options.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Away(
                f"no connection to Grafana at {address}: {error}; is it running, and is grafana.url right?"
            ) from error

    def _judged(self, status: int, headers: Mapping[str, str], body: bytes) -> object:
        error = problem(status, headers, body, self._options.address)
        if error is not None:
            raise error
        return orjson.loads(body) if body else None


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body, or so much of it as is believed: a cut one is no JSON, and so no Grafana's."""
    try:
        return await answer.content.readexactly(_MAX_BODY)
    except asyncio.IncompleteReadError as whole:
        return whole.partial


@asynccontextmanager
async def connected(options: GrafanaOptions, authorization: str = "") -> AsyncIterator[Client]:
    """Yield a client; nothing is sent yet.

    Args:
        authorization: the header, instead of the one that the token of the options makes.

    Raises:
        SettingsError: the file of the token or of the CA cannot be used.
    """
    headers = {"Authorization": authorization or bearer(options), "Content-Type": "application/json"}
    if options.org_id is not None:
        headers["X-Grafana-Org-Id"] = str(options.org_id)
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=_trust(options.ca_file))
    timeout = aiohttp.ClientTimeout(total=options.timeout_s)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
        yield Client(session, options)


def bearer(options: GrafanaOptions) -> str:
    """Return the Authorization header.

    Raises:
        SettingsError: there is no token, or its file cannot be used.
    """
    token = options.token.get_secret_value() or _read(options.token_file)
    if not token or not token.isprintable():
        place = f"`token_file` {options.token_file}" if options.token_file else "`token`"
        raise SettingsError(f"grafana: {place} holds no token of one line; `cityhub grafana token` makes one")
    return f"Bearer {token}"


def _read(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"grafana: `token_file` {file} cannot be read: {error}") from error


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        raise SettingsError(f"grafana: `ca_file` {ca_file} cannot be used: {error}") from error
