"""The hub itself: what comes in, what waits, what is refused, and what will expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import Influx, over_time
from grafana.dashboards.page import Row, page
from grafana.dashboards.panels import ALIVE, Column, Look, graph, numbers, rows, timeline
from grafana.dashboards.signs import (
    BAD,
    FEW_WANTED,
    GOOD,
    NONE_WANTED,
    PLAIN,
    SOME_WANTED,
    WARN,
    WELL,
    both,
    steps,
    within,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

_HERE: Final = "$timeFilter"
SPOOL: Final = steps(GOOD, (100_000, WARN), (1_000_000, BAD))
"""Points: a healthy hub keeps a second's worth."""
WAIT: Final = steps(GOOD, (5, WARN), (60, BAD))
LATE: Final = steps(GOOD, (1000, WARN), (10_000, BAD))


def hub() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (4, [(4, _fresh()), (4, _well()), (4, _pace()), (4, _waiting()), (4, _expiring("7")), (4, _expiring("30"))]),
        (6, [(16, _health()), (8, _problems())]),
        (9, [(12, _ingest()), (12, _wait())]),
        (9, [(12, _spool()), (12, _sinks())]),
        (9, [(12, _rejects()), (12, _modbus())]),
        (8, [(12, _lateness()), (12, _certificates())]),
    ]
    return page(
        "hub",
        both("Hub", "Hub"),
        "Apakah hub sendiri bekerja baik? · Is the hub itself well?",
        grid,
        shows=(),
    )


def _fresh() -> Panel:
    return numbers(
        both("Umur data", "Data age"),
        "SEGAR bila hub menulis dalam satu menit terakhir. · FRESH when the hub has written within the last minute.",
        [Influx('SELECT count("well") FROM "hub" WHERE $timeFilter', alias="hub")],
        Look(steps=SOME_WANTED, span=ALIVE, mappings=[within(1, 1_000_000, "● SEGAR · FRESH", GOOD)]),
    )


def _well() -> Panel:
    return _newest("well", both("Kesehatan", "Health"), Look(steps=SOME_WANTED, mappings=WELL))


def _pace() -> Panel:
    return _newest("messages_per_s", both("Pesan per detik", "Messages per second"), Look(decimals=0))


def _waiting() -> Panel:
    return _newest("spool_points", both("Menunggu di antrean", "Waiting in the spool"), Look(unit="short", steps=SPOOL))


def _expiring(days: str) -> Panel:
    look = Look(steps=NONE_WANTED if days == "7" else FEW_WANTED, decimals=0)
    title = both(f"Sertifikat habis dalam {days} hari", f"Certificates expiring in {days} days")
    return _newest(f"certificates_expiring_{days}d", title, look)


def _newest(field: str, title: str, look: Look) -> Panel:
    shown = Look(unit=look.unit, steps=look.steps, mappings=look.mappings, decimals=look.decimals, span=ALIVE)
    return numbers(
        title,
        "Menurut baris terakhir hub, paling lama satu menit. · By the hub's last line, a minute old at most.",
        [Influx(f'SELECT last("{field}") FROM "hub" WHERE {_HERE}', alias=field)],
        shown,
    )


def _health() -> Panel:
    return timeline(
        both("Kesehatan hub", "The hub's health"),
        "Celah berarti hub diam. · A gap means that the hub said nothing.",
        [
            Influx(
                'SELECT min("well") FROM "hub" WHERE $timeFilter GROUP BY time($__interval), "hub" fill(null)',
                alias="$tag_hub",
            )
        ],
        Look(steps=SOME_WANTED, mappings=WELL, interval="10s"),
    )


def _problems() -> Panel:
    return rows(
        both("Masalah", "Problems"),
        "Kata hub sendiri tentang yang tidak beres. · The hub's own words on what is wrong.",
        [
            Influx(
                'SELECT "problems" FROM "hub" WHERE $timeFilter AND "problems" != \'\' ORDER BY time DESC LIMIT 20',
                table=True,
            )
        ],
        [
            Column("Time", both("Waktu", "Time"), "dateTimeAsLocal", width=180),
            Column("problems", both("Masalah", "Problem")),
        ],
        Look(empty="— tidak ada · none"),
    )


