"""What the process of the simulated Modbus units is told: which gateways there are, and what hangs on their buses."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hub.sim.plan import Part, RiverPlan, WholePlan


class Manner(StrEnum):
    """How well a unit answers."""

    STEADY = "steady"
    DEAD = "dead"  # it never answers
    SLOW = "slow"  # it answers after two seconds, and its bus is busy until then
    FAULTY = "faulty"  # it answers with exceptions only


class MeterPlan(Part):
    """An energy meter; its load is `busiest_w` in the busiest hour: of the street lamps by night, else by day."""

    model: Literal["meter"] = "meter"
    busiest_w: float = Field(gt=0, le=20_000)
    lamps: bool = False


class UpsPlan(Part):
    """A UPS in a cabinet that draws `load_w`; its full battery carries that for `runtime_s`."""

    model: Literal["ups"] = "ups"
    load_w: float = Field(gt=0, le=750)
    runtime_s: float = Field(gt=0, le=86_400)


class GaugePlan(Part):
    """A distance sensor under a bridge, `mast_mm` above the river's zero."""

    model: Literal["gauge"] = "gauge"
    mast_mm: int = Field(gt=0, le=20_000)
    river: RiverPlan


UnitModel = Annotated[MeterPlan | UpsPlan | GaugePlan, Field(discriminator="model")]


class UnitPlan(Part):
    """One unit: the device's id in the registry, and its address on the bus."""

    id: str
    unit: int = Field(ge=1, le=247)
    manner: Manner = Manner.STEADY
    seed: int = 0
    model: UnitModel


class GatewayPlan(Part):
    """A gateway that listens on a port of loopback; `rtu` frames over TCP instead of Modbus TCP."""

    port: int = Field(ge=1, le=65_535)
    rtu: bool = False
    units: tuple[UnitPlan, ...] = Field(min_length=1)


class PolledPlan(WholePlan):
    """All that is polled."""

    about: ClassVar = "simulated Modbus units"

    gateways: tuple[GatewayPlan, ...]
