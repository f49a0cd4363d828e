"""The polled units move as the real things do, and their registers say what they measure."""

from __future__ import annotations

from datetime import datetime
from struct import pack, unpack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sim.modbus.insides import Polled, build
from hub.sim.modbus.maps import ON_BATTERY, ONLINE, float32, text, uint32
from hub.sim.modbus.plan import GaugePlan, MeterPlan, UnitModel, UnitPlan, UpsPlan
from hub.sim.plan import RiverPlan
from hub.sim.units import SECOND_NS, WIB

if TYPE_CHECKING:
    from hub.sim.modbus.maps import Words

RIVER = RiverPlan(river="Kali Klawing", usual_cm=140, altitude_m=60, flood_cm=300, flood_after_s=10)
PLANS: dict[str, UnitModel] = {
    "meter": MeterPlan(busiest_w=3000),
    "lamps": MeterPlan(busiest_w=3000, lamps=True),
    "ups": UpsPlan(load_w=300, runtime_s=900),
    "gauge": GaugePlan(mast_mm=5000, river=RIVER),
}


def at(hour: int) -> int:
    return int(datetime(2026, 8, 17, hour, tzinfo=WIB).timestamp()) * SECOND_NS


def inside(name: str, seed: int = 1, start_ns: int = at(12)) -> Polled:
    return build(UnitPlan(id="unit-1", unit=1, seed=seed, model=PLANS[name]), start_ns)


def measured(unit: Polled, count: int, every_s: float = 1, start_ns: int = at(12)) -> list[tuple[Words, float]]:
    return [unit.measure(start_ns + int(step * every_s * SECOND_NS)) for step in range(1, count + 1)]


def number(words: Words, first: int) -> float:
    value: float = unpack(">f", pack(">HH", words[first], words[first + 1]))[0]
    return value


@pytest.mark.parametrize("name", PLANS)
def test_every_register_lies_where_the_model_may_be_read_and_holds_sixteen_bits(name: str) -> None:
    unit = inside(name)
    readable = {first + index for first, length in unit.map.blocks for index in range(length)}
    for words, _ in measured(unit, 100):
        assert set(words) <= readable
        assert all(0 <= word <= 0xFFFF for word in words.values())
        assert unit.key.at in words


@pytest.mark.parametrize("name", PLANS)
def test_the_same_seed_says_the_same(name: str) -> None:
    assert measured(inside(name, 5), 50) == measured(inside(name, 5), 50)
    assert measured(inside(name, 5), 50) != measured(inside(name, 6), 50)


def test_a_meter_counts_the_energy_of_its_load() -> None:
    unit = inside("meter")
    before = number(measured(unit, 1)[0][0], 0x48)
    powers = [number(words, 0x0C) for words, _ in measured(unit, 3600)]
    after = number(unit.measure(at(12) + 3601 * SECOND_NS)[0], 0x48)
    assert after - before == pytest.approx(sum(powers) / len(powers) / 1000, rel=0.01)


def test_street_lamps_draw_power_by_night_and_an_office_by_day() -> None:
    drawn = {
        (name, hour): number(inside(name).measure(at(hour))[0], 0x0C) for name in ("meter", "lamps") for hour in (1, 8)
    }
    assert drawn["lamps", 1] > 20 * drawn["lamps", 8]
    assert drawn["meter", 8] > 2 * drawn["meter", 1]


def test_a_meter_says_what_goes_together() -> None:
    words, voltage_v = inside("meter").measure(at(12))
    assert number(words, 0x00) == voltage_v
    assert number(words, 0x0C) == pytest.approx(voltage_v * number(words, 0x06) * number(words, 0x1E), rel=1e-5)


def test_a_ups_goes_on_battery_now_and_then_and_recovers() -> None:
    unit = inside("ups")
    said = [(words[1], words[130] / 2**9, words[151] / 2**6) for words, _ in measured(unit, 1200)]
    names = [event.name for event in unit.happened]
    assert names[:4] == ["on_battery", "on_mains", "on_battery", "on_mains"]
    assert {status for status, _, _ in said} == {ONLINE, ON_BATTERY}
    assert all(mains_v == 0 for status, _, mains_v in said if status == ON_BATTERY)
    assert 50 < min(charge for _, charge, _ in said) < 99
    assert max(charge for _, charge, _ in said) == 100


def test_a_river_comes_nearer_to_its_sensor_with_the_flood_and_sinks_again() -> None:
    unit = inside("gauge")
    distances = [words[0x34] for words, _ in measured(unit, 1200)]
    crest = distances.index(min(distances))
    assert distances[0] == pytest.approx(3600, abs=20)
    assert crest == pytest.approx(100, abs=20)
    assert distances[crest] == pytest.approx(600, abs=20)
    assert distances[-1] > 3500
    assert [event.text.partition(":")[0] for event in unit.happened] == [
        "Siaga 3", "Siaga 2", "Siaga 1", "Siaga 2", "Siaga 3", "Normal",
    ]  # fmt: skip


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_stands_in_two_registers_high_word_first(value: float) -> None:
    assert number(float32(0, value), 0) == value


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_a_whole_number_stands_in_two_registers_high_word_first(value: int) -> None:
    words = uint32(7, value)
    assert words[7] * 2**16 + words[8] == value


def test_text_stands_two_characters_a_register() -> None:
    assert text(516, "UPS 09") == {516: 0x5550, 517: 0x5320, 518: 0x3039}
