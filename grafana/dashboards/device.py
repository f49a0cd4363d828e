"""One device, everything; above it who is in trouble at its site, and whom to call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import Influx, newest, over_time, where
from grafana.dashboards.maps import atlas, markers, trail
from grafana.dashboards.page import Row, page, to_device
from grafana.dashboards.panels import STATE, Column, Look, graph, numbers, rows, timeline
from grafana.dashboards.signs import (
    BAD,
    CALM,
    GOOD,
    HEALTH,
    INCIDENT,
    LEFT,
    NOTHING,
    PRESENCE,
    SEVERITY,
    WARN,
    both,
    steps,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, ThresholdsConfig

_IT: Final = where("device")
_SITE: Final = where("agency", "site")
_AROUND: Final = where("agency", "site", "zone", "kind")
CHARGE: Final = LEFT
WARM: Final = steps(GOOD, (60, WARN), (75, BAD))
SIGNAL: Final = steps(BAD, (-105, WARN), (-90, GOOD))
DAYS: Final = steps(BAD, (7, WARN), (30, GOOD))
EVERY_KIND: Final = ("cctv", "gps", "weather", "level", "energy", "ups", "router", "switch", "probe", "analog")
_FROM: Final = ", ".join(f'"{name}"' for name in EVERY_KIND)


def device() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (8, [(12, _neighbours()), (12, _call())]),
        (4, [(5, _state()), (3, _health()), (4, _heard()), (4, _firmware()), (4, _certificate()), (4, _lifecycle())]),
        (6, [(24, _presence())]),
        (8, [(12, _why()), (12, _events())]),
        (8, [(8, _bandwidth()), (8, _charge()), (8, _supply())]),
        (8, [(8, _warmth()), (8, _signal()), (8, _uptime())]),
        (9, [(12, _camera()), (12, _way())]),
    ]
    return page(
        "device",
        both("Perangkat", "Device"),
        "Satu perangkat, semuanya. · One device, everything.",
        grid,
        shows=("agency", "site", "zone", "kind", "device"),
        single="device",
        since="now-24h",
    )


def _neighbours() -> Panel:
    return rows(
        both("Perangkat di lokasi, yang terburuk dahulu", "Devices of the site, worst first"),
        "Klik perangkat untuk melihat semuanya di bawah. · Click a device to see all of it below.",
        [Influx(newest("presence", ("health", "state", "reasons", "last_seen_ms"), ("device",), _AROUND), table=True)],
        [
            Column("device", both("Perangkat", "Device"), link=to_device()),
            Column("state", both("Keadaan", "State"), mappings=PRESENCE, width=170),
            Column("health", both("Kesehatan", "Health"), "percent", HEALTH, decimals=0, width=110),
            Column("reasons", both("Sebab", "Cause")),
            Column("last_seen_ms", both("Terakhir terdengar", "Last heard"), "dateTimeFromNow", width=170),
        ],
        Look(span=STATE),
        sort=both("Kesehatan", "Health"),
    )


def _call() -> Panel:
    fields = ("open", "state", "text", "devices", "contact", "phone", "opened_ms")
    inner = newest("incident", fields, ("incident", "severity", "site"), _SITE)
    columns = '"severity", "text", "devices", "contact", "phone", "opened_ms", "state", "site"'
    return rows(
        both("Insiden di lokasi, dan siapa yang dihubungi", "Incidents of the site, and whom to call"),
        "Yang terbuka sekarang, terbaru dahulu. · Those open now, newest first.",
        [Influx(f'SELECT {columns} FROM ({inner}) WHERE "open" = 1 ORDER BY time DESC LIMIT 20', table=True)],
        [
            Column("severity", both("Tingkat", "Severity"), mappings=SEVERITY, width=150),
            Column("text", both("Insiden", "Incident")),
            Column("contact", both("Hubungi", "Call"), width=150),
            Column("phone", both("Telepon", "Phone"), width=140),
            Column("devices", both("Perangkat", "Devices"), "none", width=90),
            Column("state", both("Keadaan", "State"), mappings=INCIDENT, width=150),
            Column("opened_ms", both("Sejak", "Since"), "dateTimeFromNow", width=140),
            Column("site", both("Lokasi", "Site"), width=140),
        ],
        Look(span=STATE, empty=NOTHING),
    )


def _state() -> Panel:
    return _newest("state", both("Keadaan", "State"), Look(unit="string", mappings=PRESENCE))


def _health() -> Panel:
    return _newest("health", both("Kesehatan", "Health"), Look(unit="percent", steps=HEALTH, decimals=0))


def _heard() -> Panel:
    return _newest("last_seen_ms", both("Terakhir terdengar", "Last heard"), Look(unit="dateTimeFromNow"))


def _lifecycle() -> Panel:
    return _newest("lifecycle", both("Masa hidup", "Lifecycle"), Look(unit="string"))


def _certificate() -> Panel:
    title = both("Sertifikat, sisa hari", "Certificate, days left")
    return _newest("certificate_days", title, Look(unit="d", steps=DAYS), measurement="inventory")


def _newest(field: str, title: str, look: Look, measurement: str = "presence") -> Panel:
    shown = Look(
        unit=look.unit, steps=look.steps, mappings=look.mappings, decimals=look.decimals, span=STATE,
        low=0 if look.unit == "percent" else None,
    )  # fmt: skip
    return numbers(
        title,
        "Menurut keadaan terbaru, paling lama 15 menit. · By the newest state, 15 minutes old at most.",
        [Influx(f'SELECT last("{field}") AS "{field}" FROM "{measurement}" WHERE {_IT}', table=True)],
        shown,
        fields=f"/^{field}$/",
    )


def _firmware() -> Panel:
    return numbers(
        "Firmware",
        "Versi yang terakhir dilaporkan dalam rentang waktu. · The version last reported in the time range.",
        [Influx(f'SELECT last("firmware") AS "firmware" FROM {_FROM} WHERE {_IT}', table=True)],
        Look(unit="string", empty=both("— belum dilaporkan", "not reported")),
        fields="/^firmware$/",
    )


def _presence() -> Panel:
    query = f'SELECT last("state") FROM "presence" WHERE {_IT} GROUP BY time($__interval) fill(none)'
    return timeline(
        both("Kehadiran", "Presence"),
        "Keadaan sepanjang waktu. · The states over time.",
        [Influx(query, alias=both("keadaan", "state"))],
        Look(unit="string", mappings=PRESENCE, interval="1m"),
    )


def _why() -> Panel:
    query = f'SELECT "state", "health", "reasons" FROM "presence" WHERE {_IT} ORDER BY time DESC LIMIT 200'
    return rows(
        both("Sebab, sepanjang waktu", "Causes, over time"),
        "Penilaian hub, terbaru dahulu. · The hub's judgement, newest first.",
        [Influx(query, table=True)],
        [
            Column("Time", both("Waktu", "Time"), "dateTimeAsLocal", width=170),
            Column("state", both("Keadaan", "State"), mappings=PRESENCE, width=170),
            Column("health", both("Kesehatan", "Health"), "percent", HEALTH, decimals=0, width=100),
            Column("reasons", both("Sebab", "Cause")),
        ],
    )


def _events() -> Panel:
    query = f'SELECT "name", "severity", "text" FROM "event" WHERE {_IT} ORDER BY time DESC LIMIT 200'
    return rows(
        both("Kejadian", "Events"),
        "Yang dilaporkan perangkat dan yang disimpulkan hub. · What the device reported and what the hub concluded.",
        [Influx(query, table=True)],
        [
            Column("Time", both("Waktu", "Time"), "dateTimeAsLocal", width=170),
            Column("severity", both("Tingkat", "Severity"), mappings=SEVERITY, width=150),
            Column("name", both("Nama", "Name"), width=150),
            Column("text", both("Kejadian", "Event")),
        ],
        Look(empty=NOTHING),
    )


def _bandwidth() -> Panel:
    def of(field: str, name: str) -> Influx:
        return Influx(over_time(field, "bandwidth", _IT), alias=name)

    return graph(
        both("Bandwidth", "Bandwidth"),
        "Yang terukur, tiap menit. · What was measured, each minute.",
        [of("rx_bps", both("masuk", "in")), of("tx_bps", both("keluar", "out"))],
        Look(unit="bps", low=0, interval="1m"),
    )


def _charge() -> Panel:
    about = "Muatan baterai perangkat. · Charge of the device's battery."
    return _vital(both("Baterai", "Battery"), about, "battery_percent", "percent", CHARGE)


def _supply() -> Panel:
    about = "Tegangan catu daya. · Supply voltage."
    return _vital(both("Catu daya", "Supply"), about, "supply_v", "volt")


def _warmth() -> Panel:
    about = "Suhu di dalam perangkat. · Temperature inside the device."
    return _vital(both("Suhu perangkat", "Device temperature"), about, "device_temperature_c", "celsius", WARM)


def _signal() -> Panel:
    about = "Sinyal radio yang diterima. · Received radio signal."
    return _vital(both("Sinyal", "Signal"), about, "signal_dbm", "dBm", SIGNAL)


def _uptime() -> Panel:
    about = "Turun berarti perangkat menyala ulang. · A fall means that the device restarted."
    return _vital(both("Menyala sejak", "Uptime"), about, "uptime_s", "s")


def _vital(title: str, about: str, field: str, unit: str, limits: ThresholdsConfig | None = None) -> Panel:
    query = f'SELECT mean("{field}") FROM {_FROM} WHERE {_IT} GROUP BY time($__interval) fill(none)'
    look = Look(unit=unit, interval="1m", empty=both("— tidak dilaporkan", "not reported"))
    if limits:
        look = Look(unit=unit, interval="1m", empty=look.empty, steps=limits)
    return graph(title, about, [Influx(query, alias="$measurement")], look)


def _camera() -> Panel:
    def of(field: str, name: str) -> Influx:
        return Influx(over_time(field, "cctv", _IT), alias=name)

    return graph(
        both("Laju bit kamera", "Camera's bit rate"),
        "Kosong bila bukan kamera. · Empty when it is no camera.",
        [of("bitrate_bps", both("laju bit", "bit rate"))],
        Look(unit="bps", low=0, interval="1m", empty=both("— bukan kamera", "no camera")),
    )


def _way() -> Panel:
    route = (
        f'SELECT last("lat") AS "lat", last("lon") AS "lon", max("speed_kmh") AS "speed_kmh" FROM "gps" '
        f"WHERE {_IT} GROUP BY time($__interval) fill(none)"
    )
    place = (
        f'SELECT last("lat") AS "lat", last("lon") AS "lon", last("speed_kmh") AS "speed_kmh" FROM "gps" WHERE {_IT}'
    )
    return atlas(
        both("Perjalanan", "Way"),
        "Jejak dalam rentang waktu dan tempat terakhir dengan lajunya; kosong bila bukan pelacak. · "
        "The trail in the time range and the last place with its speed; empty when it is no tracker.",
        [Influx(route, table=True), Influx(place, table=True)],
        Look(unit="velocitykmh", steps=steps(CALM), interval="1m", empty=both("— bukan pelacak", "no tracker")),
        [
            trail(both("Jejak", "Trail"), "A"),
            markers(both("Tempat terakhir", "Last place"), "B", color="speed_kmh", label="speed_kmh"),
        ],
    )
