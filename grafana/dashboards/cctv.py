"""Cameras: do they send, as much as they should, and is it kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import DEVICES, Influx, counted, newest, newest_each, over_time, where
from grafana.dashboards.page import Row, page, to_device
from grafana.dashboards.panels import STATE, TOTAL, Column, Look, added_up, graph, joined, numbers, ratio, rows
from grafana.dashboards.signs import (
    FEW_WANTED,
    GOOD,
    HEALTH,
    NONE_WANTED,
    NOTICE,
    ONLINE,
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

    from grafana.dashboards.influx import Query

_HERE: Final = where(*DEVICES)
_CAMERAS: Final = where(*DEVICES, also="\"kind\" = 'cctv'")
_YESTERDAY: Final = "time > now() - 1455m AND time < now() - 1425m"


def cctv() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (4, [(6, _online()), (6, _lost()), (6, _not_recording()), (6, _full())]),
        (12, [(24, _cameras())]),
        (9, [(12, _rate("site")), (12, _rate("agency"))]),
        (9, [(12, _frames()), (12, _storage())]),
    ]
    return page(
        "cctv",
        both("CCTV", "CCTV"),
        "Kesehatan aliran gambar setiap kamera. · The health of each camera's stream.",
        grid,
        shows=("agency", "site", "zone", "device"),
    )


def _online() -> Panel:
    inner = newest("presence", ("online",), ("device",), _CAMERAS)
    return numbers(
        both("Kamera daring", "Cameras online"),
        "Bagian kamera yang sedang daring. · The share of cameras that are online.",
        [Influx(f'SELECT mean("online") * 100 FROM ({inner})', alias="online")],
        Look(unit="percent", steps=ONLINE, span=STATE, decimals=1, low=0, high=100),
    )


def _lost() -> Panel:
    return numbers(
        both("Tanpa gambar", "Without picture"),
        "Kamera yang melaporkan kehilangan gambar. · Cameras that report video loss.",
        _how_many("video_loss", "true"),
        Look(steps=NONE_WANTED, span=STATE, decimals=0, transformations=added_up()),
        fields=TOTAL,
    )


def _not_recording() -> Panel:
    return numbers(
        both("Tidak merekam", "Not recording"),
        "Kamera yang melaporkan bahwa tidak ada rekaman. · Cameras that report that nothing is recorded.",
        _how_many("recording", "false"),
        Look(steps=NONE_WANTED, span=STATE, decimals=0, transformations=added_up()),
        fields=TOTAL,
    )


def _full() -> Panel:
    inner = f'SELECT last("storage_used_percent") AS "used" FROM "cctv" WHERE {_HERE} GROUP BY "device"'
    return numbers(
        both("Penyimpanan di atas 90 %", "Storage above 90 %"),
        "Kamera yang penyimpanannya hampir penuh. · Cameras whose storage is nearly full.",
        counted(f'SELECT count("used") AS "n" FROM ({inner}) WHERE "used" > 90', "n"),
        Look(steps=FEW_WANTED, span=STATE, decimals=0, transformations=added_up()),
        fields=TOTAL,
    )


def _how_many(field: str, value: str) -> list[Query]:
    inner = f'SELECT last("{field}") AS "{field}" FROM "cctv" WHERE {_HERE} GROUP BY "device"'
    return counted(f'SELECT count("{field}") AS "n" FROM ({inner}) WHERE "{field}" = {value}', "n")


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
    look = Look(span=STATE, transformations=[joined("device"), ratio("bitrate", "usual", "expected")])
    return rows(
        both("Kamera, yang terburuk dahulu", "Cameras, worst first"),
        "Laju bit dibandingkan dengan jam yang sama kemarin; klik kamera untuk halamannya. · "
        "Bit rate against the same hour yesterday; click a camera for its page.",
        queries,
        columns,
        look,
        sort=both("Kesehatan", "Health"),
    )


EXPECTED: Final = steps(WARN, (0.5, NOTICE), (0.75, GOOD), (1.5, NOTICE))
FRAMES: Final = steps(WARN, (5, NOTICE), (10, GOOD))


def _rate(tag: str) -> Panel:
    inner = (
        f'SELECT mean("bitrate_bps") AS "bps" FROM "cctv" WHERE {_HERE} GROUP BY time($__interval), "device", "{tag}"'
    )
    titles = {"site": both("Laju bit menurut lokasi", "Bit rate by site")}
    return graph(
        titles.get(tag, both("Laju bit menurut dinas", "Bit rate by agency")),
        "Jumlah laju bit semua kamera. · The sum of all cameras' bit rates.",
        [
            Influx(
                f'SELECT sum("bps") FROM ({inner}) GROUP BY time($__interval), "{tag}" fill(null)', alias=f"$tag_{tag}"
            )
        ],
        Look(unit="bps", low=0, interval="1m"),
        stacked=True,
    )


def _frames() -> Panel:
    return graph(
        both("Bingkai per detik menurut lokasi", "Frames per second by site"),
        "Rata-rata semua kamera di lokasi. · The mean of all cameras of the site.",
        [Influx(over_time("fps", "cctv", _HERE, "site"), alias="$tag_site")],
        Look(unit="none", steps=FRAMES, low=0, interval="1m", decimals=1),
    )


def _storage() -> Panel:
    return graph(
        both("Penyimpanan terpakai menurut lokasi", "Storage in use by site"),
        "Kamera yang paling penuh di lokasi. · The fullest camera of the site.",
        [Influx(over_time("storage_used_percent", "cctv", _HERE, "site", "max"), alias="$tag_site")],
        Look(unit="percent", steps=USE, low=0, high=100, interval="1m"),
    )
