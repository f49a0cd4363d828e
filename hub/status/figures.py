"""The hub's figures about itself, as it writes them into its own database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.decode.line import tag_set
from hub.status.lines import fields_line
from hub.status.presence import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A snapshot; totals count since start."""

    messages: int
    points_stored: int
    points_spooled: int
    spool_points: int
    spool_bytes: int
    write_failures: int
    devices: int
    rejected: Mapping[str, int]
    problems: Sequence[str]
    modbus_polls: int = 0
    modbus_late: int = 0
    modbus_failed: int = 0
    modbus_lateness_ms: float = 0.0


class Reporter:
    """Turns snapshots into the measurements `hub` and `rejected`.

    Args:
        hub: the hub's name among others.
    """

    def __init__(self, hub: str) -> None:
        self._hub = hub
        self._last: tuple[int, int] | None = None

    def lines(self, now: Figures, ends: Sequence[int], now_ns: int) -> str:
        """Return the lines of a snapshot; `ends` are those of the certificates that run out, nanoseconds UTC."""
        tags = tag_set([("hub", self._hub)])
        fields: dict[str, int | float | str] = {
            "messages": now.messages,
            "points_stored": now.points_stored,
            "points_spooled": now.points_spooled,
            "spool_points": now.spool_points,
            "spool_bytes": now.spool_bytes,
            "rejected": sum(now.rejected.values()),
            "write_failures": now.write_failures,
            "devices": now.devices,
            "modbus_polls": now.modbus_polls,
            "modbus_late": now.modbus_late,
            "modbus_failed": now.modbus_failed,
            "certificates_expiring_7d": _within(ends, 7, now_ns),
            "certificates_expiring_30d": _within(ends, 30, now_ns),
            "messages_per_s": self._rate(now.messages, now_ns),
            "modbus_lateness_ms": float(now.modbus_lateness_ms),
            "well": int(not now.problems),
            "problems": "; ".join(now.problems),
        }
        counts = ((reason, count) for reason, count in sorted(now.rejected.items()) if count)
        return fields_line("hub", tags, fields, now_ns) + "".join(
            fields_line("rejected", tag_set([("hub", self._hub), ("reason", reason)]), {"count": count}, now_ns)
            for reason, count in counts
        )

    def _rate(self, messages: int, now_ns: int) -> float:
        last, self._last = self._last, (messages, now_ns)
        if last is None or now_ns <= last[1]:
            return 0.0
        return round((messages - last[0]) / ((now_ns - last[1]) / SECOND), 3)


def _within(ends: Sequence[int], days: int, now_ns: int) -> int:
    return sum(end <= now_ns + days * 86_400 * SECOND for end in ends)
