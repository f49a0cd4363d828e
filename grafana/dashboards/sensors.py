"""Rivers, weather, energy, UPSes and batteries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from grafana.dashboards.influx import DEVICES, HIGHEST, MEAN, Influx, band, newest_each, where
from grafana.dashboards.page import Row, page, to_device
from grafana.dashboards.panels import STATE, STEPS, Column, Look, bars, computed, graph, joined, merged, rows, styled
from grafana.dashboards.signs import BAD, GOOD, LEFT, NOTICE, TROUBLE, USE, WARN, both, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, ThresholdsConfig

    from grafana.dashboards.influx import Query

_HERE: Final = where(*DEVICES)
OVER_WARNING: Final = steps(GOOD, (0, WARN))
OVER_CRITICAL: Final = steps(GOOD, (0, BAD))
WARNING: Final = both("batas peringatan", "warning level")
CRITICAL: Final = both("batas kritis", "critical level")
VOLTS: Final = steps(BAD, (198, WARN), (209, GOOD), (242, WARN), (253, BAD))
"""230 V, within 5 %, within 10 % (SPLN 1:1995 asks for +5 % and -10 %)."""
DUST: Final = steps(GOOD, (15.5, NOTICE), (55.4, WARN), (150.4, BAD))
"""PM2.5, ug/m3: the limits between the classes of Indonesia's ISPU (Permen LHK 14/2020)."""
RAIN: Final = steps(GOOD, (20, NOTICE), (50, WARN), (100, BAD))
"""Millimetres a day: moderate, heavy and very heavy rain, as BMKG calls them."""
LISTED: Final = 12
NO_LIMITS: Final = both("— batas belum diatur", "no limits set")
SECONDS: Final = steps(BAD, (300, WARN), (900, GOOD))
MILLIAMPERE: Final = steps(BAD, (3.6, GOOD), (21, BAD))
"""NAMUR NE 43: outside of these the loop is broken."""


def sensors() -> Dashboard:
    """Return the dashboard."""
    grid: list[Row] = [
        (9, [(6, _levels()), (9, _limits()), (9, _river())]),
        (8, [(8, _temperature()), (8, _rain()), (8, _wind())]),
        (8, [(8, _dust()), (8, _humidity()), (8, _probes())]),
        (9, [(12, _power()), (12, _voltage())]),
        (9, [(9, _energy()), (15, _ups())]),
        (9, [(8, _charge()), (8, _batteries()), (8, _loops())]),
    ]
    return page(
        "sensors",
        both("Sensor dan daya", "Sensors and power"),
        "Sungai, cuaca, energi, UPS dan baterai. · Rivers, weather, energy, UPSes and batteries.",
        grid,
        shows=("agency", "site", "zone", "device"),
        since="now-24h",
        refresh="1m",
    )


def _levels() -> Panel:
    inner = f'SELECT last("water_level_m") AS "level" FROM "level" WHERE {_HERE} GROUP BY "device"'
    return _devices(
        both("Tinggi muka air", "River levels"),
        "Dua belas yang tertinggi sekarang, di atas nol alat. · The twelve highest now, above the gauge's zero.",
        [Influx(f'SELECT top("level", "device", {LISTED}) AS "level" FROM ({inner})', table=True)],
        "level",
        Look(unit="lengthm", span=STATE, decimals=2, low=0, transformations=merged("level", falling=True)),
    )


