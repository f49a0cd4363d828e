from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.decode.cases import case_problems, decode_case
from hub.profiles.loader import load_cases, profiles_folder
from hub.profiles.terms import Terms
from tests.shipped import PROFILES, VOCABULARY
from tests.unit.decode.line_protocol import parse_line, parse_lines

if TYPE_CHECKING:
    from hub.profiles.schema import Case, Profile

TERMS = {name: Terms(profile, name, VOCABULARY) for name, profile in PROFILES.items()}
CASES_OF = {name: load_cases(profiles_folder() / name) for name in PROFILES}
CASES = [(name, file, case) for name, cases in CASES_OF.items() for file, case in cases.items()]


@pytest.mark.parametrize(("name", "file", "case"), CASES, ids=[f"{name}/{file}" for name, file, _ in CASES])
def test_a_profile_decodes_its_case(name: str, file: str, case: Case) -> None:
    assert case_problems(TERMS[name], case) == [], file

    # As text, for 25 and 25.0 are equal to Python and a conflict of types to InfluxDB.
    points = parse_lines(decode_case(TERMS[name], case)[0])
    assert [str(point) for point in points] == [str(parse_line(line)) for line in case.lines]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_comes_with_cases_of_what_is_good_and_what_is_not(name: str) -> None:
    cases = CASES_OF[name].values()

    assert any(case.lines and not case.rejected for case in cases)
    # Of a device with a single reading nothing can be half right.
    assert any(case.lines and case.rejected for case in cases) or readings(PROFILES[name]) == 1
    assert any(case.rejected and not case.lines for case in cases)
    assert {case.message for case in cases if case.registers is None} == set(PROFILES[name].mqtt)
    assert any(case.registers for case in cases) == (PROFILES[name].modbus is not None)


def readings(profile: Profile) -> int:
    """Count what a profile reads."""
    count = sum(len(each) for message in profile.mqtt.values() for each in message.readings.values())
    groups = profile.modbus.groups.values() if profile.modbus else ()
    return count + sum(len(each) for group in groups for each in group.readings.values())


def test_every_case_is_in_use() -> None:
    files = list(profiles_folder().glob("*/cases/*.yaml"))

    assert len(files) == len(CASES) > 50


def test_no_profile_and_no_measurement_uses_the_name_of_a_tag_or_of_time() -> None:
    taken = {"time", "device", "site", "agency", "zone", "profile"}
    names = {name for measurement in VOCABULARY.measurements for name in VOCABULARY.names(measurement)}

    assert names & taken == set()
