"""Queries as the dashboards ask them: InfluxQL that InfluxDB 1.x, 2.x and 3.x all understand.

So: no `ON <database>`, no database or retention policy before a measurement, no SLIMIT. Regular expressions match
what Grafana puts in for a variable; `${name:regex}` is its only notation that does so for one value, several and all.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

RAW: Final = "cityhub"
HISTORY: Final = "cityhub-history"
GRAFANA: Final = DataSourceRef(type_val="datasource", uid="grafana")
LIVE: Final = "stream/cityhub"

LOWEST: Final = "terendah · lowest"
MEAN: Final = "rata-rata · mean"
HIGHEST: Final = "tertinggi · highest"

AREA: Final = ("agency", "site", "zone")
DEVICES: Final = (*AREA, "device")


def source(uid: str) -> DataSourceRef:
    """Return the reference to one of the hub's two databases."""
    return DataSourceRef(type_val="influxdb", uid=uid)


class Influx(Dataquery):
    """A query in InfluxQL.

    Args:
        text: the query, with Grafana's `$timeFilter` and `$__interval`.
        table: answer as a table, with a column a tag and a field; else as time series.
        alias: the name of each series, e.g. `$tag_site`.
    """

    def __init__(self, text: str, *, table: bool = False, alias: str = "", uid: str = RAW) -> None:
        self.text = text
        self.table = table
        self.alias = alias
        self.source = source(uid)
        self.ref = "A"

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana's InfluxDB plugin stores it."""
        named = {"alias": self.alias} if self.alias else {}
        return {
            "refId": self.ref,
            "datasource": self.source,
            "rawQuery": True,
            "query": self.text,
            "resultFormat": "table" if self.table else "time_series",
            **named,
        }


class Live(Dataquery):
    """What the hub pushes each second to one of its channels."""

    def __init__(self, measurement: str) -> None:
        self.channel = f"{LIVE}/{measurement}"
        self.source = GRAFANA
        self.ref = "A"

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana's own source stores it."""
        return {
            "refId": self.ref,
            "datasource": self.source,
            "queryType": "measurements",
            "channel": self.channel,
        }


class Tagged(Dataquery):
    """The annotations that carry all of these tags."""

    source = DataSourceRef(type_val="grafana", uid="-- Grafana --")

    def __init__(self, *tags: str) -> None:
        self.tags = tags

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana's own source stores it."""
        return {"type": "tags", "tags": list(self.tags), "matchAny": False, "limit": 100}


Query = Influx | Live


def where(*tags: str, also: str = "") -> str:
    """Return the condition: within the time range, and within what the variables of these names choose."""
    chosen = [f'"{tag}" =~ /^${{{tag}:regex}}$/' for tag in tags]
    return " AND ".join(["$timeFilter", *chosen, *([also] if also else [])])


def names(*tags: str) -> str:
    """Return quoted names, separated by commas."""
    return ", ".join(f'"{tag}"' for tag in tags)


def newest(measurement: str, fields: tuple[str, ...], by: tuple[str, ...], condition: str) -> str:
    """Return the query for the newest line of each series: its first field, and the others beside it."""
    first, *others = fields
    columns = ", ".join([f'last("{first}") AS "{first}"', *(f'"{name}" AS "{name}"' for name in others)])
    return f'SELECT {columns} FROM "{measurement}" WHERE {condition} GROUP BY {names(*by)}'


def newest_each(measurement: str, fields: tuple[str, ...], by: tuple[str, ...], condition: str) -> str:
    """Return the query for the newest value of each field, which may stand in different lines."""
    columns = ", ".join(f'last("{name}") AS "{name}"' for name in fields)
    return f'SELECT {columns} FROM "{measurement}" WHERE {condition} GROUP BY {names(*by)}'


def counted(inner: str, field: str) -> list[Query]:
    """Return the queries for the sum of `field` over `inner`, and for a zero that the hub gives while it is alive.

    Added up (panels.TOTAL) they are zero when there is nothing. A hub that says nothing yields no row at all, so that
    the panel shows that its data is stale, not that all is well.
    """
    total = f'SELECT sum("{field}") AS "{field}" FROM ({inner})'
    heartbeat = 'SELECT sum("zero") * 0 AS "zero" FROM (SELECT count("well") AS "zero" FROM "hub" WHERE $timeFilter)'
    return [Influx(total, table=True), Influx(heartbeat, table=True)]


def online(condition: str) -> Influx:
    """Return the query for the percentage of devices that are online."""
    inner = newest("presence", ("online",), ("device",), condition)
    return Influx(f'SELECT mean("online") * 100 FROM ({inner})', alias="online")


def how_many(measurement: str, field: str, condition: str, wanted: str) -> list[Query]:
    """Return the queries (see `counted`) for how many devices last said of `field` what is `wanted`, e.g. `> 90`."""
    inner = f'SELECT last("{field}") AS "{field}" FROM "{measurement}" WHERE {condition} GROUP BY "device"'
    return counted(f'SELECT count("{field}") AS "n" FROM ({inner}) WHERE "{field}" {wanted}', "n")


def over_time(field: str, measurement: str, condition: str, by: str = "", how: str = "mean", fill: str = "null") -> str:
    """Return the query for a field over time, in steps no finer than the panel's pixels."""
    group = f', "{by}"' if by else ""
    return (
        f'SELECT {how}("{field}") FROM "{measurement}" WHERE {condition} GROUP BY time($__interval){group} fill({fill})'
    )


def band(field: str, measurement: str, condition: str) -> str:
    """Return the query for the lowest, the mean and the highest of all chosen over time: three lines, however many."""
    columns = f'min("{field}") AS "{LOWEST}", mean("{field}") AS "{MEAN}", max("{field}") AS "{HIGHEST}"'
    return f'SELECT {columns} FROM "{measurement}" WHERE {condition} GROUP BY time($__interval) fill(null)'