def _limits() -> Panel:
    """Only gauges that have both a level and limits: a column computed of nothing would be a claim."""
    above_warning = both("Di atas peringatan", "Above warning")
    queries = [
        Influx(newest_each("level", ("water_level_m",), ("device",), _HERE), table=True),
        Influx(newest_each("inventory", ("warning_m", "critical_m"), ("device",), _HERE), table=True),
    ]
    margins = [
        computed("water_level_m", "-", "warning_m", "over_warning"),
        computed("water_level_m", "-", "critical_m", "over_critical"),
    ]
    return rows(
        both("Sungai terhadap batasnya", "Rivers against their limits"),
        "Batas tiap alat dari pengaturan hub, [health] river; alat tanpa batas tidak ada di sini. · "
        "The limits of each gauge from the hub's settings, [health] river; gauges without are not listed.",
        queries,
        [
            Column("device", both("Alat", "Gauge"), link=to_device()),
            Column("water_level_m", both("Muka air", "Level"), "lengthm", decimals=2),
            Column("over_warning", above_warning, "lengthm", OVER_WARNING, decimals=2),
            Column("over_critical", both("Di atas kritis", "Above critical"), "lengthm", OVER_CRITICAL, decimals=2),
            Column("warning_m", both("Peringatan", "Warning"), "lengthm", decimals=2),
            Column("critical_m", both("Kritis", "Critical"), "lengthm", decimals=2),
        ],
        Look(span=STATE, empty=NO_LIMITS, transformations=[joined("device", "inner"), *margins]),
        sort=above_warning,
        falling=True,
    )


def _river() -> Panel:
    level = Influx(band("water_level_m", "level", _HERE), alias="$col")
    limits = (
        f'SELECT max("warning_m") AS "{WARNING}", spread("warning_m") AS "w", '
        f'max("critical_m") AS "{CRITICAL}", spread("critical_m") AS "c" '
        f'FROM "inventory" WHERE {_HERE} GROUP BY time($__interval) fill(none)'
    )
    shared = Influx(f'SELECT "{WARNING}", "{CRITICAL}" FROM ({limits}) WHERE "w" = 0 AND "c" = 0', alias="$col")
    dashed = {"custom__lineStyle": {"fill": "dash", "dash": [10, 10]}, "custom__spanNulls": True}
    looks = [
        styled("byName", name, color={"mode": "fixed", "fixedColor": color}, **dashed)
        for name, color in ((WARNING, WARN), (CRITICAL, BAD))
    ]
    return graph(
        both("Muka air", "Water level"),
        "Garis putus: batas dari pengaturan hub, bila alat yang dipilih memiliki batas yang sama. · "
        "Dashed: the limits of the hub's settings, where the gauges that are chosen share them.",
        [level, shared],
        Look(unit="lengthm", interval="1m", points=STEPS, overrides=looks),
    )


def _temperature() -> Panel:
    about = "Suhu udara, terendah sampai tertinggi. · Air temperature, lowest to highest."
    return _of(both("Suhu", "Temperature"), about, "weather", "temperature_c", "celsius")


def _rain() -> Panel:
    each = f'SELECT sum("rain_mm") AS "mm" FROM "weather" WHERE {_HERE} GROUP BY time(1h), "device" fill(none)'
    query = f'SELECT mean("mm") AS "{MEAN}", max("mm") AS "{HIGHEST}" FROM ({each}) GROUP BY time(1h) fill(none)'
    return graph(
        both("Hujan per jam", "Rain an hour"),
        "Curah hujan tiap jam, rata-rata dan stasiun terbasah. · Rain of each hour, the mean and the wettest station.",
        [Influx(query, alias="$col")],
        Look(unit="lengthmm", steps=RAIN, low=0, decimals=1, interval="1h"),
        bar=True,
    )


def _wind() -> Panel:
    about = "Laju angin. · Wind speed."
    return _of(both("Angin", "Wind"), about, "weather", "wind_speed_ms", "velocityms")


def _dust() -> Panel:
    about = "Debu halus dengan batas ISPU. · Fine dust with the limits of ISPU."
    return _of("PM2.5", about, "weather", "pm25_ugm3", "conμgm3", DUST)


def _humidity() -> Panel:
    about = "Kelembapan nisbi. · Relative humidity."
    return _of(both("Kelembapan", "Humidity"), about, "weather", "humidity_percent", "humidity")


def _probes() -> Panel:
    about = "Probe pertama tiap alat. · The first probe of each device."
    return _of(both("Suhu probe", "Probe temperature"), about, "probe", "probe1_c", "celsius")


def _power() -> Panel:
    about = "Daya aktif; negatif bila mengirim balik. · Active power; negative when fed back."
    return _of(both("Daya", "Power"), about, "energy", "power_w", "watt")


