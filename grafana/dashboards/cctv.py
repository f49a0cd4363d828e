"""Cameras: do they send, as much as they should, and is it kept?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import DEVICES, Influx, how_many, newest, newest_each, online, over_time, where
from grafana.dashboards.page import Row, page, to_device, to_site
from grafana.dashboards.panels import (
    STATE,
    STEPS,
    Column,
    Look,
    bars,
    computed,
    count,
    graph,
    joined,
    merged,
    rows,
    share,
)
from grafana.dashboards.signs import (
    FEW_WANTED,
    GOOD,
    HEALTH,
    NONE_WANTED,
    NOTICE,
    PRESENCE,
    TROUBLE,
    USE,
    WANTED,
    WARN,
    both,
    steps,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel


_HERE: Final = where(*DEVICES)
_CAMERAS: Final = where(*DEVICES, also="\"kind\" = 'cctv'")
_YESTERDAY: Final = "time > now() - 1455m AND time < now() - 1425m"


def cctv() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (4, [(6, _online()), (6, _lost()), (6, _not_recording()), (6, _full())]),
        (12, [(24, _cameras())]),
        (9, [(14, _rate()), (10, _rate_by_site())]),
        (9, [(10, _frames()), (7, _frames_by_site()), (7, _storage())]),
    ]
    return page(
        "cctv",
        both("CCTV", "CCTV"),
        "Kesehatan aliran gambar setiap kamera. · The health of each camera's stream.",
        grid,
        shows=("agency", "site", "zone", "device"),
    )


def _online() -> Panel:
    return share(
        both("Kamera daring", "Cameras online"),
        "Bagian kamera yang sedang daring. · The share of cameras that are online.",
        online(_CAMERAS),
    )


def _lost() -> Panel:
    return count(
        both("Tanpa gambar", "Without picture"),
        "Kamera yang melaporkan kehilangan gambar. · Cameras that report video loss.",
        how_many("cctv", "video_loss", _HERE, "= true"),
        NONE_WANTED,
    )


def _not_recording() -> Panel:
    return count(
        both("Tidak merekam", "Not recording"),
        "Kamera yang melaporkan bahwa tidak ada rekaman. · Cameras that report that nothing is recorded.",
        how_many("cctv", "recording", _HERE, "= false"),
        NONE_WANTED,
    )


def _full() -> Panel:
    return count(
        both("Penyimpanan di atas 90 %", "Storage above 90 %"),
        "Kamera yang penyimpanannya hampir penuh. · Cameras whose storage is nearly full.",
        how_many("cctv", "storage_used_percent", _HERE, "> 90"),
        FEW_WANTED,
    )


def _cameras() -> Panel:
    now = ("fps", "video_loss", "recording", "storage_used_percent")
    yesterday = " AND ".join([_YESTERDAY, *where(*DEVICES).split(" AND ")[1:]])
    queries = [
        Influx(newest("presence", ("health", "state", "reasons"), ("device", "site", "agency"), _CAMERAS), table=True),
        Influx(newest_each("cctv", now, ("device",), _HERE), table=True),
        Influx(f'SELECT mean("bitrate_bps") AS "bitrate" FROM "cctv" WHERE {_HERE} GROUP BY "device"', table=True),
        Influx(f'SELECT mean("bitrate_bps") AS "usual" FROM "cctv" WHERE {yesterday} GROUP BY "device"', table=True),
    ]
    columns = [
        Column("device", both("Kamera", "Camera"), link=to_device()),
        Column("site", both("Lokasi", "Site")),
        Column("agency", both("Dinas", "Agency")),
        Column("state", both("Keadaan", "State"), mappings=PRESENCE, width=170),
        Column("health", both("Kesehatan", "Health"), "percent", HEALTH, decimals=0),
        Column("reasons", both("Sebab", "Cause"), width=320),
        Column("bitrate", both("Laju bit", "Bit rate"), "bps"),
        Column("expected", both("Dari biasanya", "Of usual"), "percentunit", EXPECTED, decimals=0),
        Column("fps", both("Bingkai/detik", "Frames/s"), "none", FRAMES, decimals=1),
        Column("video_loss", both("Tanpa gambar", "Video loss"), mappings=TROUBLE),
        Column("recording", both("Merekam", "Recording"), mappings=WANTED),
        Column("storage_used_percent", both("Penyimpanan", "Storage"), "percent", USE, decimals=0),
    ]
    look = Look(span=STATE, transformations=[joined("device"), computed("bitrate", "/", "usual", "expected")])
    return rows(
        both("Kamera, yang terburuk dahulu", "Cameras, worst first"),
        "Laju bit dibandingkan dengan jam yang sama kemarin; klik kamera untuk halamannya. · "
        "Bit rate against the same hour yesterday; click a camera for its page.",
        queries,
        columns,
        look,
        sort=both("Kesehatan", "Health"),
    )


LISTED: Final = 12
"""Sites in a list."""
EXPECTED: Final = steps(WARN, (0.5, NOTICE), (0.75, GOOD), (1.5, NOTICE))
FRAMES: Final = steps(WARN, (5, NOTICE), (10, GOOD))


def _rate() -> Panel:
    return graph(
        both("Laju bit per kamera menurut dinas", "Bit rate of a camera by agency"),
        "Rata-rata semua kamera yang mengirim. · The mean of all cameras that send.",
        [Influx(over_time("bitrate_bps", "cctv", _HERE, "agency"), alias="$tag_agency")],
        Look(unit="bps", low=0, interval="1m", points=STEPS),
    )


def _rate_by_site() -> Panel:
    each = f'SELECT mean("bitrate_bps") AS "bps" FROM "cctv" WHERE {_HERE} GROUP BY "device", "site"'
    query = (
        f'SELECT top("bps", "site", {LISTED}) AS "bps" FROM (SELECT sum("bps") AS "bps" FROM ({each}) GROUP BY "site")'
    )
    return _sites(
        both("Laju bit menurut lokasi", "Bit rate by site"),
        "Jumlah semua kamera, yang terbesar dahulu. · The sum of all cameras, the largest first.",
        query,
        "bps",
        Look(unit="bps", span=STATE, low=0, transformations=merged("bps", falling=True)),
    )


def _frames() -> Panel:
    return graph(
        both("Bingkai per detik menurut dinas", "Frames per second by agency"),
        "Rata-rata semua kamera. · The mean of all cameras.",
        [Influx(over_time("fps", "cctv", _HERE, "agency"), alias="$tag_agency")],
        Look(unit="none", steps=FRAMES, low=0, interval="1m", decimals=1, points=STEPS),
    )


def _frames_by_site() -> Panel:
    each = f'SELECT mean("fps") AS "fps" FROM "cctv" WHERE {_HERE} GROUP BY "site"'
    return _sites(
        both("Bingkai per detik menurut lokasi", "Frames per second by site"),
        "Yang terendah dahulu. · The lowest first.",
        f'SELECT bottom("fps", "site", {LISTED}) AS "fps" FROM ({each})',
        "fps",
        Look(unit="none", span=STATE, steps=FRAMES, low=0, decimals=1, transformations=merged("fps")),
    )


def _storage() -> Panel:
    each = f'SELECT max("storage_used_percent") AS "used" FROM "cctv" WHERE {_HERE} GROUP BY "site"'
    return _sites(
        both("Penyimpanan menurut lokasi", "Storage by site"),
        "Kamera yang paling penuh di lokasi, yang terpenuh dahulu. · The fullest camera of a site, the fullest first.",
        f'SELECT top("used", "site", {LISTED}) AS "used" FROM ({each})',
        "used",
        Look(unit="percent", span=STATE, steps=USE, low=0, high=100, transformations=merged("used", falling=True)),
    )


def _sites(title: str, about: str, query: str, field: str, look: Look) -> Panel:
    """Return bars of a few sites; a city may have hundreds."""
    named = replace(look, name="${__data.fields.site}", link=to_site())
    return bars(title, about, [Influx(query, table=True)], named, fields=f"/^{field}$/", rows=LISTED)
