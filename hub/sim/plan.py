"""What the simulation's process is told: which devices there are, how each behaves, and where its bundle lies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import UsageError
from hub.sim.geography import Point


class Behaviour(StrEnum):
    """How well a device behaves."""

    STEADY = "steady"
    DROPS = "drops"  # its link breaks without a word, and comes back with what was measured meanwhile
    REBOOTS = "reboots"  # it loses power; its counters start anew
    RUBBISH = "rubbish"  # now and then it sends what no hub should store


class Part(BaseModel):
    """A piece of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CameraPlan(Part):
    """A camera; `bitrate_bps` is what it sends at the busiest hour."""

    model: Literal["camera"] = "camera"
    bitrate_bps: int = Field(gt=0)


class TrackerPlan(Part):
    """A vehicle that drives `route` to and fro, cruising at `cruise_kmh`."""

    model: Literal["tracker"] = "tracker"
    route: tuple[Point, ...] = Field(min_length=2)
    cruise_kmh: float = Field(gt=0, le=120)


class WeatherPlan(Part):
    """A weather station at `altitude_m` above the sea."""

    model: Literal["weather"] = "weather"
    altitude_m: float


class RiverPlan(Part):
    """A river gauge with a rain gauge on its mast; a flood of `flood_cm` begins `flood_after_s` after the start."""

    model: Literal["river"] = "river"
    river: str
    usual_cm: float
    altitude_m: float
    flood_cm: float = Field(default=0, ge=0)
    flood_after_s: float = Field(default=0, ge=0)


ModelPlan = Annotated[CameraPlan | TrackerPlan | WeatherPlan | RiverPlan, Field(discriminator="model")]


class DevicePlan(Part):
    """One simulated device; everything random about it follows from `seed`."""

    id: str
    behaviour: Behaviour = Behaviour.STEADY
    seed: int = 0
    model: ModelPlan


class WholePlan(Part):
    """All that one of the simulation's processes plays; `about` says what that is, for messages."""

    about: ClassVar[str]


class Plan(WholePlan):
    """A whole city.

    Attributes:
        bundles: folder that holds a folder for each device, named by its id, with the files of its bundle.
        rate: messages a second that each device sends.
        spread_s: the devices are switched on over so many seconds.
    """

    about: ClassVar = "a simulated city"

    bundles: Path
    rate: float = Field(default=1.0, gt=0, le=1000)
    spread_s: float = Field(default=3.0, ge=0)
    devices: tuple[DevicePlan, ...]


_Plan = TypeVar("_Plan", bound=WholePlan)


def read_plan(file: Path, kind: type[_Plan]) -> _Plan:
    """Read a plan of that kind.

    Raises:
        UsageError: the file cannot be read, or is no plan.
    """
    try:
        return kind.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(f"the plan {file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{file} is no plan of {kind.about}: {where}: {first['msg']}") from error
