"""A night in a city as the hub writes it down: lines of every measurement that the dashboards read.

A good night has one incident that is over. In a bad one a site is dark, an uplink is full, cameras are blind, and
incidents are open. Values are drawn from a seeded generator, so that two runs write the same lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

AGENCIES = ("dishub", "diskominfo", "bpbd")
ZONES = ("traffic", "crime", "disaster")
FIELDS = {  # i: a count, f: a small number, p: a percentage, t and b: true and false on a good night
    "cctv": (
        "bitrate_bps={i}i,tx_bytes={i}i,fps={f},recording={t},video_loss={b},storage_used_percent={p},"
        'firmware="1.4",device_temperature_c={p},uptime_s={i}i'
    ),
    "gps": (
        "lat={lat},lon={lon},speed_kmh={p},course_deg={p},satellites=9i,hdop={f},accuracy_m={f},odometer_m={i}i,"
        'ignition=true,battery_percent={p},supply_v=12.4,signal_dbm=-80,firmware="2.0"'
    ),
    "weather": (
        "temperature_c={p},humidity_percent={p},pressure_hpa=1009,rain_mm={f},wind_speed_ms={f},"
        "wind_direction_deg={p},pm25_ugm3={p},battery_percent={p}"
    ),
    "level": "water_level_m={f},distance_mm=900,battery_percent={p},signal_dbm=-70",
    "energy": "voltage_v=228.5,current_a={f},power_w={p},energy_import_kwh={i}.5,frequency_hz=50",
    "ups": (
        "on_battery={b},charge_percent={p},runtime_s={i}i,load_percent={p},input_v=230,output_v=230,"
        "fault={b},replace_battery={b}"
    ),
    "router": "wan_up=true,wan_rx_bytes={i}i,wan_tx_bytes={i}i,cpu_percent={p}",
    "probe": "probe1_c={p}",
    "analog": "channel1_ma=12.5",
}
KINDS = tuple(FIELDS)
DEVICE_KIND = {
    "cctv": "cctv", "gps": "gps", "weather": "sensor", "level": "sensor", "energy": "meter", "ups": "ups",
    "router": "gateway", "probe": "sensor", "analog": "sensor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Night:
    """A night that ends at `end_ns`.

    Attributes:
        hours: how long telemetry goes back.
        step_s: how often each device sends.
        silent_s: how long before the end the hub fell silent.
    """

    end_ns: int
    bad: bool = False
    devices: int = 27
    hours: float = 26.0
    step_s: int = 120
    silent_s: int = 0

    def raw(self) -> Iterator[str]:
        """Yield the lines of the database `cityhub`."""
        random = Random(7)
        start = self.end_ns - int(self.hours * HOUR)
        stop = self.end_ns - self.silent_s * SECOND
        yield from self._hub(start, stop)
        yield from self._uplinks(start, stop, random)
        yield from self._incidents(stop)
        yield from self._events(stop)
        for number in range(self.devices):
            yield from self._device(number, start, stop, random)

    def history(self) -> Iterator[str]:
        """Yield the lines of the database `cityhub_history`."""
        for uplink in range(3):
            tags = f"uplink=up{uplink},site=site{uplink},agency={AGENCIES[uplink]}"
            for hour in range(7 * 24):
                yield f"uplink_hour,{tags} rx_bytes=900i,tx_bytes=800i,peak_bps=5e6 {self.end_ns - hour * HOUR}"
            for day in range(30):
                yield f"uplink_day,{tags} rx_bytes=9000i,tx_bytes=8000i,peak_bps=6e6 {self.end_ns - day * DAY}"
        for number in range(self.devices):
            _, _, tags = self._tags(number)
            for day in range(8):
                yield f"bandwidth_day,{tags} rx_bytes={number}i,tx_bytes=8000i {self.end_ns - day * DAY}"
        for tags in {re.sub(r"(device|profile)=[^,]+,", "", self._tags(number)[2]) for number in range(self.devices)}:
            for hour in range(7 * 24):
                yield f"bandwidth_hour,{tags} rx_bytes=900i,tx_bytes=8000i {self.end_ns - hour * HOUR}"

    def _tags(self, number: int) -> tuple[str, str, str]:
        """Return a device's measurement, its telemetry tags, and the same with the kind."""
        measurement = KINDS[number % len(KINDS)]
        site = number % max(3, self.devices // 20)
        tags = (
            f"agency={AGENCIES[site % 3]},device={measurement}-{number:04d},profile=generic_{measurement},"
            f"site=site{site},zone={ZONES[number % 3]}"
        )
        return measurement, tags, f"{tags},kind={DEVICE_KIND[measurement]}"

    def _device(self, number: int, start: int, stop: int, random: Random) -> Iterator[str]:
        measurement, tags, with_kind = self._tags(number)
        dark = self.bad and number % max(3, self.devices // 20) == 0
        last = stop - 10 * MINUTE if dark else stop
        for time in range(start, last, self.step_s * SECOND):
            yield f"{measurement},{tags} {self._fields(measurement, random)} {time}"
        for time in range(start, last, max(60, self.step_s) * SECOND):
            rx, tx = random.randrange(10**5), random.randrange(10**7)
            rates = f"rx_bps={rx * 8 / 60},tx_bps={tx * 8 / 60}"
            yield f"bandwidth,{with_kind} rx_bytes={rx}i,tx_bytes={tx}i,{rates} {time}"
        limits = f",warning_m={2 + number / 10},critical_m={3 + number / 10}" if measurement == "level" else ""
        yield from self._presence(with_kind, start, stop, limits, dark=dark)

    def _fields(self, measurement: str, random: Random) -> str:
        return FIELDS[measurement].format(
            i=random.randrange(10**6, 4 * 10**6),
            f=round(random.uniform(0, 12 if self.bad else 4), 1),
            p=round(random.uniform(0, 100 if self.bad else 75), 1),
            t=str(not self.bad).lower(),
            b=str(self.bad).lower(),
            lat=-7.39 + random.uniform(-0.05, 0.05),
            lon=109.36 + random.uniform(-0.05, 0.05),
        )

    def _presence(self, tags: str, start: int, stop: int, limits: str, *, dark: bool) -> Iterator[str]:
        for time in range(stop, start, -5 * MINUTE):
            gone = dark and time > stop - 10 * MINUTE
            state, health = ("offline", 0) if gone else ("online", 97)
            reasons = "site without power; last heard 10 minutes ago" if gone else ""
            yield (
                f'presence,{tags} state="{state}",online={int(not gone)}i,lifecycle="active",'
                f"since_ms={start // 10**6}i,last_seen_ms={time // 10**6}i,health={health}i,"
                f'reasons="{reasons}" {time}'
            )
            yield f"inventory,{tags} lat=-7.39,lon=109.36,certificate_days=210i{limits} {time}"

    def _hub(self, start: int, stop: int) -> Iterator[str]:
        for number, time in enumerate(range(start, stop, 10 * SECOND)):
            well = int(not self.bad or number % 3 != 0)
            yield (
                f"hub,hub=hub1 messages={number * 100}i,points_stored={number * 99}i,points_spooled={number * 100}i,"
                f"spool_points={number % 50}i,spool_bytes={number % 50}00i,rejected={number}i,"
                f"write_failures={number // 9}i,devices={self.devices}i,modbus_polls={number * 5}i,"
                f"modbus_late={number // 50}i,modbus_failed={number // 90}i,"
                f"certificates_expiring_7d=0i,certificates_expiring_30d=2i,messages_per_s=10.0,modbus_lateness_ms=12.5,"
                f'well={well}i,problems="{"" if well else "InfluxDB is slow"}" {time}'
            )
            if self.bad:
                yield f"rejected,hub=hub1,reason=bad_payload count={number}i {time}"

    def _uplinks(self, start: int, stop: int, random: Random) -> Iterator[str]:
        for number in range(3):
            tags = f"uplink=up{number},site=site{number},agency={AGENCIES[number]}"
            used = 96.0 if self.bad and number == 0 else 30.0
            state = "saturated" if used > 90 else "ok"
            for time in range(start, stop, MINUTE):
                sent = random.randrange(10**7)
                yield (
                    f"uplink,{tags} rx_bytes={sent}i,tx_bytes={sent}i,rx_bps={sent / 60},tx_bps={sent / 60},"
                    f"capacity_bps=20000000i,used_percent={used},attributed_bytes={sent}i,"
                    f'unattributed_bytes={sent // 5}i,state="{state}" {time}'
                )
            for time in range(start, stop, HOUR):
                cost = f'bytes=90000000000i,rupiah=1500000i,month="2026-11" {time}'
                yield f"cost,agency={AGENCIES[number]},uplink=up{number},site=site{number} {cost}"

    def _incidents(self, stop: int) -> Iterator[str]:
        yield incident("i0", "warning", "site1", stop - 3 * HOUR, time=stop - 4 * MINUTE, closed=True)
        if not self.bad:
            return
        for name, severity, site in (("i1", "critical", "site0"), ("i2", "warning", "site0"), ("i3", "info", "site2")):
            for time in range(stop - 10 * MINUTE, stop, 5 * MINUTE):
                yield incident(name, severity, site, stop - 10 * MINUTE, time=time)

    def _events(self, stop: int) -> Iterator[str]:
        for number in range(self.devices):
            _, tags, _ = self._tags(number)
            fields = 'name="overspeed",severity="warning",text="91 km/h where 60 are allowed"'
            yield f"event,{tags} {fields} {stop - number * MINUTE}"


def incident(name: str, severity: str, site: str, opened: int, *, time: int, closed: bool = False) -> str:  # noqa: PLR0913 - a line is what all of these say
    """Return a line of an incident."""
    tags = f"incident={name},kind=site_dark,severity={severity},agency=dishub,site={site}"
    times = f"opened_ms={opened // 10**6}i,closed_ms={time // 10**6 if closed else 0}i"
    state = f'state="{"closed" if closed else "open"}",open={int(not closed)}i'
    call = 'contact="Budi",phone="+62 812 0000"'
    return f'incident,{tags} {state},text="{site} has no power",devices=4i,{times},{call} {time}'
