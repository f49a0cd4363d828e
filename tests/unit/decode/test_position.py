"""Positions that are not believed, and trackers that must never be stuck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.position import FASTEST_KMH, LONG_NS, NO_FIX_M, NOISE_M, SECOND, distance_m, implausible, reachable
from hub.decode.watch import Watch
from hub.errors import Fault, Reason

T = 1_790_000_000 * SECOND
HOME = (-7.388, 109.363)
SEMARANG = (-6.993, 110.420)
LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)
TIMES = st.integers(T, T + 86_400 * SECOND)
FIXES = st.tuples(TIMES, LATITUDES, LONGITUDES)


def watch_at(lat: float, lon: float, time_ns: int = T) -> Watch:
    watch = Watch("gps-1", 0)
    watch.fix = (time_ns, lat, lon)
    return watch


def taken(watch: Watch, time_ns: int, lat: float, lon: float) -> bool:
    """What a decoder does with a position."""
    if implausible(watch, time_ns, lat, lon) is not None:
        return False
    watch.fix = (time_ns, lat, lon)
    return True


def test_degrees_become_metres() -> None:
    assert distance_m(0, 0, 0, 1) == pytest.approx(111_195, abs=1)
    assert distance_m(-7, 109, -8, 109) == pytest.approx(111_195, abs=1)
    assert distance_m(*HOME, *SEMARANG) == pytest.approx(124_600, rel=0.01)


@pytest.mark.parametrize("where", [(0.0, 0.0), (-0.0, 0.0), (0.0005, -0.0005), (1e-300, 0)])
def test_zero_zero_is_no_position(where: tuple[float, float]) -> None:
    fault = implausible(Watch("gps-1", 0), T, *where)
    assert fault is not None
    assert fault.reason is Reason.IMPLAUSIBLE
    assert "no fix" in fault.detail


@pytest.mark.parametrize("where", [(0.001, 0.001), (0, 109.363), (-7.388, 0)])
def test_a_place_on_the_equator_or_the_meridian_is_a_position(where: tuple[float, float]) -> None:
    assert implausible(Watch("gps-1", 0), T, *where) is None


def test_the_first_position_is_believed() -> None:
    assert implausible(Watch("gps-1", 0), T, *HOME) is None


def test_a_jump_is_rejected_with_its_length() -> None:
    detail = f"position -6.99300, 110.42000: {_km(HOME, SEMARANG)} km from the last one, 10 s apart"
    assert implausible(watch_at(*HOME), T + 10 * SECOND, *SEMARANG) == Fault(Reason.IMPLAUSIBLE, detail)


def _km(one: tuple[float, float], other: tuple[float, float]) -> str:
    return f"{distance_m(*one, *other) / 1000:.1f}"


def test_a_jump_there_and_back_leaves_the_track_as_it_was() -> None:
    watch = watch_at(*HOME)
    assert not taken(watch, T + 10 * SECOND, *SEMARANG)
    assert taken(watch, T + 20 * SECOND, *HOME)
    assert not taken(watch, T + 30 * SECOND, *SEMARANG)
    assert watch.fix == (T + 20 * SECOND, *HOME)


def test_a_second_fix_at_the_new_place_is_believed() -> None:
    watch = watch_at(*HOME)
    assert not taken(watch, T + 10 * SECOND, *SEMARANG)
    assert taken(watch, T + 20 * SECOND, SEMARANG[0] + 0.001, SEMARANG[1])


def test_the_same_message_sent_again_confirms_nothing() -> None:
    watch = watch_at(*HOME)
    assert not taken(watch, T + 10 * SECOND, *SEMARANG)
    assert not taken(watch, T + 10 * SECOND, *SEMARANG)


def test_after_a_long_silence_any_place_is_believed() -> None:
    assert taken(watch_at(*HOME), T + LONG_NS + 1, *SEMARANG)


def test_a_backlog_behind_the_live_fix_is_believed() -> None:
    assert taken(watch_at(*HOME), T - 60 * SECOND, HOME[0] + 0.005, HOME[1])


def test_two_fixes_of_one_second_may_differ_by_the_noise() -> None:
    assert taken(watch_at(*HOME), T, HOME[0] + 0.001, HOME[1])
    assert not taken(watch_at(*HOME), T, HOME[0] + 0.01, HOME[1])


@given(FIXES, FIXES)
def test_reaching_is_mutual(one: tuple[int, float, float], other: tuple[int, float, float]) -> None:
    assert reachable(one, other) == reachable(other, one)


@given(st.floats(0, 350), st.integers(1, 600), LATITUDES.filter(lambda lat: abs(lat) < 60))
def test_a_vehicle_is_always_believed(kmh: float, seconds: int, lat: float) -> None:
    """Whatever a vehicle of a city can do between two fixes is no jump."""
    north = kmh / 3.6 * seconds / 111_195
    assert taken(watch_at(lat, 109.0), T + seconds * SECOND, lat + north, 109.0)


@given(st.integers(1, 600), LATITUDES.filter(lambda lat: abs(lat) < 60))
def test_faster_than_any_vehicle_is_never_believed_at_once(seconds: int, lat: float) -> None:
    metres = NOISE_M + FASTEST_KMH / 3.6 * seconds + 10
    assert not taken(watch_at(lat, 109.0), T + seconds * SECOND, lat + metres / 111_195, 109.0)


@given(st.lists(FIXES, max_size=8), LATITUDES, LONGITUDES)
def test_no_tracker_is_ever_stuck(past: list[tuple[int, float, float]], lat: float, lon: float) -> None:
    """Whatever it sent before, the second of two fixes at one place is believed."""
    watch = Watch("gps-1", 0)
    for fix in past:
        taken(watch, *fix)
    if distance_m(lat, lon, 0, 0) < NO_FIX_M:
        return
    now = T + 86_401 * SECOND
    taken(watch, now, lat, lon)
    assert taken(watch, now + 10 * SECOND, lat, lon)
