"""When each device was last heard, as the database has it; for what only use can tell about certificates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hub.errors import CityhubError
from hub.profiles.loader import load_profiles
from provisioning.hygiene import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.profiles.schema import Profile
    from hub.settings import Settings
    from hub.sinks.options import SinkOptions
    from provisioning.records import Device

DAY_NS: Final = 86_400 * 1_000_000_000


def last_heard(settings: Settings, devices: Iterable[Device], now_ns: int) -> Seen:
    """Ask the database that the settings name.

    Args:
        settings: of the hub, which need not run; its database must.
        devices: of the registry; a gateway counts as heard with those that it speaks for.
        now_ns: nanoseconds UTC.

    Raises:
        CityhubError: the database cannot be asked.
    """
    _, profiles = load_profiles(own=settings.profiles.folder)
    heard = asyncio.run(_ask(_database(settings), measurements_of(profiles)))
    return Seen(with_gateways(heard, devices), now_ns - settings.local_influxdb.raw_days * DAY_NS)


def measurements_of(profiles: Mapping[str, Profile]) -> list[str]:
    """Return the measurements that devices write by MQTT; what the hub says of them itself is no sign of life."""
    specs = (spec for profile in profiles.values() for spec in profile.mqtt.values())
    return sorted({measurement for spec in specs for measurement in spec.readings})


def with_gateways(heard: Mapping[str, int], devices: Iterable[Device]) -> dict[str, int]:
    """Let a gateway count as heard when one of its children was."""
    found = dict(heard)
    for device in devices:
        if device.parent is not None and device.id in heard:
            found[device.parent] = max(heard[device.id], found.get(device.parent, 0))
    return found


def _database(settings: Settings) -> SinkOptions:
    if settings.influxdb is not None:
        return settings.influxdb
    # Imported only where it is used, as below: the other commands need not wait for it.
    from hub.local.influxd import ManagedInflux  # noqa: PLC0415

    folder = settings.state_dir / "influxdb"
    if not folder.exists():
        raise CityhubError("the hub has not run yet")
    return ManagedInflux(settings.local_influxdb, folder).sink_options()


async def _ask(database: SinkOptions, measurements: Iterable[str]) -> dict[str, int]:
    from hub.sinks.query import InfluxReader, quote_ident  # noqa: PLC0415

    names = ", ".join(map(quote_ident, measurements))
    async with InfluxReader(database) as reader:
        latest = f"SELECT * FROM {names} GROUP BY device ORDER BY time DESC LIMIT 1"  # noqa: S608 - names are quoted
        found = await reader.query(latest)
    heard: dict[str, int] = {}
    for series in found:
        device, time_ns = series.tags.get("device", ""), series.values[0][series.columns.index("time")]
        if isinstance(time_ns, int):
            heard[device] = max(time_ns, heard.get(device, 0))
    return heard
