"""What vehicles do: enter and leave areas, drive too fast, turn up elsewhere. Pure; says it as `event` lines.

The way between two fixes is followed in a straight line, so that an area is noticed in which no fix fell; the time of
a crossing is interpolated. The way over a jump, or over ten minutes without a fix, is not known: there only what the
new place means is said. A vehicle is told once to be too fast, when it has been for ten seconds without a break.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from zlib import crc32

import orjson

from hub.decode.line import string_field, tag_set
from hub.decode.position import LONG_NS, distance_m, reachable
from hub.status.accounts import device_tags
from hub.status.fences import Fences
from hub.status.gauges import BEFORE_VITALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.decode.position import Fix
    from hub.decode.watch import Vitals, Watch
    from hub.directory import Entry
    from hub.profiles.schema import Profile
    from hub.status.bandwidth import Places
    from hub.status.fences import Fence

SECOND: Final = 1_000_000_000
TOO_FAST_NS: Final = 10 * SECOND
TOLERANCE_KMH: Final = 3.0
"""What a receiver's speed may be off."""
PART: Final = "trips"
"""Under this name the ledger keeps a vehicle's last fix."""


@dataclass(slots=True)
class Trip:
    """One vehicle.

    Attributes:
        fix: the last one.
        inside: names of the areas that it is in ...
        version: ... of those areas as they then were.
        fast_ns: since when it is too fast; 0: it is not.
        top_kmh: its highest speed since then.
        told: whether that has been said.
    """

    fix: Fix | None = None
    inside: set[str] = field(default_factory=set)
    version: int = 0
    fast_ns: int = 0
    top_kmh: float = 0.0
    told: bool = False


@dataclass(frozen=True, slots=True)
class _Places:
    """Where in a sample position and speed stand."""

    lat: int
    lon: int
    speed: int | None
    limit_kmh: float | None


class Trips:
    """Implements `hub.status.base.Part` for trackers.

    Args:
        saved: vehicle -> what the ledger has of its trip.
    """

    def __init__(self, places: Places, saved: Mapping[str, str]) -> None:
        self.fences = Fences()
        self._places = places
        self._saved = dict(saved)
        self._trips: dict[str, Trip] = {}
        self._changed: set[str] = set()
        self._found: dict[str, _Places | None] = {}
        self._lines: list[str] = []

    def wants(self, profile: str) -> bool:
        """See `Part.wants`: trackers."""
        return self._where(profile) is not None

    def observe(self, entry: Entry, watch: Watch, samples: Sequence[Vitals], now_ns: int) -> None:  # noqa: ARG002 - see Part
        """See `Part.observe`."""
        where = self._where(entry.profile)
        if where is None:
            return
        profile = self._places.profiles[entry.profile]
        trip = self._trip(watch.device)
        tags = tag_set([(name, value) for name, value in device_tags(entry, profile) if name != "kind"])
        for sample in samples:
            lat, lon = sample[where.lat], sample[where.lon]
            if lat is None or lon is None or (trip.fix is not None and sample[0] <= trip.fix[0]):
                continue
            speed = None if where.speed is None else sample[where.speed]
            for time_ns, name, severity, text in self._step(trip, (sample[0], lat, lon), speed, entry, where.limit_kmh):
                self._lines.append(_event(tags, name, severity, text, time_ns))
            self._changed.add(watch.device)

    def tick(self, now_ns: int) -> str:  # noqa: ARG002 - see Part
        """See `Part.tick`."""
        lines, self._lines = self._lines, []
        return "".join(lines)

    def take_states(self) -> dict[tuple[str, str], str]:
        """Return what must survive of the vehicles that moved since this was last called."""
        changed, self._changed = self._changed, set()
        return {(PART, device): _saved(self._trips[device]) for device in changed if device in self._trips}

    def prune(self) -> None:
        """Let go of devices that are no longer registered."""
        for device in self._trips.keys() - self._places.entries.keys():
            del self._trips[device]

    def _trip(self, device: str) -> Trip:
        trip = self._trips.get(device)
        if trip is None:
            saved = self._saved.pop(device, None)
            trip = self._trips[device] = Trip() if saved is None else _restored(saved)
        return trip

    def _where(self, profile: str) -> _Places | None:
        if profile not in self._found and profile in self._places.profiles:
            self._found[profile] = _places(self._places.profiles[profile])
        return self._found.get(profile)

    def _step(
        self, trip: Trip, fix: Fix, speed_kmh: float | None, entry: Entry, limit_kmh: float | None
    ) -> Iterator[tuple[int, str, str, str]]:
        """Go on to a fix; yield (time, name, severity, text) of what happened on the way."""
        before, trip.fix = trip.fix, fix
        here = (fix[2], fix[1])
        near = self.fences.near((before[2], before[1]) if before else here, here, entry.agency)
        if before is None or trip.version != self.fences.version:
            at = here if before is None else (before[2], before[1])
            trip.inside = {fence.name for fence in near if fence.holds(*at)}
            trip.version = self.fences.version
        if before is not None:
            yield from _way(trip, before, fix, near)
            if speed_kmh is None and fix[0] - before[0] <= LONG_NS:
                speed_kmh = distance_m(*before[1:], *fix[1:]) / 1000 / ((fix[0] - before[0]) / SECOND / 3600)
        limits = [fence.limit_kmh for fence in near if fence.name in trip.inside and fence.limit_kmh is not None]
        yield from _speed(trip, before, fix, speed_kmh, min(limits, default=limit_kmh))


