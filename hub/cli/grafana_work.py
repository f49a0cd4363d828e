"""What `cityhub grafana` does; apart from its commands, because no other command needs these imports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from hub.grafana.client import connected
from hub.grafana.options import GrafanaOptions
from hub.grafana.push import diff, everything, health, push, remove, version
from hub.grafana.tokens import Role, make_token
from hub.local.grafana import ManagedGrafana
from hub.local.influxd import ManagedInflux

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hub.grafana.client import Client
    from hub.grafana.items import Item
    from hub.grafana.push import Result
    from hub.settings import Settings
    from hub.sinks.options import SinkOptions

    Work = Callable[[Client, Sequence[Item]], Awaitable[list[Result]]]


def pushed(settings: Settings, *, overwrite: bool) -> list[Result]:
    """Push everything; raises GrafanaError, SettingsError."""

    async def work(client: Client, items: Sequence[Item]) -> list[Result]:
        return await push(client, items, overwrite=overwrite)

    return _run(settings, work)


def removed(settings: Settings, *, overwrite: bool) -> list[Result]:
    """Take everything away; raises GrafanaError, SettingsError."""

    async def work(client: Client, items: Sequence[Item]) -> list[Result]:
        return await remove(client, items, overwrite=overwrite)

    return _run(settings, work)


def different(settings: Settings) -> list[Result]:
    """Return how everything stands; raises GrafanaError, SettingsError."""
    return _run(settings, diff)


def checked(settings: Settings) -> tuple[str, list[str]]:
    """Return Grafana's version and what is wrong, a sentence each; raises GrafanaError, SettingsError."""
    versions: list[str] = []
    unread: list[str] = []

    async def work(client: Client, items: Sequence[Item]) -> list[Result]:
        versions.append(await version(client))
        results = await diff(client, items)
        unread.extend(await health(client, items))
        return results

    changed = [result for result in _run(settings, work) if result.state != "same"]
    return versions[0], [
        *unread,
        *(f"{one.kind} {one.name}: {'; '.join((one.state, *one.why[:1]))}" for one in changed),
    ]


def token(options: GrafanaOptions, user: str, password: str, role: str) -> str:
    """Return a new token of the hub's own account; raises GrafanaError."""

    async def work() -> str:
        async with connected(options, aiohttp.encode_basic_auth(user, password)) as client:
            await version(client)
            return await make_token(client, Role(role))

    return asyncio.run(work())


def _run(settings: Settings, work: Work) -> list[Result]:
    """Connect to the Grafana of the settings, or to the managed one, and do the work."""
    options, authorization = _target(settings)
    items = everything(options, _database(settings), settings.city.timezone)

    async def connect() -> list[Result]:
        async with connected(options, authorization) as client:
            await version(client)
            return await work(client, items)

    return asyncio.run(connect())


def _target(settings: Settings) -> tuple[GrafanaOptions, str]:
    if settings.grafana is not None:
        return settings.grafana, ""
    own = ManagedGrafana(settings.local_grafana, settings.state_dir / "grafana", settings.city.timezone)
    return GrafanaOptions.model_validate({"url": own.address}), own.authorization()


def _database(settings: Settings) -> SinkOptions:
    """Return how Grafana reaches the database: the managed one by a login that only reads."""
    if settings.influxdb is not None:
        return settings.influxdb
    return ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb").reader_options()
