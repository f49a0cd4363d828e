"""Options of the pipeline."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PipelineOptions(BaseModel):
    """How messages become batches, and batches writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_payload_bytes: int = Field(default=65_536, ge=64, le=1_000_000, description="A larger message is rejected")
    commit_every_ms: float = Field(default=20, ge=0, le=1000, description="Longest wait for neighbours before an fsync")
    commit_lines: int = Field(
        default=5_000, ge=1, le=100_000, description="An open batch of so many lines is committed"
    )
    commit_kb: int = Field(
        default=4_000, ge=16, le=20_000, description="An open batch of so many kilobytes is committed"
    )
    writers: int = Field(default=2, ge=1, le=16, description="Writes to the database at a time")
    write_lines: int = Field(
        default=5_000, ge=1, le=100_000, description="Most lines in one write, unless one batch has more"
    )
    write_kb: int = Field(default=2_000, ge=16, le=20_000, description="Most kilobytes in one write, likewise")
