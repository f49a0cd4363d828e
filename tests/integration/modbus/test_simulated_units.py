"""The simulated units, asked by a client that nobody here wrote, answer what the simulation says they do."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hub.cli.demo.process import Simulation, simulation
from hub.sim.modbus.plan import GatewayPlan, GaugePlan, Manner, MeterPlan, PolledPlan, UnitPlan, UpsPlan
from hub.sim.plan import RiverPlan
from tests.integration.modbus.processes import mbpoll
from tests.ports import LOOPBACK, PATIENCE_S, free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RIVER = RiverPlan(river="Kali Klawing", usual_cm=140, altitude_m=60)
METER, UPS = MeterPlan(busiest_w=3000), UpsPlan(load_w=300, runtime_s=900)
GAUGE = GaugePlan(mast_mm=5000, river=RIVER)


@asynccontextmanager
async def units(folder: Path, *gateways: GatewayPlan) -> AsyncIterator[Simulation]:
    """Run the gateways in their process; when the block ends they have said their ledgers."""
    plan = folder / "units.json"
    plan.write_text(PolledPlan(gateways=gateways).model_dump_json())
    async with (
        simulation("hub.sim.modbus", plan, folder / "units.log", lambda _: None) as running,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(running.follow())
        async with asyncio.timeout(PATIENCE_S):
            while running.polled is None:  # noqa: ASYNC110 - it is up when it has said something
                await asyncio.sleep(0.01)
        yield running
        running.finish()


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


async def test_mbpoll_reads_a_meter_and_finds_the_values_that_the_meter_says_it_gave(tmp_path: Path, port: int) -> None:
    gateway = GatewayPlan(port=port, units=(UnitPlan(id="kwh-1", unit=7, model=METER),))
    async with units(tmp_path, gateway) as running:
        read = [
            await mbpoll("-m", "tcp", "-p", port, "-a", 7, "-t", "3:float", "-r", 0, "-c", 4, LOOPBACK)
            for _ in range(5)
        ]
    (said,) = running.answers
    assert (said.device, said.measurement, said.field) == ("kwh-1", "energy", "voltage_v")
    assert [float(values[0]) for values in read] == pytest.approx(said.values, abs=1e-3)
    assert len(set(said.values)) == 5
    assert all(float(values[6]) > 0 for values in read)


async def test_mbpoll_reads_a_ups_and_a_gauge_behind_one_gateway(tmp_path: Path, port: int) -> None:
    gateway = GatewayPlan(
        port=port, units=(UnitPlan(id="ups-1", unit=1, model=UPS), UnitPlan(id="dst-1", unit=0x50, model=GAUGE))
    )
    to = "-m", "tcp", "-p", port, "-t", 4
    async with units(tmp_path, gateway) as running:
        charge = await mbpoll(*to, "-a", 1, "-r", 130, "-c", 2, LOOPBACK)
        load = await mbpoll(*to, "-a", 1, "-r", 136, "-c", 2, LOOPBACK)
        distance = await mbpoll(*to, "-a", 0x50, "-r", 0x34, "-c", 1, LOOPBACK)
    said = {one.device: one.values for one in running.answers}
    assert charge[130] == "51200"
    assert [int(load[136]) / 256] == list(said["ups-1"])
    assert [float(distance[0x34])] == list(said["dst-1"])


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (("-a", 1, "-t", 4, "-r", 0), "Illegal function"),
        (("-a", 1, "-t", 3, "-r", 200), "Illegal data address"),
        (("-a", 2, "-t", 3, "-r", 0), "Connection timed out"),
        (("-a", 3, "-t", 3, "-r", 0), "Slave device or server is busy"),
        (("-a", 9, "-t", 3, "-r", 0), "Connection timed out"),
    ],
)
async def test_what_a_unit_does_not_have_it_does_not_give(
    tmp_path: Path, port: int, asked: tuple[object, ...], refusal: str
) -> None:
    gateway = GatewayPlan(
        port=port,
        units=(
            UnitPlan(id="kwh-1", unit=1, model=METER),
            UnitPlan(id="kwh-2", unit=2, model=METER, manner=Manner.DEAD),
            UnitPlan(id="kwh-3", unit=3, model=METER, manner=Manner.FAULTY),
        ),
    )
    async with units(tmp_path, gateway):
        with pytest.raises(AssertionError, match=refusal):
            await mbpoll("-m", "tcp", "-p", port, *asked, LOOPBACK)
        assert await mbpoll("-m", "tcp", "-p", port, "-a", 1, "-t", "3:float", "-r", 0, LOOPBACK)


async def test_a_late_answer_comes_under_its_own_number_and_keeps_its_bus_busy(tmp_path: Path, port: int) -> None:
    gateway = GatewayPlan(
        port=port,
        units=(
            UnitPlan(id="ups-1", unit=1, model=UPS, manner=Manner.SLOW),
            UnitPlan(id="dst-2", unit=2, model=GAUGE),
        ),
    )
    async with units(tmp_path, gateway), asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(bytes.fromhex("0001 0000 0006 01 03 0082 0001"))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(bytes.fromhex("0002 0000 0006 02 03 0034 0001"))
        answers = [await reader.readexactly(11) for _ in range(2)]
        writer.close()
    assert [answer[:9].hex() for answer in answers] == ["000100000005010302", "000200000005020302"]
    assert answers[0][9:].hex() == "c800"


async def test_a_port_that_is_taken_is_named(tmp_path: Path, port: int) -> None:
    gateway = GatewayPlan(port=port, units=(UnitPlan(id="kwh-1", unit=1, model=METER),))
    (tmp_path / "plan.json").write_text(PolledPlan(gateways=(gateway,)).model_dump_json())
    server = await asyncio.start_server(lambda *_: None, LOOPBACK, port)
    async with server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.sim.modbus", str(tmp_path / "plan.json"), stderr=asyncio.subprocess.PIPE
        )
        _, err = await process.communicate()
    assert process.returncode == 1
    assert f"port {port}" in err.decode()


async def test_it_ends_in_order_at_a_signal_and_counts_the_dead_as_not_answering(tmp_path: Path, port: int) -> None:
    gateway = GatewayPlan(
        port=port,
        units=(
            UnitPlan(id="kwh-1", unit=1, model=METER),
            UnitPlan(id="kwh-2", unit=2, model=METER, manner=Manner.DEAD),
        ),
    )
    async with units(tmp_path, gateway) as running:
        await mbpoll("-m", "tcp", "-p", port, "-a", 1, "-t", "3:float", "-r", 0, LOOPBACK)
    assert running.polled is not None
    assert (running.polled.units, running.polled.answering, running.polled.answers) == (2, 1, 1)
