"""The insides of the simulated devices: cameras, vehicles, weather stations, river gauges. Pure and seeded."""

from __future__ import annotations

from math import cos, exp, pi
from typing import ClassVar, Final, assert_never

from hub.sim.geography import Point, course_deg, distance_m
from hub.sim.plan import CameraPlan, DevicePlan, ModelPlan, RiverPlan, TrackerPlan, WeatherPlan
from hub.sim.units import SECOND_NS, Event, Inside, Sample, Unit, hour_of_day

SIAGA: Final = ((250.0, "Siaga 1", "critical"), (150.0, "Siaga 2", "warning"), (80.0, "Siaga 3", "info"))
"""Flood alert levels of a river: from how many centimetres above the usual level, name, severity; the highest first."""

CREST_S: Final = 90.0
"""From a flood's beginning to its highest."""


def build(plan: DevicePlan, start_ns: int) -> Unit:
    """Return the inside of a device."""
    match plan.model:
        case CameraPlan() as camera:
            return Camera(camera, plan.seed, start_ns)
        case TrackerPlan() as tracker:
            return Tracker(tracker, plan.seed, start_ns)
        case WeatherPlan() as station:
            return WeatherStation(station, plan.seed, start_ns)
        case RiverPlan() as gauge:
            return RiverGauge(gauge, plan.seed, start_ns)
        case _:
            assert_never(plan.model)


def measurements_of(model: ModelPlan) -> tuple[str, ...]:
    """Return where the hub stores a sample of such a device."""
    match model:
        case CameraPlan():
            return Camera.measurements
        case TrackerPlan():
            return Tracker.measurements
        case WeatherPlan():
            return WeatherStation.measurements
        case RiverPlan():
            return RiverGauge.measurements
        case _:
            assert_never(model)


