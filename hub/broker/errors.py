"""The errors of the broker room."""

from __future__ import annotations

from hub.errors import CityhubError


class CrlRefused(CityhubError):
    """A revocation list must not go under the broker; `reason` is a clause that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. It does not go under the broker: check the authority, and this machine's clock.")
        self.reason = reason


class NotProven(CityhubError):
    """It could not be found out whether the broker does what it is told."""
