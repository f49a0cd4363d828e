"""Keeps a message that several subscriptions cover from being taken several times.

mosquitto sends a copy for each of a client's subscriptions that match (MQTT 5, 3.3.4, allows it), and vendors' topics
overlap: `+/+/data` and `owntracks/+/+`. Each copy names its subscription, so the hub takes that of the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from hub.profiles.topics import matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 100_000
"""Topics whose subscription is remembered."""
_IDS: Final = 268_435_455
"""Subscription identifiers are 1 to this (MQTT 5, 3.8.2.1.2)."""


class Overlap:
    """Knows which subscription's copy of a message counts.

    Attributes:
        ids: filter -> subscription identifier, the same after every start: a session outlives the hub.
    """

    def __init__(self, filters: Sequence[str]) -> None:
        self.ids = {pattern: crc32(pattern.encode()) % _IDS + 1 for pattern in filters}
        self._matchers = [(matcher(pattern), self.ids[pattern]) for pattern in filters]
        self._first: dict[str, int | None] = {}

    def counts(self, topic: str, ids: Sequence[int]) -> bool:
        """Return whether this copy of a message is the one to take.

        A topic that none of the filters covers comes from a subscription of an earlier start, and is taken.
        """
        if topic not in self._first:
            if len(self._first) >= MOST:
                self._first.clear()
            self._first[topic] = next((one for pattern, one in self._matchers if pattern.fullmatch(topic)), None)
        first = self._first[topic]
        return first is None or first in ids
