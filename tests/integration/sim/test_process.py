"""`python -m hub.sim` as a process: what it says, how it ends, and that it never outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.cli.demo.process import simulation
from hub.errors import CityhubError
from hub.sim.plan import CameraPlan, DevicePlan, Plan, RiverPlan
from hub.sim.report import Happening, Ledger, Totals, parse_line
from tests.integration.sim.broker import Broker
from tests.integration.sim.test_device import observing
from tests.ports import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hub.cli.demo.process import Simulation


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


def write_plan(broker: Broker, folder: Path) -> Path:
    river = RiverPlan(river="Kali Klawing", usual_cm=140, altitude_m=60, flood_cm=50_000)
    devices = (
        DevicePlan(id="cam-1", model=CameraPlan(bitrate_bps=4_000_000)),
        DevicePlan(id="lvl-1", model=river),
    )
    bundles = [broker.bundle(device.id).parent for device in devices]
    file = folder / "plan.json"
    file.write_text(Plan(bundles=bundles[0], rate=20, spread_s=0, devices=devices).model_dump_json())
    return file


@asynccontextmanager
async def simulating(
    broker: Broker, folder: Path, happenings: list[Happening] | None = None
) -> AsyncIterator[tuple[Simulation, asyncio.Task[None]]]:
    told = [] if happenings is None else happenings
    plan, log = write_plan(broker, folder), folder / "sim.log"
    async with simulation("hub.sim", plan, log, told.append) as sim, asyncio.TaskGroup() as tasks:
        yield sim, tasks.create_task(sim.follow())


async def test_asked_to_finish_it_accounts_for_every_acknowledged_message(broker: Broker, tmp_path: Path) -> None:
    async with observing(broker) as observer, simulating(broker, tmp_path) as (sim, _):
        await observer.until("devices/lvl-1/telemetry")
        sim.finish()
    assert sim.totals is not None
    assert (sim.totals.devices, sim.totals.seen, sim.totals.connected) == (2, 2, 0)
    assert sim.totals.published == sim.totals.acknowledged == sim.totals.good > 0
    assert sum(len(ledger.times_ms()) for ledger in sim.ledgers) == sim.totals.good


async def test_each_channel_of_a_device_has_its_ledger(broker: Broker, tmp_path: Path) -> None:
    happenings: list[Happening] = []
    async with observing(broker) as observer, simulating(broker, tmp_path, happenings) as (sim, _):
        await observer.until("devices/lvl-1/events")
        sim.finish()
    measurements = {
        device: sorted(ledger.measurements for ledger in ledgers)
        for device, ledgers in groupby(sim.ledgers, lambda ledger: ledger.device)
    }
    assert measurements == {"cam-1": [("cctv",)], "lvl-1": [("event",), ("weather", "level")]}
    assert {happening.device for happening in happenings} == {"lvl-1"}


async def test_a_city_that_ends_by_itself_is_an_error(broker: Broker, tmp_path: Path) -> None:
    plan = write_plan(broker, tmp_path)
    (tmp_path / "plan.json").write_text(plan.read_text().replace("cam-1", "cam-2"))
    async with simulation("hub.sim", plan, tmp_path / "sim.log", lambda _: None) as sim:
        with pytest.raises(CityhubError, match=r"with code 1: hub\.sim: .*cam-2/config\.json is no bundle's"):
            await sim.follow()


def test_without_a_plan_it_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-m", "hub.sim"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: python -m hub.sim PLAN.json\n")


def test_its_lines_can_be_read_back(broker: Broker, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hub.sim", str(write_plan(broker, tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = parse_line(process.stdout.readline())
        process.terminate()
        said = [parse_line(line) for line in process.stdout]
    assert isinstance(first, Totals)
    assert said[-1].type == "end"
    assert all(isinstance(line, Ledger) for line in said if line.type == "ledger")
    assert process.returncode == 0


def test_it_ends_when_the_process_that_started_it_is_killed(broker: Broker, tmp_path: Path) -> None:
    plan = write_plan(broker, tmp_path)
    parent = f"""
import asyncio, pathlib
from hub.cli.demo.process import simulation
async def main():
    plan, log = pathlib.Path({str(plan)!r}), pathlib.Path({str(tmp_path / "log")!r})
    async with simulation("hub.sim", plan, log, print) as sim:
        print(sim._process.pid, flush=True)
        await sim.follow()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