def _voltage() -> Panel:
    about = "Tegangan fasa ke netral. · Voltage, line to neutral."
    return _of(both("Tegangan", "Voltage"), about, "energy", "voltage_v", "volt", VOLTS)


def _energy() -> Panel:
    inner = f'SELECT spread("energy_import_kwh") AS "kwh" FROM "energy" WHERE {_HERE} GROUP BY "device"'
    return _devices(
        both("Energi dalam rentang waktu", "Energy in the time range"),
        "Selisih penghitung, dua belas yang terbesar. · What the counters advanced, the twelve largest.",
        [Influx(f'SELECT top("kwh", "device", {LISTED}) AS "kwh" FROM ({inner})', table=True)],
        "kwh",
        Look(unit="kwatth", low=0, decimals=1, transformations=merged("kwh", falling=True)),
    )


def _ups() -> Panel:
    fields = ("on_battery", "charge_percent", "runtime_s", "load_percent", "input_v", "fault", "replace_battery")
    return rows(
        "UPS",
        "Keadaan terbaru setiap UPS, muatan terendah dahulu. · The newest state of each UPS, lowest charge first.",
        [Influx(newest_each("ups", fields, ("device", "site"), _HERE), table=True)],
        [
            Column("device", "UPS", link=to_device()),
            Column("site", both("Lokasi", "Site")),
            Column("on_battery", both("Baterai dipakai", "On battery"), mappings=TROUBLE),
            Column("charge_percent", both("Muatan", "Charge"), "percent", LEFT, decimals=0),
            Column("runtime_s", both("Tahan", "Runtime"), "s", SECONDS),
            Column("load_percent", both("Beban", "Load"), "percent", USE, decimals=0),
            Column("input_v", both("Masukan", "Input"), "volt", VOLTS, decimals=0),
            Column("fault", both("Rusak", "Fault"), mappings=TROUBLE),
            Column("replace_battery", both("Ganti baterai", "Replace battery"), mappings=TROUBLE),
        ],
        Look(span=STATE),
        sort=both("Muatan", "Charge"),
    )


def _charge() -> Panel:
    about = "Muatan baterai UPS. · Charge of the UPSes' batteries."
    return _of(both("Muatan UPS", "UPS charge"), about, "ups", "charge_percent", "percent", LEFT)


def _batteries() -> Panel:
    def lowest(measurement: str) -> Influx:
        found = f'SELECT last("battery_percent") AS "charge" FROM "{measurement}" WHERE {_HERE} GROUP BY "device"'
        return Influx(f'SELECT bottom("charge", "device", {LISTED}) AS "charge" FROM ({found})', table=True)

    return _devices(
        both("Baterai perangkat terlemah", "Weakest device batteries"),
        "Dua belas muatan terendah. · The twelve lowest charges.",
        [lowest(measurement) for measurement in ("gps", "weather", "level")],
        "charge",
        Look(
            unit="percent", steps=LEFT, span="1h", low=0, high=100, decimals=0,
            transformations=merged("charge", LISTED),
        ),
    )  # fmt: skip


def _loops() -> Panel:
    about = "Arus lingkar pertama; di bawah 3,6 mA putus. · Current in loop 1; below 3.6 mA it is broken."
    return _of(both("Lingkar 4–20 mA", "4–20 mA loops"), about, "analog", "channel1_ma", "mamp", MILLIAMPERE)


def _devices(title: str, about: str, queries: Sequence[Query], field: str, look: Look) -> Panel:
    """Return bars of a few devices; a city may have thousands."""
    named = replace(look, name="${__data.fields.device}", link=to_device())
    return bars(title, about, queries, named, fields=f"/^{field}$/", rows=LISTED)


def _of(
    title: str, about: str, measurement: str, field: str, unit: str, limits: ThresholdsConfig | None = None
) -> Panel:
    """Return the graph of a reading: the range of all devices that are chosen, which is one line for one device."""
    query = Influx(band(field, measurement, _HERE), alias="$col")
    look = Look(unit=unit, interval="1m", points=STEPS)
    if limits:
        look = replace(look, steps=limits)
    return graph(title, about, [query], look)
