from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.registers import Reported, compile_modbus
from hub.errors import ProfileError, Reason
from hub.profiles.modbus import WIDTH, Order, RegisterType
from tests.unit.decode.line_protocol import parse_lines
from tests.unit.decode.meters import NOW, TAGS, VOCABULARY, encode_integer, meter, words_of

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

    from hub.decode.registers import Taken

SECOND = 1_000_000_000


def take(words: list[int], register: dict[str, Any], reading: str = "voltage_v") -> Taken:
    """Decode one register of a meter at address 0."""
    measurement = "level" if reading == "distance_mm" else "energy"
    (group,) = compile_modbus(meter({measurement: {reading: {"at": 0, **register}}}), "maker_m1", VOCABULARY)
    return group.decode(TAGS, dict(enumerate(words)), NOW)


def value_of(words: list[int], register: dict[str, Any], reading: str = "voltage_v") -> object:
    taken = take(words, register, reading)
    assert taken.faults == []
    (point,) = parse_lines(taken.lines)
    return point.fields[reading]


def reasons(taken: Taken) -> list[Reason]:
    return [fault.reason for _, fault in taken.faults]


def test_readings_of_a_kind_share_a_line_and_carry_the_time_of_the_read() -> None:
    profile = meter(
        {
            "energy": {
                "power_w": {"at": 0, "type": "int16"},
                "energy_wh": {"at": 1, "type": "uint32", "scale": 10},
                "on": {"at": 3, "type": "uint16", "bit": 2},
            },
            "level": {"distance_mm": {"at": 4, "type": "uint16"}},
        }
    )
    (group,) = compile_modbus(profile, "maker_m1", VOCABULARY)
    taken = group.decode(TAGS, dict(enumerate([0xFFFE, 1, 2, 4, 7])), NOW)
    assert taken.lines == (
        f"energy{TAGS} power_w=-2.0,energy_wh=655380i,on=true {NOW}\nlevel{TAGS} distance_mm=7.0 {NOW}\n"
    )


def test_the_vendors_own_readings_stand_apart_under_the_profiles_name() -> None:
    own = {"relay_hours": {"type": "int", "unit": "h", "min": 0, "max": 65535, "about": "of the relay"}}
    profile = meter({"own": {"relay_hours": {"at": 3, "type": "uint16"}}}, own=own)
    (group,) = compile_modbus(profile, "maker_m1", VOCABULARY)
    assert group.decode(TAGS, {3: 12}, NOW).lines == f"meter_ext{TAGS} maker_m1_relay_hours=12i {NOW}\n"


def test_a_reading_that_nobody_defines_is_named() -> None:
    with pytest.raises(ProfileError, match=r"maker_m1: modbus: own\.hours: no such reading"):
        compile_modbus(meter({"own": {"hours": {"at": 3, "type": "uint16"}}}), "maker_m1", VOCABULARY)


def test_groups_of_one_table_and_interval_are_polled_as_one() -> None:
    one = {"energy": {"power_w": {"at": 0, "type": "int16"}}}
    two = {"every_s": 10, "table": "holding", "readings": {"energy": {"voltage_v": {"at": 1, "type": "int16"}}}}
    three = {"every_s": 60, "table": "holding", "readings": {"energy": {"energy_wh": {"at": 2, "type": "int16"}}}}
    groups = compile_modbus(meter(one, more={"too": two, "slow": three}), "maker_m1", VOCABULARY)
    assert [[field.name for field in group.fields] for group in groups] == [["power_w", "voltage_v"], ["energy_wh"]]


def test_a_half_read_block_yields_the_half_that_was_read() -> None:
    registers = {"power_w": {"at": 0, "type": "int32"}, "voltage_v": {"at": 2, "type": "int32"}}
    (group,) = compile_modbus(meter({"energy": registers}), "maker_m1", VOCABULARY)
    assert group.decode(TAGS, {0: 0, 1: 5, 2: 0}, NOW).lines == f"energy{TAGS} power_w=5.0 {NOW}\n"
    assert group.decode(TAGS, {}, NOW).lines == ""


def test_what_is_out_of_range_costs_only_itself() -> None:
    registers = {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 1, "type": "uint16"}}
    (group,) = compile_modbus(meter({"energy": registers}), "maker_m1", VOCABULARY)
    taken = group.decode(TAGS, {0: 60000, 1: 230}, NOW)
    assert taken.lines == f"energy{TAGS} voltage_v=230.0 {NOW}\n"
    ((key, fault),) = taken.faults
    assert key == "energy.power_w"
    assert fault == (Reason.OUT_OF_RANGE, "energy.power_w at 0: 60000.0 is not in -50000.0 ... 50000.0 W")


