"""The plan and the report: what the simulation's process is told, and what it says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import CityhubError, UsageError
from hub.sim.bundle import Bundle
from hub.sim.city import plan_city
from hub.sim.plan import Plan, read_plan
from hub.sim.report import Ledger, parse_line


def test_a_plan_survives_being_written_and_read(tmp_path: Path) -> None:
    plan = Plan(bundles=Path("/bundles"), devices=tuple(device.plan for device in plan_city().devices))
    file = tmp_path / "plan.json"
    file.write_text(plan.model_dump_json())
    assert read_plan(file, Plan) == plan


def test_a_plan_with_a_mistake_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"bundles": "/b", "devices": [{"id": "cam-1", "model": {"model": "camera", "bitrate_bps": 0}}]}')
    with pytest.raises(UsageError, match=r"plan\.json is no plan .*: devices\.0\.model\.camera\.bitrate_bps: "):
        read_plan(file, Plan)


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plan\.json cannot be read: No such file"):
        read_plan(tmp_path / "plan.json", Plan)


@given(st.lists(st.integers(min_value=1, max_value=10**15), min_size=1))
def test_a_ledger_keeps_every_time(times: list[int]) -> None:
    rising = sorted(set(times))
    gaps = [later - earlier for earlier, later in pairwise(rising)]
    ledger = Ledger(device="cam-1", measurements=("cctv",), first_ms=rising[0], gaps_ms=gaps)
    read = parse_line(ledger.model_dump_json().encode())
    assert read == ledger
    assert ledger.times_ms() == rising


@given(st.binary())
def test_a_line_that_is_no_report_is_an_error_of_ours(line: bytes) -> None:
    with pytest.raises(CityhubError, match="unexpected"):
        parse_line(line)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json is no bundle's"):
        Bundle(tmp_path)
