"""Options of presence, health and incidents: every threshold has its home here (settings: `status` and `health`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LevelOptions(_Section):
    """When a gauge is over its threshold, in metres above its zero."""

    warning_m: float
    critical_m: float
    release_m: float = Field(default=0.1, ge=0, le=10, description="So far below, before it counts as fallen")

    @model_validator(mode="after")
    def _in_order(self) -> LevelOptions:
        if self.critical_m < self.warning_m:
            raise ValueError("critical_m is below warning_m")
        return self


class PromiseOptions(_Section):
    """What a device is set to; a camera in trouble delivers less than half of it, an older firmware is behind."""

    fps: float | None = Field(default=None, gt=0, le=480)
    bitrate_bps: int | None = Field(default=None, gt=0)
    firmware: str | None = Field(default=None, pattern=r"[0-9]", max_length=100)


class HealthOptions(_Section):
    """From where on a vital sign is a bad one."""

    settle_s: Seconds = Field(default=60, description="A bad sign becomes an incident when it lasts so long")
    battery_low_percent: Percent = 20
    battery_empty_percent: Percent = 5
    storage_full_percent: Percent = 98
    warm_c: float = 70
    hot_c: float = 85
    certificate_days: int = Field(default=14, ge=1, le=30, description="Left, when a certificate should be new")
    promises: dict[str, PromiseOptions] = Field(default={}, description="Profile -> what its devices are set to")
    devices: dict[str, PromiseOptions] = Field(
        default={}, description="Device -> what it is set to itself, in place of all that its profile's devices are"
    )
    river: dict[str, LevelOptions] = Field(default={}, description="Device -> thresholds of its gauge")


class StatusOptions(_Section):
    """Presence and incidents."""

    offline_s: Seconds = Field(default=90, description="No shorter silence makes a device offline")
    will_s: Seconds = Field(default=30, description="A last will counts after so long without a word")
    window_s: Seconds = Field(default=60, description="A device's incident waits so long for others of the same cause")
    recovery_s: Seconds = Field(
        default=300, description="When most of a site is back, those that are not have so long before they stand alone"
    )
    again_s: Seconds = Field(default=600, description="An incident that returns so soon is the same one")
    flap_times: int = Field(default=4, ge=2, le=100, description="Lost or found so often …")
    flap_s: Seconds = Field(default=600, description="… within so long is flapping, until it is steady for as long")
    ill_s: Seconds = Field(default=15, description="An illness of the hub becomes an incident when it lasts so long")
    intervals: dict[str, Seconds] = Field(
        default={}, description="Profile -> how often its devices are set to speak, where the profile is wrong"
    )