def test_vital_signs_stand_in_the_profiles_order() -> None:
    registers = {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 1, "type": "uint16"}}
    vitals = ["energy.voltage_v", "energy.firmware", "energy.power_w"]
    (group,) = compile_modbus(meter({"energy": registers}, vitals=vitals), "maker_m1", VOCABULARY)
    assert group.decode(TAGS, {0: 1, 1: 2}, NOW).vitals == (2.0, None, 1.0)
    assert group.decode(TAGS, {0: 1}, NOW).vitals == (None, None, 1.0)


@pytest.mark.parametrize(
    ("words", "register"),
    [
        ([32768], {"type": "uint16", "absent": [32768]}),
        ([32768], {"type": "int16", "absent": [32768]}),
        ([32769], {"type": "int16", "absent": [32768, -32767]}),
        ([0x7FC0, 0], {"type": "float32"}),
        ([0xFFFF, 0xFFFF], {"type": "float32"}),
        (words_of(struct.pack(">f", -9999.9), "ABCD"), {"type": "float32", "absent": [-9999.9]}),
        ([0xFFFF], {"type": "bcd", "length": 1, "absent": [65535]}),
        ([0x7E00], {"type": "float16"}),
    ],
)
def test_a_sentinel_is_no_reading_and_no_fault(words: list[int], register: dict[str, Any]) -> None:
    taken = take(words, register)
    assert (taken.lines, taken.faults) == ("", [])


def test_an_empty_text_is_no_reading() -> None:
    taken = take([0x2020, 0], {"type": "string", "length": 2}, "state")
    assert (taken.lines, taken.faults) == ("", [])


@pytest.mark.parametrize(
    ("words", "register", "reading", "value"),
    [
        ([3], {"type": "uint16", "scale": 0.1}, "voltage_v", 0.3),
        ([1004], {"type": "uint16", "scale": 0.1, "offset": -40}, "voltage_v", 100.4 - 40),
        ([100], {"type": "uint16", "scale": 0.25}, "voltage_v", 25.0),
        ([0x1234], {"type": "bcd", "length": 1}, "voltage_v", 1234.0),
        ([1], {"type": "uint16", "map": {"1": "on battery"}}, "state", "on battery"),
        ([1], {"type": "bit", "map": {"true": "open", "false": "shut"}}, "state", "open"),
        ([0], {"type": "bit"}, "on", False),
        ([1], {"type": "uint16"}, "on", True),
        ([0x8000], {"type": "int16", "bit": 15}, "on", True),
        ([200], {"type": "uint16", "max": 100, "clamp": True}, "voltage_v", 100.0),
        ([0xFFFE], {"type": "int16", "clamp": True}, "distance_mm", 0.0),
        (words_of(b"V1.2", "BADC"), {"type": "string", "length": 2, "order": "BADC"}, "state", "V1.2"),
        (words_of(struct.pack(">f", 1.2346), "ABCD"), {"type": "float32", "scale": 1000}, "energy_wh", 1235),
    ],
)
def test_each_step_of_the_conversion(words: list[int], register: dict[str, Any], reading: str, value: object) -> None:
    assert value_of(words, register, reading) == value


