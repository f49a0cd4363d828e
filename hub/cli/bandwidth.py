"""`cityhub bandwidth`: what was carried in a month, by whom, and what it cost."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer

from hub.cli.context import settings_of
from hub.cli.place import AsJson
from hub.cli.registry import open_registry, show_json, show_table
from hub.local.influxd import ManagedInflux
from hub.sinks.query import InfluxReader
from hub.status.periods import Periods
from hub.status.statement import COLUMNS, By, Entry, Used, statement, total
from provisioning.records import Uplink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.settings import Settings
    from hub.sinks.options import InfluxV1Options, InfluxV2Options
    from hub.sinks.query import Series

_SUMS: Final = ", ".join(f"SUM({name}) AS {name}" for name in COLUMNS)


def bandwidth(
    ctx: typer.Context,
    *,
    by: Annotated[By, typer.Option(help="Whose bytes and rupiah to sum up.")] = "agency",
    month: Annotated[str, typer.Option(help="Year and month, e.g. 2026-11; otherwise this one, so far.")] = "",
    as_json: AsJson = False,
) -> None:
    """Sum up what was carried in a month and what it cost; months are those of the city's time zone.

    Devices are measured by their own counters, uplinks by their routers'. What a router counted and no device
    accounts for is a row of its own. A gigabyte is 10^9 bytes.

    Example: cityhub bandwidth --by site --month 2026-11
    """
    settings = settings_of(ctx)
    periods = Periods(ZoneInfo(settings.city.timezone))
    month = month or periods.month_name(time_ns())
    begin_ns, end_ns = periods.month(month)
    used, measured = asyncio.run(_read(history_of(settings), by, begin_ns, end_ns))
    rows = statement(by, used, measured, open_registry(ctx).all(Uplink))
    if as_json:
        show_json({"month": month, "by": by, "rows": [asdict(row) for row in rows], "total": asdict(total(rows))})
    else:
        columns = (by, "gb", "rp", "received gb", "sent gb", "kept at site gb", "estimated gb")
        show_table(columns, [_cells(row) for row in [*rows, total(rows)]])


def history_of(settings: Settings) -> InfluxV1Options | InfluxV2Options:
    """Return where the history is: beside the readings, or in the database that the hub runs itself."""
    if settings.influxdb is not None:
        return settings.influxdb.history()
    return ManagedInflux(settings.local_influxdb, settings.state_dir / "influxdb").sink_options().history()


async def _read(
    options: InfluxV1Options | InfluxV2Options, by: By, begin_ns: int, end_ns: int
) -> tuple[list[Used], dict[str, int]]:
    """Return what devices used, and what each uplink's router counted."""
    when = f"WHERE time >= {begin_ns} AND time < {end_ns}"
    groups = "uplink" if by == "uplink" else f"uplink, {by}"
    # S608: nothing in it was given by anybody.
    devices = f"SELECT {_SUMS} FROM bandwidth_day {when} GROUP BY {groups}"  # noqa: S608
    uplinks = f"SELECT SUM(rx_bytes) AS rx, SUM(tx_bytes) AS tx FROM uplink_day {when} GROUP BY uplink"  # noqa: S608
    async with InfluxReader(options) as reader:
        used = [_used(series, by) for series in await reader.query(devices)]
        carried = await reader.query(uplinks)
    return used, {series.tags["uplink"]: sum(_whole(series.values[0][1:])) for series in carried}


def _used(series: Series, by: By) -> Used:
    return Used(series.tags.get("uplink", ""), series.tags.get(by, ""), *_whole(series.values[0][1:]))


def _whole(values: Iterable[object]) -> list[int]:
    return [int(value) if isinstance(value, int | float) else 0 for value in values]


def _cells(row: Entry) -> list[str]:
    amounts = (row.rx_bytes, row.tx_bytes, row.local_bytes, row.estimated_bytes)
    return [row.name, _gb(row.bytes), f"{row.rupiah:,}", *map(_gb, amounts)]


def _gb(amount: int) -> str:
    return f"{amount / 1e9:,.3f}"
