"""Options of the servers that one-box mode runs from the system's packages."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

IpAddress = Annotated[str, AfterValidator(lambda text: str(ip_address(text)))]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ManagedBrokerOptions(_Options):
    """A private mosquitto: mutual TLS for devices, persistence as docs/contracts describe."""

    listen: IpAddress = Field(default="0.0.0.0", description="IP address that devices connect to")  # noqa: S104 - devices are on the LAN
    port: Port = 8883
    hub_port: Port = Field(default=8884, description="Port on loopback for the hub's own connections")
    max_queued_mb: int = Field(default=256, ge=1, le=65536, description="Backlog kept for a hub that is away")
    program: Path | None = Field(
        default=None, description="The mosquitto program; found on PATH and in /usr/sbin when absent"
    )

    @model_validator(mode="after")
    def _check_ports(self) -> Self:
        if self.port == self.hub_port:
            raise ValueError(f"port and hub_port are both {self.port}: choose two different ones")
        return self


class ManagedInfluxOptions(_Options):
    """A private influxd 1.x on loopback, with authentication on."""

    port: Port = 8486
    rpc_port: Port = 8488
    raw_days: int = Field(default=30, ge=1, le=3650, description="How long raw readings are kept")
    history_months: int = Field(default=25, ge=1, le=240, description="How long hourly and daily sums are kept")
    program: Path | None = Field(default=None, description="The influxd program; found on PATH when absent")

    @model_validator(mode="after")
    def _check_ports(self) -> Self:
        if self.port == self.rpc_port:
            raise ValueError(f"port and rpc_port are both {self.port}: choose two different ones")
        return self


class ManagedGrafanaOptions(_Options):
    """A private Grafana on loopback, where one is installed."""

    enabled: bool = Field(default=True, description="Run it, where the machine has one and no [grafana] is named")
    port: Port = 8490
    anonymous: bool = Field(default=False, description="Let everybody on this machine look without a login")
    program: Path | None = Field(default=None, description="The grafana program; found on PATH when absent")
    home: Path = Field(default=Path("/usr/share/grafana"), description="Where its package keeps pages and defaults")
