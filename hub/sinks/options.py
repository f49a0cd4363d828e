"""Options of the databases that can drain the spool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: AnyHttpUrl = Field(description="Where the database listens, e.g. http://127.0.0.1:8086")
    timeout_s: float = Field(default=15.0, gt=0, le=300, description="How long one write may take")

    @field_validator("url")
    @classmethod
    def _is_only_an_address(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        # The URL appears in messages and logs, so it must never carry a secret.
        if url.username or url.password:
            raise ValueError("leave user name and password out of `url`; they have settings of their own")
        if url.query or url.fragment:
            raise ValueError("`url` ends before `?` and `#`; the path of the request is added to it")
        return url

    @property
    def address(self) -> str:
        """The URL without a trailing slash; paths are appended to it and messages name it."""
        return str(self.url).rstrip("/")


class InfluxV1Options(_Options):
    """InfluxDB 1.x, written by `/write`; the one-box mode uses it too."""

    version: Literal[1] = 1
    database: str = Field(default="cityhub", min_length=1)
    history_database: str = Field(default="cityhub_history", min_length=1, description="For hourly and daily sums")
    username: str = Field(default="", pattern="^[^:]*$", description="No colon (RFC 7617); empty: no authentication")
    password: SecretStr = SecretStr("")
    password_file: Path | None = Field(default=None, description="Read the password from this file")

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if self.password and self.password_file:
            raise ValueError("give `password` or `password_file`, not both")
        return self

    def history(self) -> Self:
        """Return how the history is written and read: the same server, another database."""
        return self.model_copy(update={"database": self.history_database})


class InfluxV2Options(_Options):
    """InfluxDB 2.x and 3.x (and 1.8+), written by `/api/v2/write`."""

    version: Literal[2, 3]
    bucket: str = Field(default="cityhub", min_length=1)
    history_bucket: str = Field(default="cityhub_history", min_length=1, description="For hourly and daily sums")
    org: str = Field(default="-", description="InfluxDB 3 ignores it")
    token: SecretStr = SecretStr("")
    token_file: Path | None = Field(default=None, description="Read the token from this file")

    @model_validator(mode="after")
    def _has_one_token(self) -> Self:
        if self.token and self.token_file:
            raise ValueError("give `token` or `token_file`, not both")
        return self

    def history(self) -> Self:
        """Return how the history is written and read: the same server, another bucket."""
        return self.model_copy(update={"bucket": self.history_bucket})


SinkOptions = Annotated[InfluxV1Options | InfluxV2Options, Field(discriminator="version")]
