"""Vehicles on their way: areas, speed, jumps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.decode.watch import Watch
from hub.status.fences import Fence
from hub.status.trips import PART, SECOND, TOO_FAST_NS, Trips
from tests.unit.status.city import City, Place, profile

T = 1_790_000_000 * SECOND
SQUARE = [[(109.0, -7.0), (109.1, -7.0), (109.1, -6.9), (109.0, -6.9), (109.0, -7.0)]]
SPLINTER = [[(109.05, -7.05), (109.0501, -7.05), (109.0501, -7.0499), (109.05, -7.05)]]
CITY = City(
    {"bus-1": Place("bus-1", "tracker", "dishub", None, ("traffic",))},
    {"tracker": profile("gps", "lat", "lon", "speed_kmh", interval_s=10, speed_limit_kmh=80)},
)
Event = tuple[str, str, float]


class Bus:
    """A tracker, and what is said of it."""

    def __init__(self, *fences: Fence, saved: dict[str, str] | None = None) -> None:
        self.trips = Trips(CITY, saved or {})
        self.trips.fences.update(fences)
        self.watch = Watch("bus-1", 0)

    def go(self, *fixes: tuple[float, float, float, float | None]) -> list[Event]:
        """Send (seconds, lat, lon, speed); return (name, text, seconds) of the events."""
        samples: list[tuple[Any, ...]] = [
            (T + round(seconds * SECOND), T, lat, lon, speed) for seconds, lat, lon, speed in fixes
        ]
        self.trips.observe(CITY.entries["bus-1"], self.watch, samples, T)
        return [_event(line) for line in self.trips.tick(T).splitlines()]


def _event(line: str) -> Event:
    assert line.startswith("event,agency=dishub,device=bus-1,profile=tracker,zone=traffic name=")
    parts = line.split('"')
    return parts[1], parts[5], (int(line.rsplit(" ", 1)[1]) - T) // 1_000_000 / 1000


def test_a_crossing_is_told_with_the_time_at_which_it_happened() -> None:
    bus = Bus(Fence("pasar", [SQUARE]))
    assert bus.go((0, -6.95, 108.99, 40.0)) == []
    assert bus.go((100, -6.95, 109.01, 40.0)) == [("geofence_enter", "pasar", 50.0)]
    assert bus.go((200, -6.95, 109.02, 40.0)) == []
    assert bus.go((700, -6.95, 109.12, 40.0)) == [("geofence_leave", "pasar", 600.0)]


def test_an_area_between_two_fixes_is_entered_and_left() -> None:
    bus = Bus(Fence("gate", [SPLINTER]))
    bus.go((0, -7.04995, 109.0, None))
    assert [name for name, *_ in bus.go((500, -7.04995, 109.1, None))] == ["geofence_enter", "geofence_leave"]


def test_the_first_fix_of_all_tells_nothing() -> None:
    assert Bus(Fence("pasar", [SQUARE])).go((0, -6.95, 109.05, 0.0)) == []


def test_areas_are_crossed_in_the_order_of_time() -> None:
    later = [[(lon + 0.05, lat) for lon, lat in SQUARE[0]]]
    bus = Bus(Fence("b", [later]), Fence("a", [SQUARE]))
    bus.go((0, -6.95, 108.98, None))
    assert [(name, text) for name, text, _ in bus.go((590, -6.95, 109.16, None))] == [
        ("geofence_enter", "a"), ("geofence_enter", "b"), ("geofence_leave", "a"), ("geofence_leave", "b"),
    ]  # fmt: skip


def test_an_older_fix_and_a_redelivered_one_change_nothing() -> None:
    bus = Bus(Fence("pasar", [SQUARE]))
    bus.go((0, -6.95, 109.05, 0.0), (100, -6.95, 109.06, 0.0))
    assert bus.go((50, -6.95, 108.9, 0.0), (100, -6.95, 109.06, 0.0)) == []
    assert bus.go((200, -6.95, 109.05, 0.0)) == []


def test_a_new_area_around_a_vehicle_is_not_entered() -> None:
    bus = Bus()
    bus.go((0, -6.95, 109.05, 0.0))
    bus.trips.fences.update([Fence("pasar", [SQUARE])])
    assert bus.go((10, -6.95, 109.05, 0.0)) == []
    ((name, text, seconds),) = bus.go((600, -6.95, 109.15, None))
    assert (name, text, round(seconds)) == ("geofence_leave", "pasar", 305)


def test_over_a_long_silence_only_the_new_place_is_told() -> None:
    bus = Bus(Fence("gate", [SPLINTER]), Fence("pasar", [SQUARE]))
    bus.go((0, -7.04995, 109.0, 0.0))
    assert bus.go((3600, -7.04995, 109.1, 0.0)) == []
    assert bus.go((9000, -6.95, 109.05, 0.0)) == [("geofence_enter", "pasar", 9000.0)]


def test_a_jump_is_an_event_and_crosses_nothing() -> None:
    bus = Bus(Fence("pasar", [SQUARE]))
    bus.go((0, -6.95, 108.0, 0.0))
    events = bus.go((20, -6.95, 110.0, 0.0))
    assert [(name, time) for name, _, time in events] == [("position_jump", 20.0)]
    assert events[0][1].endswith(" km in 20 s")
    assert [name for name, *_ in bus.go((40, -6.95, 109.05, 0.0))] == ["position_jump", "geofence_enter"]


def test_a_restart_neither_forgets_a_crossing_nor_invents_one() -> None:
    fence = Fence("pasar", [SQUARE])
    bus = Bus(fence)
    bus.go((0, -6.95, 109.05, 0.0))
    saved = {device: text for (part, device), text in bus.trips.take_states().items() if part == PART}
    assert Bus(fence, saved=saved).go((10, -6.95, 109.05, 0.0)) == []
    assert Bus(fence, saved=saved).go((600, -6.95, 109.15, 0.0)) == [("geofence_leave", "pasar", 300.0)]


def test_an_area_of_another_agency_is_not_told() -> None:
    bus = Bus(Fence("pasar", [SQUARE], "polres"))
    assert bus.go((0, -6.95, 108.99, 40.0), (100, -6.95, 109.01, 40.0)) == []


# Speed


def test_too_fast_for_ten_seconds_is_told_once() -> None:
    bus = Bus()
    assert bus.go((0, -6.95, 109.0, 70.0), (10, -6.95, 109.002, 90.0)) == []
    assert bus.go((19, -6.95, 109.004, 110.0)) == []
    assert bus.go((20, -6.95, 109.004, 95.0)) == [("overspeed", "110 km/h where 80 km/h are allowed", 10.0)]
    assert bus.go((30, -6.95, 109.006, 120.0), (300, -6.95, 109.05, 100.0)) == []
    assert bus.go((310, -6.95, 109.05, 60.0), (320, -6.95, 109.05, 90.0), (331, -6.95, 109.05, 90.0)) == [
        ("overspeed", "90 km/h where 80 km/h are allowed", 320.0)
    ]


def test_a_short_burst_is_not_told() -> None:
    bus = Bus()
    fixes = [(step * 9.0, -6.95, 109.0, 120.0 if step % 2 else 60.0) for step in range(20)]
    assert bus.go(*fixes) == []


def test_the_limit_of_an_area_holds_inside_it() -> None:
    bus = Bus(Fence("school", [SQUARE], limit_kmh=30), Fence("city", [SQUARE], limit_kmh=50))
    events = bus.go(*[(step * 10.0, -6.95, 109.05, 45.0) for step in range(3)])
    assert events == [("overspeed", "45 km/h where 30 km/h are allowed", 0.0)]


def test_without_a_speed_the_way_tells_it() -> None:
    bus = Bus()
    events = bus.go(*[(step * 10.0, -6.95, 109.0 + step * 0.004, None) for step in range(4)])
    assert [(name, time) for name, _, time in events] == [("overspeed", 10.0)]


def test_a_profile_without_a_limit_finds_nothing_too_fast() -> None:
    city = City(CITY.entries, {"tracker": profile("gps", "lat", "lon", "speed_kmh")})
    trips = Trips(city, {})
    samples = [(T + step * 10 * SECOND, T, -6.95, 109.0, 200.0) for step in range(5)]
    trips.observe(city.entries["bus-1"], Watch("bus-1", 0), samples, T)
    assert trips.tick(T) == ""


FIXES = st.lists(
    st.tuples(
        st.integers(1, 1000), st.floats(-7.1, -6.8), st.floats(108.9, 109.2), st.none() | st.floats(0, 200)
    ),
    max_size=12,
)  # fmt: skip


@given(FIXES, st.integers(0, 12))
def test_events_do_not_depend_on_how_fixes_are_bundled_nor_on_a_restart(
    steps: list[tuple[int, float, float, float | None]], cut: int
) -> None:
    fence = Fence("pasar", [SQUARE], limit_kmh=40)
    seconds, fixes = 0, []
    for step, lat, lon, speed in steps:
        seconds += step
        fixes.append((float(seconds), lat, lon, speed))
    whole = Bus(fence).go(*fixes)
    one = Bus(fence)
    first = one.go(*fixes[:cut])
    saved = {device: text for (_, device), text in one.trips.take_states().items()}
    assert first + Bus(fence, saved=saved).go(*fixes[cut:]) == whole
    entered = [name for name, *_ in whole if name.startswith("geofence")]
    assert all(one != other for one, other in pairwise(entered))
    assert TOO_FAST_NS > 0
