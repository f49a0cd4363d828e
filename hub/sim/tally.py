"""What one device counts about itself."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Totals of messages since the start.

    Attributes:
        connections: times the link was made.
        published: handed to MQTT at least once.
        acknowledged: taken by the broker, which said so.
        refused: answered by the broker with anything but success.
        dropped: given up before the broker took it, because too much was waiting or the power failed.
        rubbish: those among the acknowledged that were spoiled on purpose, by kind.
        good_ms: times (ms UTC, rising) of the others among the acknowledged, by channel.
    """

    connections: int = 0
    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0
    rubbish: Counter[str] = field(default_factory=Counter)
    good_ms: dict[str, array[int]] = field(default_factory=dict)

    def delivered(self, channel: str, ts_ms: int, rubbish: str) -> None:
        """Count a message that the broker took."""
        self.acknowledged += 1
        if rubbish:
            self.rubbish[rubbish] += 1
        else:
            self.good_ms.setdefault(channel, array("q")).append(ts_ms)
