from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.decode.messages import compile_profile
from hub.decode.registers import compile_modbus
from hub.decode.watch import Watch
from hub.errors import Reason, Rejected
from hub.profiles.loader import load_cases, load_profiles, profiles_folder
from tests.unit.decode.line_protocol import parse_line, parse_lines

if TYPE_CHECKING:
    from hub.profiles.schema import Case, Profile

KEEP_NS = 30 * 86_400 * 1_000_000_000
VOCABULARY, PROFILES = load_profiles()
CASES = [(name, file, case) for name in PROFILES for file, case in load_cases(profiles_folder() / name).items()]


@pytest.mark.parametrize(("name", "file", "case"), CASES, ids=[f"{name}/{file}" for name, file, _ in CASES])
def test_a_profile_decodes_its_case(name: str, file: str, case: Case) -> None:
    text, reasons = decoded(name, case) if case.registers is None else read(name, case)

    # As text, for 25 and 25.0 are equal to Python and a conflict of types to InfluxDB.
    assert [str(point) for point in parse_lines(text)] == [str(parse_line(line)) for line in case.lines], file
    assert tuple(reasons) == case.rejected


def decoded(name: str, case: Case) -> tuple[str, list[Reason]]:
    """Decode a case's payload to (lines, reasons of what was rejected)."""
    decode = compile_profile(PROFILES[name], name, VOCABULARY, KEEP_NS)[case.message].bind(case.topic or "")
    try:
        return decode("", (case.payload or "").encode(), case.received_ns, case.retained, Watch("dev-1", 0)), []
    except Rejected as rejected:
        return rejected.kept, [fault.reason for fault in rejected.faults]


def read(name: str, case: Case) -> tuple[str, list[Reason]]:
    """Decode a case's registers, each group in its turn, to (lines, reasons of what was rejected)."""
    tables = {
        table: {at + offset: word for at, words in blocks.items() for offset, word in enumerate(words)}
        for table, blocks in (case.registers or {}).items()
    }
    groups = compile_modbus(PROFILES[name], name, VOCABULARY)
    taken = [group.decode("", tables.get(group.table, {}), case.received_ns) for group in groups]
    return "".join(one.lines for one in taken), [fault.reason for one in taken for _, fault in one.faults]


def readings(profile: Profile) -> int:
    """Count what a profile reads."""
    count = sum(len(each) for message in profile.mqtt.values() for each in message.readings.values())
    groups = profile.modbus.groups.values() if profile.modbus else ()
    return count + sum(len(each) for group in groups for each in group.readings.values())


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_comes_with_cases_of_what_is_good_and_what_is_not(name: str) -> None:
    cases = load_cases(profiles_folder() / name).values()

    assert any(case.lines and not case.rejected for case in cases)
    # Of a device with a single reading nothing can be half right.
    assert any(case.lines and case.rejected for case in cases) or readings(PROFILES[name]) == 1
    assert any(case.rejected and not case.lines for case in cases)
    assert {case.message for case in cases if case.registers is None} == set(PROFILES[name].mqtt)
    assert any(case.registers for case in cases) == (PROFILES[name].modbus is not None)


def test_every_case_is_in_use() -> None:
    files = list(profiles_folder().glob("*/cases/*.yaml"))

    assert len(files) == len(CASES) > 50


def test_no_profile_and_no_measurement_uses_the_name_of_a_tag_or_of_time() -> None:
    taken = {"time", "device", "site", "agency", "zone", "profile"}
    names = {name for measurement in VOCABULARY.measurements for name in VOCABULARY.names(measurement)}

    assert names & taken == set()
