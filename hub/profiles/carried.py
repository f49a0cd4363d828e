"""Which vital signs say what a device carries, by their names in the vocabulary. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hub.profiles.schema import Profile

COUNTERS: Final = {"rx_bytes": "rx", "tx_bytes": "tx", "wan_rx_bytes": "rx", "wan_tx_bytes": "tx"}
"""Reading -> direction. Of two for one direction the later counts: a router is there for its way out."""
RATES: Final = {"rx_bps": "rx", "tx_bps": "tx", "bitrate_bps": "tx"}
LOST: Final = ("rx_dropped", "tx_dropped", "rx_errors", "tx_errors")
"""Counters of packets that a router threw away."""
LOSS: Final = "loss_percent"
GROWING: Final = frozenset({*COUNTERS, *LOST, "uptime_s"})
"""What never falls, unless the device starts anew or a counter wraps."""


def newest_tells_all(profile: Profile) -> bool:
    """Whether of samples of one moment the newest says what all of them do, as long as what grows has grown.

    Not of a tracker, each of whose positions is on the way; nor where a rate or a loss must be added up.
    """
    names = {vital.partition(".")[2] for vital in profile.vitals}
    counted = {direction for name, direction in COUNTERS.items() if name in names}
    rated = {direction for name, direction in RATES.items() if name in names}
    return profile.kind != "gps" and rated <= counted and LOSS not in names
