"""The insides of the devices: what they say fits their profiles, and moves as the real thing does."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.messages import compile_profile
from hub.decode.watch import Watch
from hub.errors import Rejected
from hub.sim.geography import DISTRICTS, Point, distance_m
from hub.sim.models import activity, build, warmth
from hub.sim.plan import CameraPlan, DevicePlan, ModelPlan, RiverPlan, TrackerPlan, WeatherPlan
from hub.sim.rubbish import Rubbish, spoil
from hub.sim.units import SECOND_NS, WIB, Unit, hour_of_day
from tests.shipped import PROFILES, VOCABULARY

if TYPE_CHECKING:
    from hub.decode.formats import Decoder
    from hub.profiles.schema import Profile
    from hub.sim.units import Sample

NOON = int(datetime(2026, 8, 17, 12, tzinfo=WIB).timestamp()) * SECOND_NS
ROUTE = (DISTRICTS["purbalingga"].centre, DISTRICTS["bojongsari"].centre, DISTRICTS["bobotsari"].centre)
PLANS: dict[str, ModelPlan] = {
    "generic_ipcamera": CameraPlan(bitrate_bps=4_000_000),
    "generic_tracker": TrackerPlan(route=ROUTE, cruise_kmh=40),
    "generic_environment": RiverPlan(river="Kali Klawing", usual_cm=140, altitude_m=60, flood_cm=300, flood_after_s=10),
    "generic_environment weather": WeatherPlan(altitude_m=150),
}
KEEP_NS = 30 * 86_400 * SECOND_NS


def unit(name: str, seed: int = 1) -> Unit:
    return build(DevicePlan(id="unit-1", seed=seed, model=PLANS[name]), NOON)


def samples(model: Unit, count: int, every_s: float = 1) -> list[Sample]:
    return [model.sample(NOON + int(step * every_s * SECOND_NS)) for step in range(1, count + 1)]


def number(value: object) -> float:
    assert isinstance(value, int | float)
    return value


def profile(name: str) -> Profile:
    return PROFILES[name.partition(" ")[0]]


@cache
def decoder(name: str, channel: str) -> Decoder:
    return compile_profile(profile(name), name.partition(" ")[0], VOCABULARY, KEEP_NS)[channel].bind("")


def decode(name: str, channel: str, payload: bytes) -> str:
    return decoder(name, channel)(",device=unit-1", payload, NOON, False, Watch("unit-1", 0))  # noqa: FBT003 - the hot path's own way


@pytest.mark.parametrize("name", PLANS)
def test_the_hub_takes_every_sample_and_makes_one_point_in_each_measurement(name: str) -> None:
    model = unit(name)
    for sample in samples(model, 200):
        lines = decode(name, "telemetry", orjson.dumps(sample)).splitlines()
        assert [line.partition(",")[0] for line in lines] == list(model.measurements)
        assert {int(line.rpartition(" ")[2]) for line in lines} == {number(sample["ts"]) * 1_000_000}


@pytest.mark.parametrize("name", PLANS)
def test_every_reading_of_a_sample_is_known_to_its_profile(name: str) -> None:
    known = {
        source.path for readings in profile(name).mqtt["telemetry"].readings.values() for source in readings.values()
    }
    sample = unit(name).sample(NOON)
    wind = sample.pop("wind", None)
    sent = set(sample) | ({f"wind.{key}" for key in wind} if isinstance(wind, dict) else set())
    assert sent - known == {"ts"}


@pytest.mark.parametrize("name", PLANS)
def test_the_same_seed_says_the_same(name: str) -> None:
    assert samples(unit(name, 5), 50) == samples(unit(name, 5), 50)
    assert samples(unit(name, 5), 50) != samples(unit(name, 6), 50)


@given(st.lists(st.integers(min_value=-5, max_value=5), max_size=30))
def test_time_and_sequence_rise_whatever_the_clock_does(steps_s: list[int]) -> None:
    model, now, times, numbers = unit("generic_tracker"), NOON, [0], [0]
    for step in steps_s:
        now += step * SECOND_NS
        sample = model.sample(now)
        times.append(int(number(sample["ts"])))
        numbers.append(int(number(sample["seq"])))
    assert times == sorted(set(times))
    assert numbers == list(range(len(steps_s) + 1))


def test_a_camera_counts_the_bytes_of_its_bit_rate() -> None:
    first, *rest = samples(unit("generic_ipcamera"), 100)
    assert number(first["tx_bytes"]) == pytest.approx(number(first["bitrate_bps"]) / 8, abs=1)
    before = first
    for sample in rest:
        grown = number(sample["tx_bytes"]) - number(before["tx_bytes"])
        assert grown == pytest.approx(number(sample["bitrate_bps"]) / 8, abs=2)
        before = sample


@pytest.mark.parametrize("name", PLANS)
def test_a_reboot_starts_the_counters_anew_and_is_told(name: str) -> None:
    model = unit(name)
    before = samples(model, 100)[-1]
    model.reboot(NOON + 101 * SECOND_NS)
    after = model.sample(NOON + 102 * SECOND_NS)
    assert (after["boot"], after["seq"]) == (2, 1)
    assert number(after["ts"]) > number(before["ts"])
    assert number(after.get("tx_bytes", 0)) <= number(before.get("tx_bytes", 0))
    assert model.happened[-1].name == "reboot"


def test_a_vehicle_drives_as_fast_as_it_says() -> None:
    model = unit("generic_tracker")
    before = model.sample(NOON)
    for second in range(1, 3000):
        after = model.sample(NOON + second * SECOND_NS)
        metres = distance_m(position(before), position(after))
        assert metres <= number(after["speed"]) / 3.6 + 0.3
        assert 0 <= number(after["speed"]) < 60
        before = after


def test_a_vehicle_reaches_both_ends_of_its_route() -> None:
    driven = [position(sample) for sample in samples(unit("generic_tracker"), 3000, every_s=2)]
    for end in (ROUTE[0], ROUTE[-1]):
        assert min(distance_m(end, at) for at in driven) < 5


def test_a_flood_rises_is_told_by_its_levels_and_falls() -> None:
    model = unit("generic_environment")
    levels = [number(sample["level_cm"]) for sample in samples(model, 900)]
    crest = max(range(len(levels)), key=levels.__getitem__)
    assert levels[0] == pytest.approx(140, abs=3)
    assert levels[crest] == pytest.approx(440, abs=5)
    assert crest == pytest.approx(100, abs=25)
    assert levels[-1] < 150
    told = [event.text.partition(":")[0] for event in model.happened]
    assert told == ["Siaga 3", "Siaga 2", "Siaga 1", "Siaga 2", "Siaga 3", "Normal"]


def test_a_river_without_a_flood_stays_where_it_is() -> None:
    plan = RiverPlan(river="Kali Laban", usual_cm=70, altitude_m=100)
    model = build(DevicePlan(id="unit-1", model=plan), NOON)
    assert all(number(sample["level_cm"]) == pytest.approx(70, abs=2) for sample in samples(model, 500))
    assert model.happened == []


def test_events_are_taken_by_the_hub() -> None:
    model = unit("generic_environment")
    samples(model, 100)
    payload = orjson.dumps(model.tell(model.happened[0], NOON + 100 * SECOND_NS))
    assert decode("generic_environment", "events", payload).startswith('event,device=unit-1 name="water_level"')


def test_the_city_is_busier_in_the_morning_than_at_night_and_warmer_after_noon() -> None:
    assert activity(3) < 0.1 < activity(12) < activity(7)
    assert activity(7) > 0.6 < activity(16.5)
    assert warmth(5) == pytest.approx(23.5) != warmth(14) == pytest.approx(32)


@given(st.floats(min_value=0, max_value=24, exclude_max=True))
def test_activity_is_a_part_and_warmth_is_tropical(hour: float) -> None:
    assert 0 <= activity(hour) <= 1
    assert 23 <= warmth(hour) <= 33


def test_the_hour_is_that_of_western_indonesia() -> None:
    assert hour_of_day(NOON) == 12


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("kind", [kind for kind in Rubbish if kind is not Rubbish.UNSET_CLOCK])
def test_the_hub_rejects_rubbish(name: str, kind: Rubbish) -> None:
    model = unit(name)
    payload = spoil(kind, model.sample(NOON), model)
    with pytest.raises(Rejected) as caught:
        decode(name, "telemetry", payload)
    expected = {Rubbish.BAD_JSON: "bad_payload"}.get(kind, str(kind))
    assert [fault.reason for fault in caught.value.faults] == [expected]


@pytest.mark.parametrize("name", PLANS)
def test_a_clock_that_was_never_set_costs_a_tracker_its_sample_and_others_their_time(name: str) -> None:
    model = unit(name)
    payload = spoil(Rubbish.UNSET_CLOCK, model.sample(NOON), model)
    if name == "generic_tracker":
        with pytest.raises(Rejected, match="1970"):
            decode(name, "telemetry", payload)
    else:
        assert "clock_skew=true" in decode(name, "telemetry", payload)


def position(sample: Sample) -> Point:
    return Point(number(sample["lat"]), number(sample["lon"]))
