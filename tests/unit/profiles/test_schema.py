from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hub.profiles.mqtt import MessageSpec, Source
from hub.profiles.schema import Case
from hub.profiles.vocabulary import INT64_MAX, Reading, Vocabulary

GOOD = {"type": "float", "unit": "V", "min": 0, "max": 10, "about": "Voltage"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": None}, "needs unit, min and max"),
        ({"max": None}, "needs unit, min and max"),
        ({"min": 11}, "min is greater than max"),
        ({"max": float("inf")}, "finite number"),
        ({"min": float("nan")}, "finite number"),
        ({"type": "int", "max": INT64_MAX + 1}, "fit into 64 bits"),
        ({"type": "bool"}, "has no min and max"),
        ({"type": "double"}, "'float', 'int', 'bool' or 'string'"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_reading_that_cannot_be_stored_safely_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Reading.model_validate(GOOD | change)


def test_readings_of_every_type_are_possible() -> None:
    assert Reading.model_validate(GOOD).max == 10
    assert Reading.model_validate(GOOD | {"type": "int", "max": INT64_MAX}).max == INT64_MAX
    assert Reading(type="bool", about="On").unit is None


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_has_no_empty_part(path: str) -> None:
    with pytest.raises(ValidationError, match="joined by dots"):
        Source.model_validate({"from": path})


def test_a_source_may_be_written_as_its_path_alone() -> None:
    spec = MessageSpec.model_validate({"readings": {"m": {"a": "x.y", "b": {"from": "z", "scale": 0.1}}}})

    assert spec.readings["m"] == {"a": Source(path="x.y"), "b": Source(path="z", scale=0.1)}


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a=b", "a\n", "a" * 65])
def test_names_enter_generated_code_and_line_protocol_so_they_are_plain(name: str) -> None:
    with pytest.raises(ValidationError):
        MessageSpec.model_validate({"readings": {"m": {name: "x"}}})
    with pytest.raises(ValidationError):
        MessageSpec.model_validate({"readings": {name: {"a": "x"}}})


def test_scale_and_offset_are_finite() -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Source.model_validate({"from": "x", "scale": float("inf")})


def test_a_measurement_carries_its_own_readings_and_the_common_ones() -> None:
    own, common = Reading.model_validate(GOOD), Reading(type="bool", about="Common")
    vocabulary = Vocabulary(common={"skew": common}, measurements={"m": {"v": own}})

    assert (vocabulary.reading("m", "v"), vocabulary.reading("m", "skew")) == (own, common)
    assert (vocabulary.reading("m", "x"), vocabulary.reading("n", "skew")) == (None, None)
    assert vocabulary.names("m") == ["v", "skew"]


def test_a_case_is_a_fresh_telemetry_message_unless_it_says_otherwise() -> None:
    case = Case(about="x", payload="{}")

    assert (case.message, case.retained, case.lines, case.rejected) == ("telemetry", False, (), ())


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ({"holding": {0: [65536]}}, "holding 0: 65536 is not in 0 ... 65535"),
        ({"input": {7: [1, -1]}}, "input 7: -1 is not in 0 ... 65535"),
        ({"coil": {3: [1, 2]}}, "coil 3: 2 is not in 0 ... 1"),
        ({"discrete": {65536: [1, 1]}}, "discrete 65536: is beyond the addresses"),
        ({"holding": {-1: [1]}}, "holding -1: is beyond the addresses"),
        ({"holding": {5: []}}, "holding 5: holds nothing"),
        ({"coils": {5: [1]}}, "'holding', 'input', 'coil' or 'discrete'"),
    ],
)
def test_a_case_holds_what_registers_can(registers: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Case.model_validate({"about": "x", "registers": registers})
