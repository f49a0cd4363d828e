"""The one rule about time, the same for every device (docs/contracts.md, Time). Pure: the time of receipt is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import modf
from reprlib import repr as brief
from typing import TYPE_CHECKING, Final

from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from hub.profiles.mqtt import TimeUnit

SECOND: Final = 1_000_000_000
EARLIEST: Final = 1_577_836_800 * SECOND
"""2020-01-01: an earlier device time comes from a clock that was never set."""
AHEAD: Final = 300 * SECOND
"""A device's clock may run this far ahead."""

FACTOR: Final[dict[TimeUnit, int]] = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}


@dataclass(frozen=True, slots=True)
class TimeRule:
    """What the rule needs to know beside the message.

    Args:
        keep_ns: raw retention; what is older would be dropped by InfluxDB without a word.
        tracker: positions are worthless without their own time, so a GPS tracker's clock is never replaced.
    """

    keep_ns: int
    tracker: bool

    def stamp(
        self, device_ns: int | None, received_ns: int, *, retained: bool, alone: bool
    ) -> tuple[int, bool] | Fault:
        """Return (time to store at, whether the device's clock is wrong), or why the sample cannot be stored."""
        if device_ns is None:
            return self._without_time(received_ns, retained=retained, alone=alone)
        if EARLIEST <= device_ns <= received_ns + AHEAD:
            if device_ns >= received_ns - self.keep_ns:
                return device_ns, False
            return Fault(Reason.BAD_TIME, f"time {_utc(device_ns)} is older than what InfluxDB keeps")
        if alone and not retained and not self.tracker:
            return received_ns, True
        return Fault(Reason.BAD_TIME, f"time {_utc(device_ns)} is {'before 2020' if device_ns < EARLIEST else 'ahead'}")

    @staticmethod
    def _without_time(received_ns: int, *, retained: bool, alone: bool) -> tuple[int, bool] | Fault:
        if retained:
            return Fault(Reason.BAD_TIME, "a retained message without a time of its own: nobody knows how old it is")
        if not alone:
            return Fault(Reason.BAD_TIME, "several samples in one message need a time each")
        return received_ns, False


def device_time(value: object, unit: TimeUnit) -> int | Fault | None:
    """Return the nanoseconds that a device's time value means; None when it sent none."""
    if value is None:
        return None
    if unit == "rfc3339":
        return _rfc3339(value)
    if type(value) is int:
        return value * FACTOR[unit]
    if type(value) is float and abs(value) < 1e19:  # noqa: PLR2004 - beyond any time in any unit, and finite
        part, whole = modf(value)  # multiplied as one, even a whole number would lose its last digits
        return int(whole) * FACTOR[unit] + round(part * FACTOR[unit])
    return Fault(Reason.WRONG_TYPE, f"time is {brief(value)}, expected a number of {unit}")


def _rfc3339(value: object) -> int | Fault:
    try:
        parsed = datetime.fromisoformat(value if isinstance(value, str) else "")
        if parsed.tzinfo is None:
            return Fault(Reason.BAD_TIME, f"time {brief(value)} names no time zone")
        utc = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return Fault(Reason.WRONG_TYPE, f"time is {brief(value)}, expected RFC 3339 such as 2026-08-17T10:00:00Z")
    return int(utc.replace(microsecond=0).timestamp()) * SECOND + utc.microsecond * 1000


def _utc(ns: int) -> str:
    try:
        return datetime.fromtimestamp(ns / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{ns} ns"
