"""Writes to InfluxDB 2.x and 3.x."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from influxdb_client import WritePrecision
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from hub.sinks.credentials import token
from hub.sinks.http import confirm, reaching

if TYPE_CHECKING:
    from influxdb_client.client.write_api_async import WriteApiAsync

    from hub.sinks.options import InfluxV2Options


class InfluxV2Sink:
    """The `Sink` for InfluxDB 2.x, 3.x and 1.8+: `/api/v2/write` through `influxdb-client`, the body as it is.

    `confirm` judges every answer inside the client's session, before the client does: left alone the client would
    take 201 (a partial write) for success, return False for a proxy's 200, and read error bodies without a bound.

    Args:
        options: where the database is and how to be let in.
        connections: how many writes travel at the same time; more wait for their turn, within their time-out.
    """

    def __init__(self, options: InfluxV2Options, *, connections: int = 4) -> None:
        self._options = options
        self._connections = connections
        self._client: InfluxDBClientAsync | None = None
        self._api: WriteApiAsync | None = None

    async def open(self) -> None:
        """See `Sink.open`.

        Raises:
            SettingsError: `token_file` cannot be used.
        """
        options = self._options
        self._client = InfluxDBClientAsync(
            options.address,
            token=token(options),
            org=options.org,
            timeout=aiohttp.ClientTimeout(total=options.timeout_s),
            enable_gzip=False,
            connection_pool_maxsize=self._connections,
            allow_redirects=False,
            client_session_kwargs={"raise_for_status": confirm},
        )
        self._api = self._client.write_api()

    async def write(self, lines: bytes) -> None:
        """See `Sink.write`."""
        if self._api is None:
            raise RuntimeError("open() comes before write()")
        with reaching(self._options):
            await self._api.write(bucket=self._options.bucket, record=lines, write_precision=WritePrecision.NS)

    async def close(self) -> None:
        """See `Sink.close`."""
        if self._client is not None:
            await self._client.close()
