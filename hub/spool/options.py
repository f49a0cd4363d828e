"""Options of the durable queue between the devices and the database."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SpoolOptions(BaseModel):
    """How much may wait for the database, and how much room the disk must keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_mb: int = Field(
        default=4096, ge=1, le=1_000_000, description="Lines waiting for InfluxDB; then devices wait too"
    )
    reserve_mb: int = Field(default=256, ge=0, le=1_000_000, description="Stop taking more when the disk has less free")
    max_rejects: int = Field(default=20_000, ge=100, le=10_000_000, description="Dead letters kept, the newest")
    max_rejects_per_device: int = Field(
        default=500, ge=10, le=1_000_000, description="So that one device hides no other"
    )
