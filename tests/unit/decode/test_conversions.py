"""From raw to canonical: all that hub/profiles/values.py and a message's sources promise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decode.models import Model


def one(name: str, source: dict[str, Any]) -> Model:
    """Return a model with one reading, beside another that is always there."""
    return Model({"readings": {name: {"from": "x", **source}, "firmware": "fw"}})


def stored(name: str, source: dict[str, Any], raw: object) -> object:
    """Return what is stored of a raw value; the reason in brackets when it is rejected."""
    points, faults = one(name, source).outcome(json.dumps({"x": raw, "fw": "1"}))
    assert [point.fields["firmware"] for point in points] == ["1"]
    return f"<{faults[0].reason}>" if faults else points[0].fields.get(name)


@pytest.mark.parametrize(
    ("name", "source", "raw", "expected"),
    [
        # absent
        ("power_w", {"absent": [32768]}, 32768, None),
        ("power_w", {"absent": [32768]}, 32768.0, None),
        ("power_w", {"absent": [1]}, True, "<wrong_type>"),
        ("power_w", {"absent": [0], "scale": 0.1}, 0, None),
        ("power_w", {"absent": [0], "scale": 0.1}, 1, 0.1),
        ("power_w", {"absent": ["n/a"]}, "n/a", None),
        ("power_w", {"absent": ["n/a"]}, "N/A", "<wrong_type>"),
        ("on", {"absent": [False]}, False, None),
        ("state", {"absent": [""]}, "", None),
        ("energy_wh", {"absent": [-1]}, -1, None),
        # bit
        ("on", {"bit": 0}, 5, True),
        ("on", {"bit": 1}, 5, False),
        ("on", {"bit": 15}, -1, True),
        ("on", {"bit": 2}, 4.0, True),
        ("on", {"bit": 0}, 0.5, "<wrong_type>"),
        ("on", {"bit": 0}, "5", "<wrong_type>"),
        ("on", {"bit": 0, "numeral": True}, "5", True),
        ("on", {"bit": 0}, True, "<wrong_type>"),
        # map
        ("state", {"map": {"1": "closed", "2": "open"}}, 1, "closed"),
        ("state", {"map": {"1": "closed"}}, 1.0, "closed"),
        ("state", {"map": {"1": "closed"}}, "1", "closed"),
        ("state", {"map": {"1": "closed"}}, 3, "<out_of_range>"),
        ("state", {"map": {"true": "on", "false": "off"}}, True, "on"),
        ("state", {"map": {"1": "closed"}}, True, "<out_of_range>"),
        ("state", {"map": {"1": "closed"}}, [1], "<out_of_range>"),
        ("on", {"map": {"ON": True, "OFF": False}}, "OFF", False),
        ("energy_wh", {"map": {"low": 1}}, "low", 1),
        ("power_w", {"map": {"low": 1.5}}, "low", 1.5),
        # scale, offset, range, clamp
        ("power_w", {"scale": 0.1, "offset": -10}, 50, -5.0),
        ("power_w", {"min": 0, "max": 100}, -0.1, "<out_of_range>"),
        ("power_w", {"min": 0, "max": 100}, 100, 100.0),
        ("power_w", {"min": 0, "max": 100, "clamp": True}, 1e9, 100.0),
        ("power_w", {"clamp": True}, -1e300, -1000.0),
        ("energy_wh", {"max": 10, "scale": 2}, 6, "<out_of_range>"),
        ("energy_wh", {"max": 10, "scale": 2, "clamp": True}, 6, 10),
        ("energy_wh", {"max": 10, "clamp": True}, 5.5, "<wrong_type>"),
        # part, separator, numeral
        ("power_w", {"numeral": True}, "23.5", 23.5),
        ("power_w", {"numeral": True}, " -2e1 ", -20.0),
        ("power_w", {"numeral": True}, 7, 7.0),
        ("power_w", {"numeral": True}, "7 W", "<wrong_type>"),
        ("power_w", {"numeral": True}, "nan", "<wrong_type>"),
        ("power_w", {"numeral": True}, "1_0", "<wrong_type>"),
        ("power_w", {"numeral": True}, "\u0661", "<wrong_type>"),
        ("power_w", {"numeral": True}, "9" * 400, "<wrong_type>"),
        ("power_w", {"numeral": True}, "1e400", "<out_of_range>"),
        ("power_w", {}, "23.5", "<wrong_type>"),
        ("energy_wh", {"numeral": True}, "+5", 5),
        ("energy_wh", {"numeral": True, "absent": [65535]}, "65535", None),
        ("power_w", {"part": 1}, "1.5,2.5", 2.5),
        ("power_w", {"part": 1, "separator": "/"}, "1.5/2.5/3", 2.5),
        ("power_w", {"part": 2}, "1.5,2.5", "<wrong_type>"),
        ("power_w", {"part": 0}, ",2.5", None),
        ("power_w", {"part": 0, "absent": ["0.0,0.0"]}, "0.0,0.0", None),
        ("power_w", {"part": 0, "absent": ["-"]}, "-,0.0", None),
        ("power_w", {"part": 0}, 1.5, "<wrong_type>"),
        ("state", {"part": 1, "separator": ";"}, "a; b", "b"),
        ("on", {"part": 0, "map": {"up": True}}, "up,1", True),
        # default
        ("power_w", {"default": 0}, None, 0.0),
        ("power_w", {"default": 0}, 3, 3.0),
        ("power_w", {"default": 0}, "x", "<wrong_type>"),
        ("power_w", {"default": 5, "scale": 2}, None, 10.0),
        ("state", {"default": "idle"}, None, "idle"),
        ("on", {"default": False}, None, False),
        ("power_w", {"default": 0, "absent": [9]}, 9, None),
    ],
)
def test_a_raw_value_becomes_canonical(name: str, source: dict[str, Any], raw: object, expected: object) -> None:
    assert stored(name, source, raw) == expected


def test_defaults_alone_are_no_sample_for_nothing_was_received() -> None:
    model = Model({"readings": {"power_w": {"from": "p", "default": 0}, "state": "s"}})

    assert model.fields('{"s":"on"}') == {"power_w": 0.0, "state": "on"}
    assert model.reasons("{}") == ["no_readings"]
    assert model.reasons('{"s":1}') == ["wrong_type"]
    assert model.outcome('{"s":1}')[0] == []


def test_a_part_of_an_array_is_found_by_its_index_and_a_key_of_digits_by_its_name() -> None:
    model = Model({"readings": {"power_w": "phases.1.w", "energy_wh": "io.239", "firmware": "0"}})

    sent = {"phases": [{"w": 1}, {"w": 2.5}], "io": {"239": 7}, "0": "a"}
    assert model.fields(json.dumps(sent)) == {"power_w": 2.5, "energy_wh": 7, "firmware": "a"}
    assert model.fields('{"io":[0],"0":"a"}') == {"firmware": "a"}
    assert model.fields('{"phases":[1],"0":"a"}') == {"firmware": "a"}
    assert model.reasons('{"phases":1,"0":"a"}') == ["wrong_type"]
    assert model.reasons('{"phases":[0,5],"0":"a"}') == ["wrong_type"]


def test_a_reading_may_stand_in_the_topic() -> None:
    model = Model({"topics": ["a/{device}/#"], "readings": {"state": "$topic.3", "energy_wh": "$topic.2", "on": "on"}})

    assert model.fields('{"on":true}', topic="a/d/12/VMD") == {"state": "VMD", "energy_wh": 12, "on": True}
    assert model.fields('{"on":true}', topic="a/d") == {"on": True}
    assert model.reasons('{"on":true}', topic="a/d/x/VMD") == ["wrong_type"]


def test_the_vendors_own_readings_stand_apart_under_the_profiles_name() -> None:
    own = {"relay": {"type": "bool", "about": "A relay"}}
    model = Model({"readings": {"energy": {"power_w": "p"}, "own": {"relay": "r"}}}, own=own)

    points, _ = model.outcome('{"p":1,"r":true}')

    assert [(point.measurement, point.fields) for point in points] == [
        ("energy", {"power_w": 1.0}),
        ("meter_ext", {"v_m_relay": True}),
    ]


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("1,2")
)
SOURCES = st.fixed_dictionaries(
    {},
    optional={
        "absent": st.lists(st.integers(-2, 2) | st.text(max_size=2) | st.booleans(), max_size=2),
        "part": st.integers(0, 2),
        "numeral": st.booleans(),
        "default": st.integers(-2, 2),
        "clamp": st.booleans(),
        "min": st.floats(-10, 0),
        "max": st.floats(0, 10),
    },
)


@given(st.sampled_from(["power_w", "energy_wh", "on", "state"]), SOURCES, PLAIN)
def test_whatever_a_source_says_a_value_is_stored_in_its_range_or_rejected(
    name: str, source: dict[str, Any], raw: object
) -> None:
    result = stored(name, source, raw)

    types = {"power_w": float, "energy_wh": int, "on": bool, "state": str}
    assert result is None or type(result) is types[name] or str(result).startswith("<")
    if type(result) is float or type(result) is int:
        assert source.get("min", -1000) <= result <= source.get("max", 10**12)