@pytest.mark.parametrize(
    ("words", "register", "reading", "reason"),
    [
        ([7], {"type": "uint16", "map": {"1": "x"}}, "state", Reason.OUT_OF_RANGE),
        ([7], {"type": "uint16"}, "state", Reason.WRONG_TYPE),
        ([7], {"type": "uint16"}, "on", Reason.WRONG_TYPE),
        ([1], {"type": "bit"}, "voltage_v", Reason.WRONG_TYPE),
        ([0x3F80, 0], {"type": "float32", "bit": 1}, "on", Reason.WRONG_TYPE),
        ([0x7F80, 0], {"type": "float32", "clamp": True}, "voltage_v", Reason.OUT_OF_RANGE),
        ([0x0107], {"type": "string", "length": 1}, "state", Reason.OUT_OF_RANGE),
        ([0xFFFE], {"type": "string", "length": 1}, "state", Reason.WRONG_TYPE),
        ([0x00FA], {"type": "bcd", "length": 1}, "voltage_v", Reason.WRONG_TYPE),
        ([0x9999] * 125, {"type": "bcd", "length": 125}, "voltage_v", Reason.OUT_OF_RANGE),
        ([0x9999] * 125, {"type": "bcd", "length": 125, "scale": 0.1}, "energy_wh", Reason.OUT_OF_RANGE),
        ([0x9999] * 125, {"type": "bcd", "length": 125, "scale": 0.3}, "energy_wh", Reason.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_the_reading_is_a_fault(
    words: list[int], register: dict[str, Any], reading: str, reason: Reason
) -> None:
    taken = take(words, register, reading)
    assert (taken.lines, reasons(taken)) == ("", [reason])


@given(st.integers(0, 2**64 - 1))
def test_a_64_bit_counter_keeps_every_digit_or_is_a_fault(value: int) -> None:
    words = encode_integer(value, "uint64", "ABCD")
    if value < 2**63:
        assert value_of(words, {"type": "uint64"}, "energy_wh") == value
    else:
        assert reasons(take(words, {"type": "uint64"}, "energy_wh")) == [Reason.OUT_OF_RANGE]


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([10, 1000]), st.integers(-5, 5))
def test_whole_scales_keep_every_digit_as_well(value: int, scale: int, offset: int) -> None:
    register = {"type": "int64", "scale": scale, "offset": offset}
    taken = take(encode_integer(value, "int64", "ABCD"), register, "balance_wh")
    if abs(value * scale + offset) < 2**63:
        assert parse_lines(taken.lines)[0].fields["balance_wh"] == value * scale + offset
    else:
        assert reasons(taken) == [Reason.OUT_OF_RANGE]


REGISTERS = st.fixed_dictionaries(
    {"type": st.sampled_from(get_args(RegisterType)), "order": st.sampled_from(get_args(Order))},
    optional={
        "absent": st.lists(st.integers(-70000, 70000) | st.floats() | st.booleans() | st.text(max_size=3), max_size=3),
        "scale": st.floats(allow_nan=False, allow_infinity=False),
        "offset": st.floats(allow_nan=False, allow_infinity=False),
        "clamp": st.booleans(),
        "min": st.floats(-1e6, 1e6),
    },
)
WORDS = st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4)


@given(REGISTERS, st.sampled_from(["voltage_v", "energy_wh", "balance_wh", "on", "state"]), WORDS, st.data())
def test_any_words_become_sound_lines_or_faults(
    register: dict[str, Any], reading: str, words: list[int], data: DataObject
) -> None:
    if register["type"] not in WIDTH:
        register["length"] = data.draw(st.integers(1, 4))
    taken = take(words, register, reading)
    for point in parse_lines(taken.lines):
        value = point.fields[reading]
        assert not isinstance(value, float) or math.isfinite(value)
        assert not taken.faults


def moving(dead_band: float, silence_s: float) -> Any:  # noqa: ANN401 - a group
    register = {"at": 0, "type": "int16", "dead_band": dead_band, "silence_s": silence_s}
    (group,) = compile_modbus(meter({"energy": {"power_w": register}}), "maker_m1", VOCABULARY)
    return group


def test_a_reading_with_a_dead_band_is_reported_when_it_moved_or_was_silent() -> None:
    group, reported = moving(5, 60), Reported()
    series = [(0, 100), (10, 104), (20, 105), (30, 106), (40, 101), (50, 100), (90, 104), (110, 104)]
    told = [second for second, value in series if group.decode(TAGS, {0: value}, NOW + second * SECOND, reported).lines]
    assert told == [0, 30, 50, 110]


def test_what_is_forgotten_is_reported_anew() -> None:
    group, reported = moving(5, 60), Reported()
    assert group.decode(TAGS, {0: 1}, NOW, reported).lines
    assert not group.decode(TAGS, {0: 1}, NOW + SECOND, reported).lines
    reported.clear()
    assert group.decode(TAGS, {0: 1}, NOW + 2 * SECOND, reported).lines


def test_a_clock_that_steps_back_ends_the_silence() -> None:
    group, reported = moving(5, 60), Reported()
    assert group.decode(TAGS, {0: 1}, NOW, reported).lines
    assert group.decode(TAGS, {0: 1}, NOW - 3600 * SECOND, reported).lines


def test_vital_signs_are_told_also_when_nothing_is_reported() -> None:
    register = {"at": 0, "type": "int16", "dead_band": 5, "silence_s": 60}
    profile = meter({"energy": {"power_w": register}}, vitals=["energy.power_w"])
    (group,) = compile_modbus(profile, "maker_m1", VOCABULARY)
    reported = Reported()
    group.decode(TAGS, {0: 1}, NOW, reported)
    taken = group.decode(TAGS, {0: 2}, NOW + SECOND, reported)
    assert (taken.lines, taken.vitals) == ("", (2.0,))
