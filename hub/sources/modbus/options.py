"""Options of polling over Modbus."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ModbusOptions(BaseModel):
    """How patient the hub is with gateways and devices; what a device itself can bear is in its profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_s: float = Field(default=5, gt=0, le=60, description="How long a gateway may take to connect")
    connecting: int = Field(default=100, ge=1, le=10_000, description="Gateways that are connected to at the same time")
    longest_rest_s: float = Field(
        default=60, ge=1, le=86_400, description="A silent device is asked again after so long at the latest"
    )
