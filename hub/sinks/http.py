"""What all connections to a database share: the session, the reading of an answer, the network's failures."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp

from hub.errors import Retryable
from hub.sinks.credentials import authorization
from hub.sinks.outcome import outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.sinks.options import SinkOptions

_MAX_ERROR_BODY = 4096  # InfluxDB repeats the lines it refuses: half a megabyte has been seen


def open_session(options: SinkOptions, connections: int) -> aiohttp.ClientSession:
    """Return a session that authenticates itself and keeps at most `connections` connections; nothing is sent yet.

    Raises:
        SettingsError: the file that holds the secret cannot be used.
    """
    headers = authorization(options)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=options.timeout_s),
        headers=headers,
    )


async def confirm(response: aiohttp.ClientResponse) -> None:
    """Return when an answer confirms a write; raise what `outcome` makes of it otherwise."""
    error = outcome(response.status, response.headers, await _beginning(response))
    if error is not None:
        raise error


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readexactly(_MAX_ERROR_BODY)
    except asyncio.IncompleteReadError as whole:
        return whole.partial


@contextmanager
def reaching(options: SinkOptions) -> Iterator[None]:
    """Turn what the network does to a request (silence, refusal, reset) into `Retryable`."""
    try:
        yield
    except TimeoutError as error:
        raise Retryable(f"InfluxDB at {options.address} did not answer within {options.timeout_s:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Retryable(
            f"no connection to InfluxDB at {options.address}: {error}; is it running, and is `url` right?"
        ) from error
