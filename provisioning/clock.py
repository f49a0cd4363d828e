"""The clock that provisioning is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Returns nanoseconds UTC since 1970, as `time.time_ns` does."""


def utc(ns: int) -> datetime:
    """Return the instant `ns` as an aware datetime, to the second: certificates know nothing finer."""
    return datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC)


def nanoseconds(moment: datetime) -> int:
    """Return an aware datetime of whole seconds as nanoseconds UTC."""
    return int(moment.timestamp()) * 1_000_000_000
