"""Options of the connections that the hub opens."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class MqttOptions(BaseModel):
    """How to reach an MQTT 5 broker over mutual TLS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1)
    port: int = Field(default=8883, ge=1, le=65535)
    ca_file: Path = Field(description="Certificates that may vouch for the broker, PEM")
    cert_file: Path = Field(description="The hub's own certificate with its chain, PEM")
    key_file: Path = Field(description="The key of that certificate, PEM, mode 0600")
    client_id: str = Field(default="hub.cityhub", min_length=1, max_length=64)
    keep_alive_s: int = Field(default=30, ge=5, le=3600)
    session_expiry_s: int = Field(
        default=7 * 24 * 3600, ge=60, description="How long the broker keeps messages for a hub that is away"
    )
