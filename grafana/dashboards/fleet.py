"""Vehicles: where they are, how they got there, and how far the position can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import DEVICES, Influx, how_many, newest, newest_each, online, where
from grafana.dashboards.maps import atlas, markers
from grafana.dashboards.page import Row, page, to_device
from grafana.dashboards.panels import STATE, STEPS, Column, Look, count, graph, joined, rows, share
from grafana.dashboards.signs import BAD, FEW_WANTED, GOOD, PLAIN, PRESENCE, SEVERITY, WARN, both, steps

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel


_HERE: Final = where(*DEVICES)
_TRACKERS: Final = where(*DEVICES, also="\"kind\" = 'gps'")
NOW: Final = "5m"
"""How far back a vehicle's newest reading is looked for."""
SPEED: Final = steps(GOOD, (60, WARN), (80, BAD))
"""Kilometres an hour: the usual limits in Indonesian towns and between them."""
HDOP: Final = steps(GOOD, (2, WARN), (5, BAD))
SATELLITES: Final = steps(BAD, (4, WARN), (6, GOOD))
METRES: Final = steps(GOOD, (25, WARN), (100, BAD))
TRAIL: Final = 90
"""Points of a vehicle's trail: there may be hundreds of vehicles."""
MOVES: Final = "/^(geofence_enter|geofence_leave|overspeed|position_jump)$/"


def fleet() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (4, [(6, _online()), (6, _moving()), (6, _fast()), (6, _poor())]),
        (16, [(16, _map()), (8, _events())]),
        (10, [(24, _vehicles())]),
        (9, [(12, _speed()), (12, _quality())]),
    ]
    return page(
        "fleet",
        both("Armada GPS", "GPS fleet"),
        "Kendaraan, jejaknya dan mutu posisinya. · Vehicles, their trails and the quality of their positions.",
        grid,
        shows=("agency", "site", "zone", "device"),
        since="now-3h",
    )


def _online() -> Panel:
    return share(
        both("Pelacak daring", "Trackers online"),
        "Bagian pelacak yang sedang daring. · The share of trackers that are online.",
        online(_TRACKERS),
    )


def _moving() -> Panel:
    return count(
        both("Sedang berjalan", "Moving"),
        "Kendaraan dengan laju di atas 3 km/jam. · Vehicles faster than 3 km/h.",
        how_many("gps", "speed_kmh", _HERE, "> 3"),
        PLAIN,
        NOW,
    )


def _fast() -> Panel:
    return count(
        both("Di atas 80 km/jam", "Above 80 km/h"),
        "Kendaraan yang lajunya di atas 80 km/jam. · Vehicles faster than 80 km/h.",
        how_many("gps", "speed_kmh", _HERE, "> 80"),
        FEW_WANTED,
        NOW,
    )


def _poor() -> Panel:
    return count(
        both("Posisi meragukan", "Doubtful positions"),
        "Pelacak dengan HDOP di atas 5. · Trackers with an HDOP above 5.",
        how_many("gps", "hdop", _HERE, "> 5"),
        FEW_WANTED,
        NOW,
    )


def _map() -> Panel:
    trails = (
        f'SELECT last("lat") AS "lat", last("lon") AS "lon", max("speed_kmh") AS "speed_kmh" FROM "gps" '
        f'WHERE {_HERE} GROUP BY time($__interval), "device" fill(none)'
    )
    places = newest_each("gps", ("lat", "lon", "speed_kmh", "course_deg"), ("device",), _HERE)
    return atlas(
        both("Peta dengan jejak", "Map with trails"),
        "Titik besar: tempat terakhir dengan nama; titik kecil: jejak dalam rentang waktu, berwarna menurut laju. · "
        "Large: last place with its name; small: the trail in the time range, coloured by speed.",
        [Influx(trails, table=True), Influx(places, table=True)],
        Look(unit="velocitykmh", steps=SPEED, link=to_device(), interval="1m", points=TRAIL),
        [
            markers(both("Jejak", "Trails"), "A", color="speed_kmh", size=3),
            markers(both("Kendaraan", "Vehicles"), "B", color="speed_kmh", label="device", size=9),
        ],
    )


def _events() -> Panel:
    return rows(
        both("Pagar wilayah dan laju", "Geofences and speed"),
        "Yang terbaru dalam rentang waktu. · The newest in the time range.",
        [Influx(f'SELECT "name", "severity", "text", "device" FROM "event" WHERE {_HERE} AND "name" =~ {MOVES} '
                "ORDER BY time DESC LIMIT 100", table=True)],
        [
            Column("Time", both("Waktu", "Time"), "dateTimeAsLocal"),
            Column("device", both("Kendaraan", "Vehicle"), link=to_device()),
            Column("severity", both("Tingkat", "Severity"), mappings=SEVERITY),
            Column("text", both("Kejadian", "Event")),
        ],
        Look(empty="— tidak ada · none"),
    )  # fmt: skip


def _vehicles() -> Panel:
    fields = ("speed_kmh", "satellites", "hdop", "accuracy_m", "odometer_m", "battery_percent")
    queries = [
        Influx(newest("presence", ("state", "last_seen_ms", "reasons"), ("device", "agency"), _TRACKERS), table=True),
        Influx(newest_each("gps", fields, ("device",), _HERE), table=True),
    ]  # fmt: skip
    columns = [
        Column("device", both("Kendaraan", "Vehicle"), link=to_device()),
        Column("agency", both("Dinas", "Agency")),
        Column("state", both("Keadaan", "State"), mappings=PRESENCE),
        Column("last_seen_ms", both("Terakhir terdengar", "Last heard"), "dateTimeFromNow"),
        Column("reasons", both("Sebab", "Cause"), width=280),
        Column("speed_kmh", both("Laju", "Speed"), "velocitykmh", SPEED, decimals=0),
        Column("satellites", both("Satelit", "Satellites"), "none", SATELLITES, decimals=0),
        Column("hdop", "HDOP", "none", HDOP, decimals=1),
        Column("accuracy_m", both("Ketelitian", "Accuracy"), "lengthm", METRES, decimals=0),
        Column("odometer_m", both("Odometer", "Odometer"), "lengthm", decimals=0),
    ]
    return rows(
        both("Kendaraan", "Vehicles"),
        "Setiap kendaraan dan mutu posisinya. · Each vehicle and the quality of its position.",
        queries,
        columns,
        Look(span=STATE, transformations=[joined("device")]),
        sort="HDOP",
        falling=True,
    )


def _speed() -> Panel:
    query = f'SELECT max("speed_kmh") FROM "gps" WHERE {_HERE} GROUP BY time($__interval), "agency" fill(null)'
    return graph(
        both("Laju tertinggi menurut dinas", "Highest speed by agency"),
        "Kendaraan tercepat tiap langkah. · The fastest vehicle of each step.",
        [Influx(query, alias="$tag_agency")],
        Look(unit="velocitykmh", steps=SPEED, low=0, interval="1m", points=STEPS),
    )


def _quality() -> Panel:
    query = f'SELECT mean("hdop") FROM "gps" WHERE {_HERE} GROUP BY time($__interval), "profile" fill(null)'
    return graph(
        both("HDOP menurut model", "HDOP by model"),
        "Rata-rata tiap model pelacak; di atas 5 posisinya meragukan. · "
        "The mean of each tracker model; above 5 positions are doubtful.",
        [Influx(query, alias="$tag_profile")],
        Look(unit="none", steps=HDOP, low=0, interval="1m", decimals=1, points=STEPS),
    )
