"""What the pipeline counts; read by health, metrics and the views."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Totals since start. Points are lines of line protocol; a message may hold several, or none."""

    messages: int = 0
    bytes: int = 0
    points_spooled: int = 0
    points_stored: int = 0
    messages_acknowledged: int = 0
    commits: int = 0
    writes: int = 0
    write_failures: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
