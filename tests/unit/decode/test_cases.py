"""Whether a case is told to be wrong when it is."""

from __future__ import annotations

from typing import Any

import pytest

from hub.decode.cases import case_problems
from hub.profiles.schema import Case
from hub.profiles.terms import Terms
from tests.unit.decode.meters import VOCABULARY as METERS
from tests.unit.decode.meters import meter
from tests.unit.decode.models import VOCABULARY, profile_of

AT = 1_790_000_000_000_000_000
TERMS = Terms(
    profile_of(
        {"topics": ["x/{serial}/#"], "readings": {"power_w": "p", "energy_wh": "e", "state": "$topic.2"}},
        modbus={
            "groups": {
                "all": {
                    "every_s": 1,
                    "table": "holding",
                    "readings": {"energy": {"power_w": {"at": 2, "type": "int16", "scale": 0.5}}},
                }
            }
        },
    ),
    "v_m",
    VOCABULARY,
)
GOOD: dict[str, Any] = {
    "about": "A",
    "topic": "x/{serial}/on",
    "identity": {"serial": "S1"},
    "payload": '{"p":25,"e":1}',
    "lines": [f'energy energy_wh=1i,power_w=25.0,state="on" {AT}'],
}


def wrong(**changes: object) -> list[str]:
    return case_problems(TERMS, Case.model_validate(GOOD | changes))


def test_a_case_whose_lines_come_out_is_right_whatever_the_order_of_its_fields() -> None:
    assert wrong() == []
    assert wrong(topic="x/S1/on") == []
    assert wrong(payload='{"p":"x"}', lines=[f'energy state="on" {AT}'], rejected=["wrong_type"]) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lines": [f'energy energy_wh=1,power_w=25,state="on" {AT}']}, "line 1 is `energy power_w=25,energy_wh=1i,"),
        ({"lines": [f'energy energy_wh=1i,power_w=25,state="on" {AT - 1}']}, "line 1 is `energy "),
        ({"lines": []}, "comes out and is not expected"),
        ({"lines": [*GOOD["lines"], "energy on=true 1"]}, "`energy on=true 1` does not come out"),
        ({"payload": '{"p":"x","e":1}'}, "rejected: [wrong_type], expected []: p: is 'x', expected a number"),
        ({"rejected": ["bad_time"]}, "rejected: [], expected [bad_time]"),
        ({"message": "events"}, "message: there is no events; there are telemetry"),
        ({"topic": None}, "topic: is missing, and the message has readings in it"),
        ({"topic": "x/S2/on"}, "topic: x/S2/on is none of this device's: x/S1/#"),
        ({"identity": {}}, "topic: x/{serial}/on is none of this device's: x/{serial}/#"),
    ],
)
def test_what_a_case_gets_wrong_is_told_in_a_sentence(changes: dict[str, object], sentence: str) -> None:
    assert sentence in "\n".join(wrong(**changes))


def test_bytes_are_written_in_hexadecimal_and_registers_by_their_table() -> None:
    assert wrong(payload=None, payload_hex="7b2270223a32352c2265223a317d") == []
    registers = {"payload": None, "topic": None, "registers": {"holding": {1: [7, 50]}}}
    assert wrong(**registers, lines=[f"energy power_w=25 {AT}"]) == []
    assert wrong(**registers, lines=[f"energy power_w=24 {AT}"]) == [
        f"line 1 is `energy power_w=25.0 {AT}`, expected `energy power_w=24 {AT}`"
    ]


BITS = Terms(
    meter(
        {
            "energy": {
                "on": {"at": 3, "type": "bit"},
                "state": {"at": 9, "type": "bit", "map": {"true": "open", "false": "shut"}},
            }
        },
        table="coil",
        more={"inputs": {"every_s": 5, "table": "discrete", "readings": {"own": {"door": {"at": 3, "type": "bit"}}}}},
        own={"door": {"type": "bool", "about": "open"}},
    ),
    "v_m",
    METERS,
)


def test_a_case_of_coils_and_discrete_inputs_holds_bits() -> None:
    held = {"coil": {3: [1], 9: [False]}, "discrete": {2: [1, 0]}}
    lines = [f'energy on=true,state="shut" {AT}', f"meter_ext v_m_door=false {AT}"]
    assert case_problems(BITS, Case.model_validate({"about": "A", "registers": held, "lines": lines})) == []

    swapped = {"coil": held["discrete"], "discrete": {3: [1]}}
    lines = [f"energy on=false {AT}", f"meter_ext v_m_door=true {AT}"]
    assert case_problems(BITS, Case.model_validate({"about": "A", "registers": swapped, "lines": lines})) == []


def test_a_comma_in_a_text_parts_no_fields() -> None:
    line = f'energy state="a, \\"b\\", c",power_w=1 {AT}'
    quoted = 'x/S1/a, "b", c'

    assert wrong(topic=quoted, payload='{"p":1}', lines=[line]) == []
