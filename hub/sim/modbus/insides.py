"""The insides of the polled units: energy meters, UPSes, river gauges. Pure and seeded.

They answer when they are asked and keep no time of their own: what they say belongs to the moment of the answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from struct import pack, unpack
from typing import TYPE_CHECKING, ClassVar, NamedTuple, assert_never

from hub.sim.modbus.maps import SDM120, SEN0492, SMART_UPS, Map, Words, sdm120, sen0492, smart_ups
from hub.sim.modbus.plan import GaugePlan, MeterPlan, UnitPlan, UpsPlan
from hub.sim.models import River, activity, warmth
from hub.sim.units import Event, Inside, hour_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENING, MORNING = 17.8, 5.6
"""Hours between which the street lamps burn."""


class Key(NamedTuple):
    """The reading by which an answer is found again in the database: register, measurement, field."""

    at: int
    measurement: str
    field: str


class Polled(Inside, ABC):
    """A unit's inside, that is asked.

    Attributes:
        map: which registers it has.
        key: see Key.
    """

    map: ClassVar[Map]
    key: ClassVar[Key]

    def measure(self, now_ns: int) -> tuple[Words, float]:
        """Return the registers as they are now, and the key's value as the registers say it."""
        return self._measure(now_ns, self._elapsed_s(now_ns))

    @abstractmethod
    def _measure(self, now_ns: int, elapsed_s: float) -> tuple[Words, float]:
        """Do so, `elapsed_s` after the last time."""


class Meter(Polled):
    """A single-phase energy meter (Eastron SDM120); its load follows the time of day, its counter the load."""

    map: ClassVar = SDM120
    key: ClassVar = Key(0x0000, "energy", "voltage_v")

    def __init__(self, plan: MeterPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._plan = plan
        self._kwh = self.rng.uniform(500, 20_000)

    def _measure(self, now_ns: int, elapsed_s: float) -> tuple[Words, float]:
        power_w = self._plan.busiest_w * self._busy(hour_of_day(now_ns)) * self.rng.uniform(0.97, 1.03)
        self._kwh += power_w * elapsed_s / 3_600_000
        readings = self._readings(power_w)
        return sdm120(readings), rounded_to_float32(readings["voltage_v"])

    def _busy(self, hour: float) -> float:
        if self._plan.lamps:
            return 1.0 if hour >= EVENING or hour < MORNING else 0.02
        return 0.15 + 0.85 * activity(hour)

    def _readings(self, power_w: float) -> Mapping[str, float]:
        voltage_v = 231 - power_w / 4000 + self.rng.uniform(-2, 2)
        factor = self.rng.uniform(0.9, 0.97)
        apparent_va = power_w / factor
        return {
            "voltage_v": voltage_v,
            "current_a": apparent_va / voltage_v,
            "power_w": power_w,
            "apparent_va": apparent_va,
            "reactive_var": (apparent_va**2 - power_w**2) ** 0.5,
            "power_factor": factor,
            "frequency_hz": self.rng.uniform(49.92, 50.08),
            "import_kwh": self._kwh,
            "export_kwh": 0.0,
            "total_kwh": self._kwh,
        }


class Ups(Polled):
    """A UPS (APC Smart-UPS): now and then the mains fail, the battery carries the load, and fills up again."""

    map: ClassVar = SMART_UPS
    key: ClassVar = Key(136, "ups", "load_percent")
    rated_w: ClassVar = 1000.0
    recharge_s: ClassVar = 600.0

    def __init__(self, plan: UpsPlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._plan = plan
        self._charge = 100.0
        self._on_battery = False
        self._turns_s = self.rng.uniform(8, 60)

    def _measure(self, now_ns: int, elapsed_s: float) -> tuple[Words, float]:
        self._live(elapsed_s)
        load_percent = self._plan.load_w / self.rated_w * 100 * self.rng.uniform(0.95, 1.05)
        charge = self._charge / 100
        words = smart_ups(
            {
                "on_battery": self._on_battery,
                "runtime_s": self._plan.runtime_s * charge,
                "charge_percent": self._charge,
                "battery_v": 23.0 + 4.2 * charge - self._on_battery,
                "temperature_c": warmth(hour_of_day(now_ns)) + 8 + self.rng.uniform(-0.3, 0.3),
                "load_percent": load_percent,
                "output_a": load_percent / 100 * self.rated_w / 230,
                "output_v": 230 + self.rng.uniform(-0.5, 0.5),
                "frequency_hz": 50.0,
                "input_v": 0.0 if self._on_battery else 228 + self.rng.uniform(-4, 4),
            }
        )
        return words, words[136] / 2**8

    def _live(self, elapsed_s: float) -> None:
        """Let the time pass; the mains fail for some ten to forty seconds, every one or two minutes."""
        self._turns_s -= elapsed_s
        drained, filled = 100 * elapsed_s / self._plan.runtime_s, 100 * elapsed_s / self.recharge_s
        self._charge = max(1.0, min(100.0, self._charge + (-drained if self._on_battery else filled)))
        if self._turns_s <= 0:
            self._on_battery = not self._on_battery
            self._turns_s = self.rng.uniform(10, 40) if self._on_battery else self.rng.uniform(60, 120)
            self.happened.append(
                Event("on_battery", "warning", "PLN padam, memakai baterai · mains failed, on battery")
                if self._on_battery
                else Event("on_mains", "info", f"PLN kembali · mains are back, battery {self._charge:.0f} %")
            )


class Gauge(Polled):
    """A distance sensor above a river (DFRobot SEN0492): the flood comes nearer to it."""

    map: ClassVar = SEN0492
    key: ClassVar = Key(0x34, "level", "distance_mm")
    nearest_mm: ClassVar = 40

    def __init__(self, plan: GaugePlan, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._mast_mm = plan.mast_mm
        self._river = River(plan.river, start_ns)

    def _measure(self, now_ns: int, elapsed_s: float) -> tuple[Words, float]:
        del elapsed_s
        distance_mm = max(self.nearest_mm, round(self._mast_mm - 10 * self._river.level_cm(self, now_ns)))
        return sen0492(distance_mm), float(distance_mm)


def build(plan: UnitPlan, start_ns: int) -> Polled:
    """Return the inside of a unit."""
    match plan.model:
        case MeterPlan() as meter:
            return Meter(meter, plan.seed, start_ns)
        case UpsPlan() as ups:
            return Ups(ups, plan.seed, start_ns)
        case GaugePlan() as gauge:
            return Gauge(gauge, plan.seed, start_ns)
        case _:
            assert_never(plan.model)


def rounded_to_float32(value: float) -> float:
    """Return what a register pair can hold of it."""
    held: float = unpack(">f", pack(">f", value))[0]
    return held
