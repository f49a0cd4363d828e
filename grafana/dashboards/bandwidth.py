"""Bandwidth: how full the uplinks are, who fills them, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import DEVICES, HISTORY, Influx, newest, over_time, where
from grafana.dashboards.page import Row, page, to_device
from grafana.dashboards.panels import STATE, Column, Look, bars, graph, merged, numbers, rows
from grafana.dashboards.signs import UPLINK, USE, both

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

_UPLINKS: Final = where("agency", "site")
_DEVICES: Final = where(*DEVICES, "kind")
_GROUPS: Final = where("agency", "site", "zone", "kind")
"""Hourly sums know no single device; daily ones do."""
COSTS: Final = "3h"
"""How far back the newest cost is looked for: it is written each hour."""


def bandwidth() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (4, [(6, _month("bytes")), (6, _month("rupiah")), (6, _fullest()), (6, _unattributed())]),
        (9, [(24, _uplinks())]),
        (9, [(12, _use()), (12, _shares())]),
        (10, [(12, _talkers()), (12, _agencies())]),
        (8, [(12, _costs("bytes")), (12, _costs("rupiah"))]),
        (8, [(12, _daily()), (12, _peaks())]),
    ]
    return page(
        "bandwidth",
        both("Bandwidth", "Bandwidth"),
        "Uplink, pemakainya, dan biayanya. · Uplinks, who uses them, and what they cost.",
        grid,
        shows=("agency", "site", "zone", "kind", "device"),
    )


def _month(field: str) -> Panel:
    inner = newest("cost", (field,), ("agency", "uplink", "site"), _UPLINKS)
    title = {
        "bytes": both("Bulan ini, data", "This month, data"),
        "rupiah": both("Bulan ini, biaya", "This month, cost"),
    }
    return numbers(
        title[field],
        "Sejak awal bulan, menurut tarif uplink. · Since the month began, by the uplinks' tariffs.",
        [Influx(f'SELECT sum("{field}") FROM ({inner})', alias=field)],
        Look(unit=UNITS[field], span=COSTS, decimals=1 if field == "bytes" else 0),
    )


UNITS: Final = {"bytes": "decbytes", "rupiah": "currency:Rp"}


def _fullest() -> Panel:
    return numbers(
        both("Uplink terpenuh", "Fullest uplink"),
        "Pemakaian uplink yang paling penuh sekarang. · The use of the fullest uplink now.",
        [Influx(f'SELECT max("used_percent") FROM "uplink" WHERE {_UPLINKS}', alias="used")],
        Look(unit="percent", steps=USE, span="5m", decimals=0),
    )


def _unattributed() -> Panel:
    share = 'sum("unattributed_bytes") / (sum("attributed_bytes") + sum("unattributed_bytes")) * 100'
    return numbers(
        both("Tak terlacak", "Unattributed"),
        "Bagian lalu lintas uplink yang bukan milik perangkat terdaftar. · "
        "The share of the uplinks' traffic that belongs to no registered device.",
        [Influx(f'SELECT {share} FROM "uplink" WHERE {_UPLINKS}', alias="unattributed")],
        Look(unit="percent", decimals=1, low=0, high=100),
    )


def _uplinks() -> Panel:
    fields = ("state", "used_percent", "rx_bps", "tx_bps", "capacity_bps")
    return rows(
        both("Uplink terhadap kapasitas", "Uplinks against capacity"),
        "Menit terakhir setiap uplink, yang terpenuh dahulu. · Each uplink's last minute, the fullest first.",
        [Influx(newest("uplink", fields, ("uplink", "site", "agency"), _UPLINKS), table=True)],
        [
            Column("uplink", both("Uplink", "Uplink")),
            Column("site", both("Lokasi", "Site")),
            Column("agency", both("Dinas", "Agency")),
            Column("state", both("Keadaan", "State"), mappings=UPLINK),
            Column("used_percent", both("Terpakai", "Used"), "percent", USE, decimals=0),
            Column("rx_bps", both("Masuk", "In"), "bps"),
            Column("tx_bps", both("Keluar", "Out"), "bps"),
            Column("capacity_bps", both("Kapasitas", "Capacity"), "bps"),
        ],
        Look(span=STATE),
        sort=both("Terpakai", "Used"),
        falling=True,
    )


def _use() -> Panel:
    return graph(
        both("Pemakaian uplink", "Use of uplinks"),
        "Uplink terpenuh tiap dinas, puncak tiap langkah. · The fullest uplink of each agency, the peak of each step.",
        [Influx(over_time("used_percent", "uplink", _UPLINKS, "agency", "max"), alias="$tag_agency")],
        Look(unit="percent", steps=USE, low=0, interval="1m"),
    )


def _shares() -> Panel:
    def summed(field: str, name: str) -> Influx:
        return Influx(over_time(field, "uplink", _UPLINKS, how="sum"), alias=name)

    return graph(
        both("Terlacak dan tak terlacak", "Attributed and unattributed"),
        "Byte tiap langkah di semua uplink: milik perangkat, dan sisanya. · "
        "Bytes of each step on all uplinks: the devices', and the remainder.",
        [
            summed("attributed_bytes", both("milik perangkat", "devices'")),
            summed("unattributed_bytes", both("sisanya", "remainder")),
        ],
        Look(unit="decbytes", low=0, interval="1m"),
        stacked=True,
        bar=True,
    )


def _talkers() -> Panel:
    inner = (
        f'SELECT sum("rx_bytes") + sum("tx_bytes") AS "bytes" FROM "bandwidth_day" WHERE {_DEVICES} GROUP BY "device"'
    )
    return bars(
        both("Pemakai terbesar, 7 hari", "Top talkers, 7 days"),
        "Lima belas perangkat dengan data terbanyak. · The fifteen devices with the most data.",
        [Influx(f'SELECT top("bytes", "device", 15) AS "data" FROM ({inner})', table=True, uid=HISTORY)],
        Look(
            unit="decbytes",
            low=0,
            span="7d",
            name="${__data.fields.device}",
            link=to_device(),
            transformations=merged("data", falling=True),
        ),
        fields="/^data$/",
        rows=15,
    )


def _agencies() -> Panel:
    query = (
        f'SELECT sum("rx_bytes") + sum("tx_bytes") FROM "bandwidth_hour" WHERE {_GROUPS} '
        'GROUP BY time($__interval), "agency" fill(null)'
    )
    return graph(
        both("Data menurut dinas, 48 jam", "Data by agency, 48 hours"),
        "Byte tiap langkah, kedua arah. · Bytes of each step, both directions.",
        [Influx(query, alias="$tag_agency", uid=HISTORY)],
        Look(unit="decbytes", low=0, span="2d", interval="1h"),
        stacked=True,
        bar=True,
    )


def _costs(field: str) -> Panel:
    inner = newest("cost", (field,), ("agency", "uplink", "site"), _UPLINKS)
    title = {
        "bytes": both("Bulan ini menurut dinas, data", "This month by agency, data"),
        "rupiah": both("Bulan ini menurut dinas, biaya", "This month by agency, cost"),
    }
    return bars(
        title[field],
        "Sejak awal bulan. · Since the month began.",
        [Influx(f'SELECT sum("{field}") AS "sum" FROM ({inner}) GROUP BY "agency"', table=True)],
        Look(unit=UNITS[field], span=COSTS, low=0, decimals=1, name="${__data.fields.agency}"),
        fields="/^sum$/",
        rows=12,
    )


def _daily() -> Panel:
    def summed(field: str, name: str) -> Influx:
        query = f'SELECT sum("{field}") FROM "uplink_day" WHERE {_UPLINKS} GROUP BY time(1d) fill(none)'
        return Influx(query, alias=name, uid=HISTORY)

    return graph(
        both("Data per hari, 30 hari", "Data a day, 30 days"),
        "Semua uplink, dari basis data riwayat. · All uplinks, from the history database.",
        [summed("rx_bytes", both("masuk", "in")), summed("tx_bytes", both("keluar", "out"))],
        Look(unit="decbytes", low=0, span="30d"),
        stacked=True,
        bar=True,
    )


def _peaks() -> Panel:
    return graph(
        both("Puncak per jam, 7 hari", "Peak of each hour, 7 days"),
        "Laju tertinggi satu uplink tiap dinas. · The highest rate of one uplink of each agency.",
        [Influx(over_time("peak_bps", "uplink_hour", _UPLINKS, "agency", "max"), alias="$tag_agency", uid=HISTORY)],
        Look(unit="bps", low=0, span="7d", interval="1h"),
    )
