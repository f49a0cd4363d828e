"""Options of the Grafana that shows the city."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.sinks.options import SinkOptions

_MAIL: Final = re.compile(r"[^@\s;,<>]+@[^@\s;,<>]+")
_WINDOW: Final = re.compile(
    r"(?:(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday) )?"
    r"(?P<start>[01]\d:[0-5]\d|2[0-3]:[0-5]\d)-(?P<end>[01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)"
)
EVERYBODY: Final = "city"
"""The key of `contacts` for alerts of agencies that have none of their own, and of no agency."""


class GrafanaOptions(BaseModel):
    """A Grafana 11 or newer; without a section of this name the hub talks to none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: AnyHttpUrl = Field(description="Where Grafana is, with its path if it has one, e.g. http://127.0.0.1:3000")
    token: SecretStr = SecretStr("")
    token_file: Path | None = Field(default=None, description="Read the service account's token from this file")
    org_id: int | None = Field(default=None, ge=1, description="The organisation, where Grafana has several")
    ca_file: Path | None = Field(default=None, description="Whose certificates are trusted, for https; PEM")
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="How long one request may take")
    push_at_start: bool = Field(default=False, description="Repeat `cityhub grafana push` whenever the hub starts")
    live: bool = Field(default=True, description="Push bandwidth and health every second, for the wall")
    annotations: bool = Field(default=True, description="Show incidents as regions in the graphs")
    contacts: dict[str, tuple[str, ...]] = Field(
        default={}, description='Mail addresses an agency: { dishub = ["noc@dishub.go.id"] }; `city` for all others'
    )
    maintenance: tuple[str, ...] = Field(
        default=(), description='Times without notifications, in the city\'s time: "sunday 01:00-03:00"'
    )
    influxdb: SinkOptions | None = Field(
        default=None,
        description="How Grafana reaches the database, with a right to read alone; the hub's own if absent",
    )

    @field_validator("url")
    @classmethod
    def _is_only_an_address(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        if url.username or url.password:
            raise ValueError("leave user name and password out of `url`; `token` or `token_file` lets the hub in")
        if url.query or url.fragment:
            raise ValueError("`url` ends before `?` and `#`; the path of the request is added to it")
        return url

    @field_validator("contacts")
    @classmethod
    def _are_mail_addresses(cls, contacts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for agency, addresses in contacts.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", agency):
                raise ValueError("an agency is named by its id, as `cityhub agency list` shows it")
            if not addresses or not all(_MAIL.fullmatch(address) for address in addresses):
                raise ValueError(f"{agency}: needs mail addresses, each like noc@example.go.id")
        return contacts

    @field_validator("maintenance")
    @classmethod
    def _are_windows(cls, windows: tuple[str, ...]) -> tuple[str, ...]:
        for window in windows:
            found = _WINDOW.fullmatch(window)
            if not found or found["start"] >= found["end"]:
                raise ValueError('is a list like ["sunday 01:00-03:00", "23:30-24:00"], each within one day')
        return windows

    @model_validator(mode="after")
    def _has_one_token(self) -> Self:
        if self.token and self.token_file:
            raise ValueError("give `token` or `token_file`, not both")
        return self

    @property
    def address(self) -> str:
        """The URL without a trailing slash; paths are appended to it and messages name it."""
        return str(self.url).rstrip("/")


def window_parts(window: str) -> tuple[str, str, str]:
    """Return a maintenance window's weekday (empty: every day), start and end."""
    found = _WINDOW.fullmatch(window)
    if not found:
        raise ValueError(f"{window!r} is no maintenance window")
    return found["day"] or "", found["start"], found["end"]
