"""Options of the hub's HTTP server."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WebOptions(BaseModel):
    """Where health and metrics are served; loopback until the server speaks TLS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", pattern=r"^(127\.\d+\.\d+\.\d+|localhost|::1)$")
    port: int = Field(default=8930, ge=1, le=65535)
