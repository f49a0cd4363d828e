"""A gateway with twenty meters of which three are dead and one answers after two seconds, as a simulated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.sim.modbus.plan import GatewayPlan, Manner, MeterPlan, PolledPlan, UnitPlan
from tests.polled import PolledEntry, directory_of, source_of
from tests.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from hub.sources.base import Intake
    from hub.sources.modbus.source import ModbusSource

DEAD: Final = (4, 9, 17)
SLOW: Final = 12
UNITS: Final = range(1, 21)
GOOD: Final = tuple(unit for unit in UNITS if unit not in {*DEAD, SLOW})
PROFILE: Final = """
vendor: Eastron
model: SDM120 on a busy bus
kind: meter
about: Two requests a poll, as a meter with a small buffer needs them
manual: {{ title: none, edition: none }}
interval_s: {every_s}
modbus:
  limits: {{ block: 80, gap: 8, timeout_ms: {timeout_ms} }}
  groups:
    power:
      every_s: {every_s}
      table: input
      readings:
        energy:
          voltage_v: {{ at: 0x00, type: float32 }}
          current_a: {{ at: 0x06, type: float32 }}
          power_w: {{ at: 0x0C, type: float32 }}
          frequency_hz: {{ at: 0x46, type: float32 }}
"""


def name(unit: int) -> str:
    """Return the device that is a unit."""
    return f"kwh-{unit:02}"


def gateway_plan(port: int) -> PolledPlan:
    """Return what the simulation is told; the bus carries one request at a time."""
    manners = dict.fromkeys(DEAD, Manner.DEAD) | {SLOW: Manner.SLOW}
    model = MeterPlan(busiest_w=3000)
    units = [
        UnitPlan(id=name(unit), unit=unit, seed=unit, manner=manners.get(unit, Manner.STEADY), model=model)
        for unit in UNITS
    ]
    return PolledPlan(gateways=(GatewayPlan(port=port, units=tuple(units)),))


def twenty(folder: Path, port: int, intake: Intake, every_s: float, timeout_ms: int) -> ModbusSource:
    """Return a source that polls them all."""
    profile = PROFILE.format(every_s=every_s, timeout_ms=timeout_ms)
    entries = [PolledEntry(name(unit), "busy_meter", f"tcp://{LOOPBACK}:{port}", unit) for unit in UNITS]
    return source_of(directory_of(folder, {"busy_meter": profile}, entries), intake)
