"""Moments that clients name."""

from datetime import datetime

from provisioning.clock import nanoseconds
from provisioning.errors import InvalidIdentity


def nanoseconds_of(moment: datetime) -> int:
    """Return a moment in nanoseconds UTC, to the microsecond; raises InvalidIdentity when it has no time zone."""
    if moment.tzinfo is None:
        raise InvalidIdentity(f"The time {moment.isoformat()} names no time zone: write 2026-08-17T10:00:00+07:00.")
    return nanoseconds(moment.replace(microsecond=0)) + moment.microsecond * 1_000