def _way(trip: Trip, before: Fix, fix: Fix, near: list[Fence]) -> Iterator[tuple[int, str, str, str]]:
    if not reachable(before, fix):
        metres, seconds = distance_m(*before[1:], *fix[1:]), (fix[0] - before[0]) / SECOND
        yield fix[0], "position_jump", "warning", f"{metres / 1000:.1f} km in {seconds:.0f} s"
    elif fix[0] - before[0] <= LONG_NS:
        yield from _crossings(trip, before, fix, near)
        return
    for fence in near:
        if fence.holds(fix[2], fix[1]) != (fence.name in trip.inside):
            yield _passed(trip, fence, fix[0])


def _crossings(trip: Trip, before: Fix, fix: Fix, near: list[Fence]) -> Iterator[tuple[int, str, str, str]]:
    """In the order of time, over all areas."""
    way = (before[2], before[1]), (fix[2], fix[1])
    passages = [(part, fence, inside) for fence in near for part, inside in fence.passages(*way)]
    for part, fence, inside in sorted(passages, key=lambda passage: passage[0]):
        if inside != (fence.name in trip.inside):
            yield _passed(trip, fence, before[0] + round(part * (fix[0] - before[0])))


def _passed(trip: Trip, fence: Fence, time_ns: int) -> tuple[int, str, str, str]:
    if fence.name in trip.inside:
        trip.inside.remove(fence.name)
        return time_ns, "geofence_leave", "info", fence.name
    trip.inside.add(fence.name)
    return time_ns, "geofence_enter", "info", fence.name


def _speed(
    trip: Trip, before: Fix | None, fix: Fix, speed_kmh: float | None, limit_kmh: float | None
) -> Iterator[tuple[int, str, str, str]]:
    too_fast = speed_kmh is not None and limit_kmh is not None and speed_kmh > limit_kmh + TOLERANCE_KMH
    gap = before is None or fix[0] - before[0] > LONG_NS
    if not too_fast or speed_kmh is None or gap:
        trip.fast_ns, trip.top_kmh, trip.told = (fix[0] if too_fast else 0), (speed_kmh or 0.0), False
        return
    trip.fast_ns = trip.fast_ns or fix[0]
    trip.top_kmh = max(trip.top_kmh, speed_kmh) if trip.fast_ns != fix[0] else speed_kmh
    if not trip.told and fix[0] - trip.fast_ns >= TOO_FAST_NS:
        trip.told = True
        yield trip.fast_ns, "overspeed", "warning", f"{trip.top_kmh:.0f} km/h where {limit_kmh:.0f} km/h are allowed"


def _places(profile: Profile) -> _Places | None:
    places = {vital: place for place, vital in enumerate(profile.vitals, BEFORE_VITALS)}
    lat, lon = places.get("gps.lat"), places.get("gps.lon")
    if lat is None or lon is None:
        return None
    return _Places(lat, lon, places.get("gps.speed_kmh"), profile.speed_limit_kmh)


def _event(tags: str, name: str, severity: str, text: str, time_ns: int) -> str:
    """Two events of one moment are kept apart by their content, as those that devices send are."""
    fields = f"name={string_field(name)},severity={string_field(severity)},text={string_field(text)}"
    return f"event{tags} {fields} {time_ns + crc32(fields.encode()) % 1_000_000}\n"


def _saved(trip: Trip) -> str:
    return orjson.dumps([trip.fix, trip.fast_ns, trip.top_kmh, trip.told]).decode()


def _restored(text: str) -> Trip:
    """Which areas it is in follows from where it was last."""
    (time_ns, lat, lon), fast_ns, top_kmh, told = orjson.loads(text)
    return Trip((time_ns, lat, lon), fast_ns=fast_ns, top_kmh=top_kmh, told=told)
