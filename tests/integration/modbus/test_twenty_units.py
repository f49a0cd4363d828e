"""Three dead units and a slow one do their sixteen neighbours on the same bus no harm."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hub.cli.demo.process import simulation
from tests.integration.modbus.twenty import DEAD, GOOD, SLOW, UNITS, gateway_plan, name, twenty
from tests.polled import Kept, polling
from tests.ports import PATIENCE_S, free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from hub.sources.modbus.source import ModbusSource
    from hub.sources.modbus.state import ModbusState

ROUNDS = 4

pytestmark = pytest.mark.slow


def state(source: ModbusSource, unit: int) -> ModbusState:
    found = source.state(name(unit))
    assert found is not None
    return found


@pytest.mark.parametrize("timeout_ms", [1000, 3000], ids=["slow_is_overdue", "slow_is_awaited"])
async def test_no_good_unit_ever_fails_for_a_dead_or_slow_one(timeout_ms: int, tmp_path: Path) -> None:
    port, kept = free_ports(1)[0], Kept()
    (tmp_path / "units.json").write_text(gateway_plan(port).model_dump_json())

    def polls() -> Counter[str]:
        return Counter(point.tags["device"] for point in kept.points if "voltage_v" in point.fields)

    awaited = timeout_ms > 2000

    def watched() -> bool:
        """Whether every good unit was read often enough, the slow one once, and every dead one was tried."""
        seen = polls()
        tried = all(state(source, unit).failed_ns for unit in (DEAD if awaited else (*DEAD, SLOW)))
        return tried and (bool(seen[name(SLOW)]) or not awaited) and all(seen[name(unit)] >= ROUNDS for unit in GOOD)

    source = twenty(tmp_path / "profiles", port, kept, every_s=5, timeout_ms=timeout_ms)
    async with (
        simulation("hub.sim.modbus", tmp_path / "units.json", tmp_path / "units.log", lambda _: None) as units,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(units.follow())
        while units.polled is None:  # noqa: ASYNC110 - it listens when it has said something
            await asyncio.sleep(0.05)
        async with asyncio.timeout(2 * PATIENCE_S), polling(source):
            while not watched():
                await kept.something.wait()
                kept.something.clear()
        units.finish()
    assert [name(unit) for unit in GOOD if state(source, unit).failed_ns] == []
    assert [name(unit) for unit in GOOD if state(source, unit).fault] == []
    silent = DEAD if awaited else sorted((*DEAD, SLOW))
    unanswered = {unit for unit in UNITS if not state(source, unit).answered_ns}
    assert unanswered - {SLOW} == set(DEAD)  # behind a dead neighbour even the slow one is waited for at length
    assert [name(unit) for unit in UNITS if state(source, unit).failed_ns] == [name(unit) for unit in silent]
    assert all("no answer" in state(source, unit).fault for unit in DEAD)
    assert kept.dead == []
