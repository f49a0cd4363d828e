from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from hub.decode.messages import compile_profile
from hub.decode.watch import Watch
from hub.errors import Reason, Rejected
from hub.profiles.loader import load_cases, load_profiles, profiles_folder
from tests.unit.decode.line_protocol import parse_line, parse_lines

if TYPE_CHECKING:
    from pathlib import Path

    from hub.profiles.schema import Case

KEEP_NS = 30 * 86_400 * 1_000_000_000
VOCABULARY, PROFILES = load_profiles()
CASES = [(name, file, case) for name in PROFILES for file, case in load_cases(profiles_folder() / name).items()]


@pytest.mark.parametrize(("name", "file", "case"), CASES, ids=[f"{name}/{file}" for name, file, _ in CASES])
def test_a_profile_decodes_its_case(name: str, file: str, case: Case) -> None:
    decode = compile_profile(PROFILES[name], name, VOCABULARY, KEEP_NS)[case.message].bind(case.topic or "")
    reasons: list[Reason] = []
    try:
        text = decode("", (case.payload or "").encode(), case.received_ns, case.retained, Watch("dev-1", 0))
    except Rejected as rejected:
        text, reasons = rejected.kept, [fault.reason for fault in rejected.faults]

    # As text, for 25 and 25.0 are equal to Python and a conflict of types to InfluxDB.
    assert [str(point) for point in parse_lines(text)] == [str(parse_line(line)) for line in case.lines], file
    assert tuple(reasons) == case.rejected


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_comes_with_cases_of_what_is_good_and_what_is_not(name: str) -> None:
    cases = load_cases(profiles_folder() / name).values()

    assert any(case.lines and not case.rejected for case in cases)
    assert any(case.lines and case.rejected for case in cases)
    assert any(case.rejected and not case.lines for case in cases)
    assert {case.message for case in cases} == set(PROFILES[name].mqtt)


def test_every_case_is_in_use() -> None:
    files = list(profiles_folder().glob("*/cases/*.yaml"))

    assert len(files) == len(CASES) > 50


def test_no_profile_and_no_measurement_uses_the_name_of_a_tag_or_of_time() -> None:
    taken = {"time", "device", "site", "agency", "zone", "profile"}
    names = {name for measurement in VOCABULARY.measurements for name in VOCABULARY.names(measurement)}

    assert names & taken == set()


@pytest.mark.parametrize(
    "file", sorted(profiles_folder().rglob("*.yaml")), ids=lambda file: file.parent.name + "/" + file.name
)
def test_no_key_stands_twice_for_yaml_would_silently_take_the_last(file: Path) -> None:
    assert repeated(yaml.compose(file.read_text(encoding="utf-8"))) == []


def repeated(node: yaml.Node | None) -> list[str]:
    """Return the keys that stand twice in one mapping."""
    if isinstance(node, yaml.SequenceNode):
        return [key for item in node.value for key in repeated(item)]
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [key.value for key, _ in node.value]
    inner = [key for _, value in node.value for key in repeated(value)]
    return [key for key in set(keys) if keys.count(key) > 1] + inner
