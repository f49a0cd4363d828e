"""Positions that a tracker cannot have been at. Pure, but for the one doubt that it leaves on the watch.

A receiver that loses its satellites sends zeros, or a place that it has left long ago, or one across the province.
Such a fix must not move the dot on the map; nor may a tracker that really was carried elsewhere (a ferry, a parts
depot, a first fix that was wrong) stay rejected for ever. So a jump is doubted once: a second fix that fits the
doubted one is believed, and after a long silence anything is.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, Final

from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from hub.decode.watch import Watch

SECOND: Final = 1_000_000_000
EARTH_M: Final = 6_371_008.8
"""Mean radius (IUGG)."""
NO_FIX_M: Final = 100.0
"""Nearer than this to 0, 0, in the Gulf of Guinea, is a tracker without a fix."""
FASTEST_KMH: Final = 400.0
"""Beyond any vehicle of a city; its helicopter does 250."""
NOISE_M: Final = 300.0
"""What a poor fix between houses may be off; without it two fixes of the same second could never differ."""
LONG_NS: Final = 600 * SECOND
"""After so long without a believed fix the next one is believed wherever it is."""

Fix = tuple[int, float, float]
"""Time in nanoseconds UTC, latitude, longitude in degrees WGS 84."""


def implausible(watch: Watch, time_ns: int, lat: float, lon: float) -> Fault | None:
    """Return why a position is not believed, or None; the caller then makes it `watch.fix`.

    Judged against `watch.fix`; a jump is left in `watch.doubt`, by which the next fix is judged as well.
    """
    if distance_m(lat, lon, 0, 0) < NO_FIX_M:
        return Fault(Reason.IMPLAUSIBLE, f"position {lat:.5f}, {lon:.5f}: the tracker has no fix")
    new, doubt, believed = (time_ns, lat, lon), watch.doubt, watch.fix
    if believed is None or reachable(believed, new) or (doubt is not None and _confirms(doubt, new)):
        watch.doubt = None
        return None
    watch.doubt = new
    return _jump(believed, new)


def reachable(one: Fix, other: Fix) -> bool:
    """Whether a vehicle can have been at both, in either order (a backlog may come after the live fix)."""
    apart_ns = abs(other[0] - one[0])
    return apart_ns > LONG_NS or distance_m(*one[1:], *other[1:]) <= NOISE_M + FASTEST_KMH / 3.6 * apart_ns / SECOND


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance on the sphere, in metres, by the haversine formula."""
    north, east = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    chord = sin(north) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(east) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(chord)))


def _confirms(doubt: Fix, new: Fix) -> bool:
    """A second fix, of another time: the same one, sent again, confirms nothing."""
    return doubt[0] != new[0] and abs(new[0] - doubt[0]) <= LONG_NS and reachable(doubt, new)


def _jump(believed: Fix, new: Fix) -> Fault:
    metres, seconds = distance_m(*believed[1:], *new[1:]), abs(new[0] - believed[0]) / SECOND
    return Fault(
        Reason.IMPLAUSIBLE,
        f"position {new[1]:.5f}, {new[2]:.5f}: {metres / 1000:.1f} km from the last one, {seconds:.0f} s apart",
    )