def _ingest() -> Panel:
    return graph(
        both("Laju masuk", "Ingest rate"),
        "Pesan yang diterima per detik. · Messages taken per second.",
        [Influx(over_time("messages_per_s", "hub", _HERE, "hub"), alias="$tag_hub")],
        Look(unit="none", low=0, interval="10s", decimals=0),
    )


def _wait() -> Panel:
    steps = 'mean("spool_points") AS "waiting", non_negative_derivative(last("points_stored"), 1s) AS "rate"'
    inner = f'SELECT {steps} FROM "hub" WHERE {_HERE} GROUP BY time($__interval) fill(none)'
    return graph(
        both("Latensi antrean", "Latency in the spool"),
        "Berapa lama satu titik menunggu ditulis: yang menunggu dibagi yang ditulis per detik (hukum Little). · "
        "How long a point waits to be written: what waits, over what is written per second (Little's law).",
        [Influx(f'SELECT "waiting" / "rate" FROM ({inner})', alias=both("latensi", "latency"))],
        Look(unit="s", steps=WAIT, low=0, interval="30s"),
    )


def _spool() -> Panel:
    return graph(
        both("Antrean", "Spool"),
        "Titik yang aman di disk dan menunggu basis data. · Points that are safe on disk and wait for the database.",
        [Influx(over_time("spool_points", "hub", _HERE, "hub", "max"), alias="$tag_hub")],
        Look(unit="short", steps=SPOOL, low=0, interval="10s"),
    )


def _sinks() -> Panel:
    failures = _rate("write_failures")
    stored = _rate("points_stored")
    return graph(
        both("Penulisan ke basis data", "Writes to the database"),
        "Titik yang disimpan per detik, dan penulisan yang gagal. · Points stored per second, and writes that failed.",
        [Influx(stored, alias=both("tersimpan", "stored")), Influx(failures, alias=both("gagal", "failed"))],
        Look(unit="none", low=0, interval="10s"),
    )


def _rate(field: str, by: str = "", measurement: str = "hub") -> str:
    group = f', "{by}"' if by else ""
    return (
        f'SELECT non_negative_derivative(max("{field}"), 1s) FROM "{measurement}" WHERE {_HERE} '
        f"GROUP BY time($__interval){group} fill(none)"
    )


def _rejects() -> Panel:
    return graph(
        both("Ditolak menurut sebab", "Rejected by reason"),
        "Pesan per detik yang tidak dapat disimpan; `cityhub rejects` memperlihatkan isinya. · "
        "Messages per second that could not be stored; `cityhub rejects` shows them.",
        [Influx(_rate("count", "reason", "rejected"), alias="$tag_reason")],
        Look(unit="none", low=0, interval="30s", empty="— tidak ada · none"),
        stacked=True,
    )


def _modbus() -> Panel:
    names = {
        "modbus_polls": both("dibaca", "polled"),
        "modbus_late": both("terlambat", "late"),
        "modbus_failed": both("gagal", "failed"),
    }
    return graph(
        both("Modbus", "Modbus"),
        "Pembacaan per detik: semua, terlambat, gagal. · Reads per second: all, late, failed.",
        [Influx(_rate(field), alias=name) for field, name in names.items()],
        Look(unit="none", low=0, interval="10s"),
    )


def _lateness() -> Panel:
    return graph(
        both("Keterlambatan Modbus", "Modbus lateness"),
        "Selisih dari jadwal pembacaan. · How far behind their schedule reads are.",
        [Influx(over_time("modbus_lateness_ms", "hub", _HERE, "hub", "max"), alias="$tag_hub")],
        Look(unit="ms", steps=LATE, low=0, interval="10s"),
    )


def _certificates() -> Panel:
    def of(days: str) -> Influx:
        query = over_time(f"certificates_expiring_{days}d", "hub", _HERE, how="max")
        return Influx(query, alias=both(f"dalam {days} hari", f"within {days} days"))

    return graph(
        both("Sertifikat menurut sisa hari", "Certificates by days left"),
        "Sertifikat perangkat yang segera habis masa berlakunya. · Device certificates that expire soon.",
        [of("7"), of("30")],
        Look(unit="none", steps=PLAIN, low=0, decimals=0, interval="1m"),
    )
