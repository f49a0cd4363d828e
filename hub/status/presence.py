"""Reachability: the table (state, event) -> state, and how long a device may be silent.

It says nothing of the lifecycle (registered, active, maintenance, retired), which is the registry's: a device under
maintenance is online or offline all the same.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

SECOND: Final = 1_000_000_000
MOST_GRACE: Final = 30 * SECOND
"""An interval counts as missed half an interval late, but never later than this: nothing comes on the dot."""


class State(IntEnum):
    """Whether a device can be reached, as far as the hub can know."""

    NEVER_SEEN = 0
    ONLINE = 1
    STALE = 2
    OFFLINE = 3
    UNKNOWN = 4

    @property
    def word(self) -> str:
        """As it is written: `never_seen`, `online` …."""
        return _WORDS[self]


_WORDS: Final = ("never_seen", "online", "stale", "offline", "unknown")


class Event(IntEnum):
    """What can happen to a device's reachability.

    HEARD: a live message, a Modbus answer, or a child's message through a gateway; nothing that the broker retained.
    CONNECTED: its own live word that it is there, which is no reading yet.
    MISSED: one interval without a reading.
    OVERDUE: three intervals, and no less than 90 s, without a sign of life.
    MUTE: the same, but it is connected by its own word.
    GONE: its last will, and 30 s after it still nothing.
    HUB_ILL: the hub cannot hear it: the broker is gone, a backlog is drained, the hub was away.
    HUB_WELL: the hub hears again; from here on only fresh evidence counts.
    """

    HEARD = 0
    CONNECTED = 1
    MISSED = 2
    OVERDUE = 3
    MUTE = 4
    GONE = 5
    HUB_ILL = 6
    HUB_WELL = 7


_N, _ON, _ST, _OFF, _UN = State
# fmt: off
_ROWS: Final[dict[State, tuple[State, ...]]] = {
    #      HEARD  CONNECTED  MISSED  OVERDUE  MUTE  GONE  HUB_ILL  HUB_WELL
    _N:   (_ON,   _ST,       _N,     _N,      _N,   _OFF, _N,      _N),
    _ON:  (_ON,   _ON,       _ST,    _OFF,    _ST,  _OFF, _UN,     _ON),
    _ST:  (_ON,   _ST,       _ST,    _OFF,    _ST,  _OFF, _UN,     _ST),
    _OFF: (_ON,   _ST,       _OFF,   _OFF,    _ST,  _OFF, _UN,     _OFF),
    _UN:  (_ON,   _ST,       _UN,    _OFF,    _ST,  _OFF, _UN,     _UN),
}
# fmt: on
TABLE: Final[dict[tuple[State, Event], State]] = {
    (state, event): row[event] for state, row in _ROWS.items() for event in Event
}
"""Every state and event. After HUB_WELL a device stays unknown until it is heard, or its full deadline is over."""


class Patience(NamedTuple):
    """How long a device may be silent, in nanoseconds."""

    missed: int
    overdue: int


def patience(interval_ns: int, least_ns: int = 90 * SECOND) -> Patience:
    """Return the deadlines of a device that promises to speak every `interval_ns`.

    Args:
        interval_ns: the profile's interval.
        least_ns: no silence shorter than this makes it offline.
    """
    return Patience(interval_ns + min(interval_ns // 2, MOST_GRACE), max(3 * interval_ns, least_ns))
