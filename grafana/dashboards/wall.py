"""The city on the wall: 1920 by 1080 without scrolling, legible from five metres, one click from whom to call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import Influx, Live, counted, newest, online, where
from grafana.dashboards.maps import atlas, markers
from grafana.dashboards.page import Row, page, to_device, to_site
from grafana.dashboards.panels import (
    ALIVE,
    STATE,
    Look,
    Text,
    bars,
    count,
    graph,
    joined,
    merged,
    numbers,
    share,
    styled,
)
from grafana.dashboards.signs import (
    BAD,
    CALM,
    FEW_WANTED,
    GOOD,
    NONE_WANTED,
    NOTHING,
    ONLINE,
    PRESENCE,
    SOME_WANTED,
    USE,
    WARN,
    WELL,
    both,
    within,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

HUGE: Final = Text(title=28, value=64)
LARGE: Final = Text(title=24, value=40)
READABLE: Final = Text(title=22, value=28)
"""The smallest writing on the wall, in pixels: 19 mm on a screen of 55 inches."""
LISTED: Final = 3
"""Incidents listed of each severity."""
_PLACE: Final = ("agency", "site", "zone", "kind")
_INCIDENT: Final = where("agency", "site")


def wall() -> Dashboard:
    """Return the dashboard."""
    rows: list[Row] = [
        (5, [(4, _fresh()), (4, _hub()), (4, _open("critical")), (4, _open("warning")), (4, _online()), (4, _pace())]),
        (12, [(14, _map()), (10, _incidents())]),
        (9, [(6, _by("kind")), (6, _by("zone")), (6, _uplinks()), (6, _bandwidth())]),
    ]
    return page(
        "wall",
        both("Dinding kota", "City wall"),
        "Seluruh kota sekarang, untuk dinding ruang kendali. · The whole city now, for the control room's wall.",
        rows,
        shows=("agency", "site", "zone", "kind"),
        since="now-1h",
        refresh="30s",
    )


def _fresh() -> Panel:
    query = 'SELECT count("well") FROM "hub" WHERE $timeFilter'
    return numbers(
        both("Umur data", "Data age"),
        "SEGAR bila hub menulis dalam satu menit terakhir. · FRESH when the hub has written within the last minute.",
        [Influx(query, alias="hub")],
        Look(steps=SOME_WANTED, span=ALIVE, mappings=[within(1, 1_000_000, "● SEGAR · FRESH", GOOD)]),
        text=LARGE,
    )


def _hub() -> Panel:
    return numbers(
        both("Hub", "Hub"),
        "Kesehatan hub menurut dirinya sendiri. · The hub's health as it judges itself.",
        [Influx('SELECT last("well") FROM "hub" WHERE $timeFilter', alias="hub")],
        Look(steps=SOME_WANTED, span=ALIVE, mappings=WELL, link="/d/cityhub-hub?${__url_time_range}"),
        text=LARGE,
    )


def _open(severity: str) -> Panel:
    name, steps = {
        "critical": (both("‼ Kritis", "critical"), NONE_WANTED),
        "warning": (both("! Peringatan", "warnings"), FEW_WANTED),
    }[severity]
    inner = newest("incident", ("open",), ("incident",), f"{_INCIDENT} AND \"severity\" = '{severity}'")
    return count(
        name,
        "Insiden terbuka dengan tingkat ini. · Open incidents of this severity.",
        counted(inner, "open"),
        steps,
        text=HUGE,
    )


def _online() -> Panel:
    return share(
        both("Perangkat daring", "Devices online"),
        "Bagian perangkat yang sedang daring. · The share of devices that are online.",
        online(where(*_PLACE)),
        HUGE,
    )


def _pace() -> Panel:
    return numbers(
        both("Pesan per detik, langsung", "Messages per second, live"),
        "Pesan yang diterima hub, berganti tiap detik. · Messages that the hub takes, renewed each second.",
        [Live("health")],
        Look(unit="none", decimals=0, empty="Live mati · Live is off"),
        fields="messages_per_s",
        text=HUGE,
    )


def _map() -> Panel:
    states = newest("presence", ("state", "health", "reasons"), ("device", "site"), where(*_PLACE))
    places = newest("inventory", ("lat", "lon"), ("device",), where(*_PLACE))
    return atlas(
        both("Peta", "Map"),
        "Setiap perangkat yang tempatnya terdaftar, dengan kata keadaannya. · "
        "Each device whose place is registered, with the word of its state.",
        [Influx(states, table=True), Influx(places, table=True)],
        Look(span=STATE, mappings=PRESENCE, link=to_device(), transformations=[joined("device", "inner")]),
        [markers(both("Perangkat", "Devices"), "", color="state", label="state", size=8)],
    )


def _incidents() -> Panel:
    severities = {
        "critical": ("‼ KRITIS · CRITICAL", BAD),
        "warning": ("! PERINGATAN · WARNING", WARN),
        "info": ("i INFO", CALM),
    }
    looks = [
        styled(
            "byFrameRefID",
            ref,
            displayName=f"{word} — ${{__data.fields.site}}",
            color={"mode": "fixed", "fixedColor": color},
        )
        for ref, (word, color) in zip("ABC", severities.values(), strict=True)
    ]
    return numbers(
        both("Insiden terbuka", "Open incidents"),
        "Yang terbaru dari tiap tingkat; klik menuju perangkat di lokasi itu dan siapa yang dihubungi. · "
        "The newest of each severity; a click leads to the devices of the site and whom to call.",
        [Influx(_listed(severity), table=True) for severity in severities],
        Look(unit="string", span=STATE, empty=NOTHING, overrides=looks, link=to_site()),
        fields="/^text$/",
        rows=3 * LISTED,
        text=READABLE,
    )


def _listed(severity: str) -> str:
    condition = f"{_INCIDENT} AND \"severity\" = '{severity}'"
    inner = newest("incident", ("open", "text"), ("incident", "site"), condition)
    return f'SELECT "text", "site" FROM ({inner}) WHERE "open" = 1 ORDER BY time DESC LIMIT {LISTED}'


def _by(tag: str) -> Panel:
    inner = newest("presence", ("online",), ("device", tag), where(*_PLACE))
    columns = 'mean("online") * 100 AS "percent", sum("online") AS "online", count("online") AS "total"'
    titles = {
        "kind": both("Daring menurut jenis", "Online by kind"),
        "zone": both("Daring menurut zona", "Online by zone"),
    }
    return bars(
        titles[tag],
        "Perangkat daring dari semuanya. · Devices online of all there are.",
        [Influx(f'SELECT {columns} FROM ({inner}) GROUP BY "{tag}"', table=True)],
        Look(
            unit="percent", steps=ONLINE, span=STATE, decimals=0, low=0, high=100,
            name=f"${{__data.fields.{tag}}} ${{__data.fields.online}}/${{__data.fields.total}}",
        ),
        fields="/^percent$/",
        rows=8,
        text=READABLE,
    )  # fmt: skip


def _uplinks() -> Panel:
    inner = newest("uplink", ("used_percent",), ("uplink",), where("agency", "site"))
    return bars(
        both("Uplink menurut pemakaian", "Uplinks by use"),
        "Delapan uplink yang paling penuh, arah yang lebih sibuk. · The eight fullest, in their busier direction.",
        [Influx(f'SELECT top("used_percent", "uplink", 8) AS "used" FROM ({inner})', table=True)],
        Look(
            unit="percent", steps=USE, span=STATE, decimals=0, low=0, high=100, name="${__data.fields.uplink}",
            link="/d/cityhub-bandwidth?${__url_time_range}", transformations=merged("used", falling=True),
        ),
        fields="/^used$/",
        rows=8,
        text=READABLE,
    )  # fmt: skip


def _bandwidth() -> Panel:
    names = {"rx_bps": both("masuk", "in"), "tx_bps": both("keluar", "out")}
    looks = [styled("byName", field, displayName=name) for field, name in names.items()]
    return graph(
        both("Lalu lintas kota, langsung", "City traffic, live"),
        "Yang terukur di semua uplink, berganti tiap detik. · What is measured on all uplinks, renewed each second.",
        [Live("bandwidth")],
        Look(unit="bps", empty="Live mati · Live is off", overrides=looks),
    )
