"""Writes to InfluxDB 1.x."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hub.sinks.http import confirm, open_session, reaching

if TYPE_CHECKING:
    import aiohttp

    from hub.sinks.options import InfluxV1Options


class InfluxV1Sink:
    """The `Sink` for InfluxDB 1.x: `POST /write` with nanoseconds, the body as it is.

    Nothing is compressed: on a local network that costs more than it saves.

    Args:
        options: where the database is and how to be let in.
        connections: how many writes travel at the same time; more wait for their turn, within their time-out.
    """

    def __init__(self, options: InfluxV1Options, *, connections: int = 4) -> None:
        self._options = options
        self._connections = connections
        self._url = f"{options.address}/write?{urlencode({'db': options.database, 'precision': 'ns'})}"
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """See `Sink.open`.

        Raises:
            SettingsError: `password_file` cannot be used.
        """
        self._session = open_session(self._options, self._connections)

    async def write(self, lines: bytes) -> None:
        """See `Sink.write`."""
        if self._session is None:
            raise RuntimeError("open() comes before write()")
        with reaching(self._options):
            async with self._session.post(self._url, data=lines, allow_redirects=False) as response:
                await confirm(response)

    async def close(self) -> None:
        """See `Sink.close`."""
        if self._session is not None:
            await self._session.close()