class Camera(Unit):
    """Its bit rate follows the traffic before it, and its counter of sent bytes follows the bit rate."""

    measurements: ClassVar = ("cctv",)
    absurd: ClassVar = ("fps", 9999)

    def __init__(self, plan: CameraPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._busiest_bps = plan.bitrate_bps
        self._tx_bytes = 0.0
        self._used_percent = self.rng.uniform(35, 80)

    def reboot(self, now_ns: int) -> None:
        """Start anew: what was sent is counted from zero."""
        super().reboot(now_ns)
        self._tx_bytes = 0

    def _readings(self, now_ns: int, elapsed_s: float) -> Sample:
        hour = hour_of_day(now_ns)
        bitrate = self._busiest_bps * (0.3 + 0.7 * activity(hour)) * self.rng.uniform(0.92, 1.08)
        self._tx_bytes += bitrate * elapsed_s / 8
        self._used_percent = self._used_percent + elapsed_s / 3600 if self._used_percent < 95 else 60  # noqa: PLR2004
        return {
            "bitrate_bps": int(bitrate),
            "tx_bytes": int(self._tx_bytes),
            "fps": round(self.rng.uniform(24.2, 25.2), 1),
            "recording": True,
            "video_loss": False,
            "tampering": False,
            "storage_used_percent": round(self._used_percent, 2),
            "temperature_c": round(warmth(hour) + 14 + self.rng.uniform(-0.5, 0.5), 1),
            "uptime_s": self._uptime_s(now_ns),
            "firmware": "1.4.2",
        }


class Tracker(Unit):
    """Drives its route to and fro, with a stop of some seconds at each place on the way."""

    measurements: ClassVar = ("gps",)
    absurd: ClassVar = ("lat", 191.5)

    def __init__(self, plan: TrackerPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._stops = [*plan.route, *plan.route[-2:0:-1]]
        self._next = self.rng.randrange(1, len(self._stops) + 1) % len(self._stops)
        self._at = self._stops[self._next - 1]
        self._cruise_kmh = plan.cruise_kmh
        self._speed_kmh = 0.0
        self._course_deg = 0.0
        self._waits_s = 0.0
        self._odometer_m = self.rng.uniform(2e6, 9e7)
        self._advance(self.rng.uniform(0, 600))

    def _readings(self, now_ns: int, elapsed_s: float) -> Sample:
        del now_ns
        self._advance(elapsed_s)
        return {
            "lat": round(self._at.lat, 6),
            "lon": round(self._at.lon, 6),
            "speed": round(self._speed_kmh, 1),
            "course": round(self._course_deg % 360, 1),
            "sat": self.rng.randint(8, 15),
            "hdop": round(self.rng.uniform(0.7, 1.4), 2),
            "ignition": True,
            "odometer": int(self._odometer_m),
            "supply_v": round(self.rng.uniform(13.6, 14.2), 2),
        }

    def _advance(self, seconds: float) -> None:
        """Drive on in steps of a second at most, so that a long silence is driven through as well."""
        while seconds > 0:
            self._step(min(1.0, seconds))
            seconds -= 1.0

    def _step(self, seconds: float) -> None:
        if self._waits_s > 0:
            self._waits_s -= seconds
            self._speed_kmh = 0
            return
        wish = self._cruise_kmh * self.rng.uniform(0.8, 1.1)
        self._speed_kmh += max(-8 * seconds, min(6 * seconds, wish - self._speed_kmh))
        target, metres = self._stops[self._next], self._speed_kmh / 3.6 * seconds
        left = distance_m(self._at, target)
        if left <= metres:
            self._arrive(target, left)
        else:
            self._course_deg = course_deg(self._at, target)
            self._at = _between(self._at, target, metres / left)
            self._odometer_m += metres

    def _arrive(self, target: Point, metres: float) -> None:
        self._at = target
        self._odometer_m += metres
        self._next = (self._next + 1) % len(self._stops)
        self._waits_s = self.rng.uniform(5, 20)


class WeatherStation(Unit):
    """Temperature by height and time of day, rain in showers, dust with the traffic."""

    measurements: ClassVar = ("weather",)
    absurd: ClassVar = ("humidity", 140)

    def __init__(self, plan: WeatherPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._cooler_c = plan.altitude_m * 0.0065
        self._pressure_hpa = 1010 - plan.altitude_m * 0.115
        self._shower = Shower()

    def _readings(self, now_ns: int, elapsed_s: float) -> Sample:
        hour = hour_of_day(now_ns)
        rain_mm = self._shower.fall(self, elapsed_s)
        air_c = warmth(hour) - self._cooler_c - (2 if rain_mm else 0) + self.rng.uniform(-0.3, 0.3)
        return {
            "temperature": round(air_c, 1),
            "humidity": round(min(100, 95 - (air_c - 22) * 2.5 + (8 if rain_mm else 0)), 1),
            "pressure": round(self._pressure_hpa + self.rng.uniform(-0.4, 0.4), 1),
            "rain": round(rain_mm, 3),
            "wind": {"speed": round(self.rng.uniform(0.3, 3.8), 1), "direction": self.rng.randrange(360)},
            "pm25": round(8 + 30 * activity(hour) * self.rng.uniform(0.8, 1.2), 1),
        }


class RiverGauge(Unit):
    """It tells the level of its river, and the rain on its mast."""

    measurements: ClassVar = ("weather", "level")
    absurd: ClassVar = ("level_cm", 99_000)

    def __init__(self, plan: RiverPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._cooler_c = plan.altitude_m * 0.0065
        self._river = River(plan, start_ns)
        self._shower = Shower()
        self._battery_percent = self.rng.uniform(70, 99)

    def _readings(self, now_ns: int, elapsed_s: float) -> Sample:
        level_cm = self._river.level_cm(self, now_ns)
        self._battery_percent = max(20, self._battery_percent - elapsed_s / 36_000)
        return {
            "rain": round(self._shower.fall(self, elapsed_s), 3),
            "temperature": round(warmth(hour_of_day(now_ns)) - self._cooler_c, 1),
            "level_cm": round(level_cm, 1),
            "battery": round(self._battery_percent, 1),
            "rssi": self.rng.randint(-98, -71),
        }


class River:
    """A level that breathes a little, until a flood wave passes: a steep rise and a long fall."""

    def __init__(self, plan: RiverPlan, start_ns: int) -> None:
        self._plan = plan
        self._start_ns = start_ns
        self._siaga = ""

    def level_cm(self, gauge: Inside, now_ns: int) -> float:
        """Return the level above the river's zero; the gauge tells each alert level once, and once that it is over."""
        above_cm = self._plan.flood_cm * _wave((now_ns - self._start_ns) / SECOND_NS - self._plan.flood_after_s)
        level_cm = self._plan.usual_cm + above_cm + gauge.rng.uniform(-1.5, 1.5)
        siaga, severity = _siaga_of(above_cm)
        if siaga != self._siaga:
            self._siaga = siaga
            text = f"{siaga or 'Normal'}: {self._plan.river} {level_cm / 100:.2f} m"
            gauge.happened.append(Event("water_level", severity, text))
        return level_cm


class Shower:
    """Rain that comes and goes; a shower has one intensity."""

    def __init__(self) -> None:
        self._mm_an_hour = 0.0

    def fall(self, unit: Inside, seconds: float) -> float:
        """Return how many millimetres fell in the last `seconds`."""
        if unit.rng.random() < seconds / (300 if self._mm_an_hour else 900):
            self._mm_an_hour = 0.0 if self._mm_an_hour else unit.rng.uniform(2, 60)
        return self._mm_an_hour * min(seconds, 3600) / 3600


def activity(hour: float) -> float:
    """Return how busy the streets are, 0 to 1: quiet nights, and peaks at seven and at half past four."""
    day = 0.45 * (1 - cos(2 * pi * (hour - 2.5) / 24)) / 2
    return min(1.0, day + 0.55 * _bump(hour, 7.0, 1.4) + 0.55 * _bump(hour, 16.5, 1.8))


def warmth(hour: float) -> float:
    """Return the temperature at sea level in degrees Celsius: coolest at five, warmest at two in the afternoon."""
    rising = (hour - 5) % 24
    part = rising / 9 if rising <= 9 else (24 - rising) / 15  # noqa: PLR2004 - from five to two it is nine hours
    return 23.5 + 8.5 * (1 - cos(pi * part)) / 2


def _siaga_of(above_cm: float) -> tuple[str, str]:
    """Return the alert level of a river so far above its usual level, empty below all, and its severity."""
    return next(((name, how) for from_cm, name, how in SIAGA if above_cm >= from_cm), ("", "info"))


def _bump(hour: float, centre: float, width: float) -> float:
    return exp(-(((hour - centre) / width) ** 2))


def _wave(seconds: float) -> float:
    """Return a flood's height, 0 to 1, so many seconds after it began."""
    phase = seconds / CREST_S
    return phase * exp(1 - phase) if phase > 0 else 0.0


def _between(a: Point, b: Point, part: float) -> Point:
    return Point(a.lat + (b.lat - a.lat) * part, a.lon + (b.lon - a.lon) * part)
