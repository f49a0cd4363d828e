"""What the process of the polled units is told, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import UsageError
from hub.sim.modbus.city import plan_polled
from hub.sim.modbus.plan import PolledPlan
from hub.sim.plan import read_plan
from hub.sim.report import Answers, End, PolledTotals, parse_line

if TYPE_CHECKING:
    from pathlib import Path


def test_a_plan_survives_being_written_and_read(tmp_path: Path) -> None:
    polled = plan_polled()
    plan = polled.plan(range(5000, 5000 + len(polled.buses)))
    (tmp_path / "units.json").write_text(plan.model_dump_json())
    assert read_plan(tmp_path / "units.json", PolledPlan) == plan


def test_a_plan_with_a_mistake_is_refused_with_its_place(tmp_path: Path) -> None:
    unit = '{"id": "kwh-1", "unit": 0, "model": {"model": "meter", "busiest_w": 1}}'
    (tmp_path / "units.json").write_text(f'{{"gateways": [{{"port": 502, "units": [{unit}]}}]}}')
    with pytest.raises(UsageError, match=r"units\.json is no plan .*: gateways\.0\.units\.0\.unit: "):
        read_plan(tmp_path / "units.json", PolledPlan)


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"units\.json cannot be read: No such file"):
        read_plan(tmp_path / "units.json", PolledPlan)


def test_what_the_process_says_is_read_back() -> None:
    totals = PolledTotals(units=22, answering=20, requests=90, answers=80, exceptions=5)
    answers = Answers(device="kwh-1", measurement="energy", field="voltage_v", times_ns=(1, 2), values=(230.5, 231.0))
    for line in (totals, answers, End(totals=totals)):
        assert parse_line(line.model_dump_json().encode()) == line
