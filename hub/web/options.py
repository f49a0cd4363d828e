"""Options of the hub's HTTP server and its two listeners."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

IpAddress = Annotated[str, AfterValidator(lambda text: str(ip_address(text)))]


class WebOptions(BaseModel):
    """Where health and metrics are served, without encryption: loopback only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", pattern=r"^(127\.\d+\.\d+\.\d+|localhost|::1)$")
    port: int = Field(default=8930, ge=1, le=65535)


class ApiOptions(BaseModel):
    """The listener for the network: REST, EST and the revocation list, over TLS.

    Without files of its own the hub's authority issues the server's certificate and vouches for clients.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: IpAddress = Field(default="0.0.0.0", description="IP address that devices and people connect to")  # noqa: S104 - devices are on the LAN
    port: int = Field(default=8443, ge=1, le=65535)
    cert_file: Path | None = Field(default=None, description="The server's certificate with its chain, PEM")
    key_file: Path | None = Field(default=None, description="The key of that certificate, PEM, mode 0600")
    grace_days: int = Field(
        default=30, ge=0, le=3650, description="How long after its end a certificate may still be renewed"
    )
    requests_per_minute: int = Field(default=600, ge=1, le=1_000_000, description="From one address")
    body_kb: int = Field(default=64, ge=1, le=65536, description="Largest body of a request")
    import_kb: int = Field(default=16_384, ge=1, le=1_048_576, description="Largest body of a bulk import")
    idle_s: int = Field(default=15, ge=1, le=600, description="How long a connection may be without a whole request")
    body_s: int = Field(default=30, ge=1, le=600, description="How long the body of a request may take to arrive")
    connections: int = Field(default=500, ge=1, le=100_000, description="At the same time")

    @model_validator(mode="after")
    def _check_files(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both, or neither")
        return self
