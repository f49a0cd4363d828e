"""What was acknowledged is stored, whatever is killed: real broker, real InfluxDB, the hub as its own process."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING

import pytest

from provisioning.records import NewDevice
from tests.integration.numbered import DEVICE, Numbered, settled, stored_numbers
from tests.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ROUNDS = 10
CAMERA = NewDevice(id=DEVICE, profile="generic_ipcamera")

pytestmark = pytest.mark.slow


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path, [CAMERA]) as made:
        await made.start_hub()
        yield made


def _some_time(longest: float = 1.5) -> float:
    return random.uniform(0.1, longest)


async def _finish(publisher: Numbered, publishing: asyncio.Task[None]) -> None:
    publisher.stop()
    await publishing


async def test_hub_and_influxdb_killed_and_broker_restarted_ten_times_each_lose_nothing(system: Rig) -> None:
    publisher = Numbered(system, per_second=400)
    publishing = asyncio.create_task(publisher.run())
    for _ in range(ROUNDS):
        await asyncio.sleep(_some_time())
        await system.stop_hub(signal.SIGKILL)
        await asyncio.sleep(_some_time(0.5))
        await system.start_hub(wait=False)
        await asyncio.sleep(_some_time())
        system.influx.kill()
        await asyncio.sleep(_some_time())
        await system.broker.stop()
        await asyncio.sleep(_some_time(0.3))
        await system.broker.start()
    await asyncio.sleep(1)
    await _finish(publisher, publishing)
    await settled(system)
    stored = await stored_numbers(system)
    assert len(publisher.acknowledged) > ROUNDS * 100
    assert set(publisher.acknowledged) - stored == set()


async def test_a_broker_killed_ten_times_loses_no_more_than_its_last_second(system: Rig) -> None:
    """Contracts, Durability 4: what the hub had not taken yet and the broker had not saved.

    It is asked to save every half second; a second and a half leave room for the save itself, and for two busy cores.
    """
    await asyncio.sleep(3)  # until the broker has saved the hub's subscription itself
    publisher = Numbered(system, per_second=400)
    publishing = asyncio.create_task(publisher.run())
    killed: list[float] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(1 + _some_time())
        killed.append(asyncio.get_running_loop().time())
        system.broker.kill()
        await asyncio.sleep(0.2)
        await system.broker.ready()
    await asyncio.sleep(2)
    await _finish(publisher, publishing)
    await settled(system)
    lost = set(publisher.acknowledged) - await stored_numbers(system)
    print(f"{len(lost)} of {len(publisher.acknowledged)} acknowledged messages lost in {ROUNDS} kills")
    for number in lost:
        acknowledged = publisher.acknowledged[number]
        assert any(0 <= moment - acknowledged <= 1.5 for moment in killed), f"{number} was older than the broker's save"


async def test_influxdb_down_for_a_minute_under_load_only_fills_the_spool(system: Rig) -> None:
    publisher = Numbered(system, per_second=400)
    publishing = asyncio.create_task(publisher.run())
    await asyncio.sleep(2)
    await system.influx.stop()
    first = await system.until(lambda now: now.spool_points > 0 and now.problems)
    await asyncio.sleep(60)
    last = await asyncio.to_thread(system.health)
    assert last is not None
    assert last.messages_acknowledged > first.messages_acknowledged + 60 * 100
    assert last.spool_points > first.spool_points
    assert any("8086" in problem or "127.0.0.1" in problem for problem in last.problems)
    await system.influx.start()
    await _finish(publisher, publishing)
    await settled(system)
    assert set(publisher.acknowledged) - await stored_numbers(system) == set()


async def test_a_full_spool_stops_acknowledging_says_so_and_recovers(tmp_path: Path) -> None:
    async with rig(tmp_path, [CAMERA], overrides={"spool": {"max_mb": 1}}) as system:
        await system.start_hub()
        await system.influx.stop()
        publisher = Numbered(system, per_second=4000)
        publishing = asyncio.create_task(publisher.run())
        full = await system.until(lambda now: any("spool" in problem for problem in now.problems))
        await asyncio.sleep(2)
        later = await asyncio.to_thread(system.health)
        assert later is not None
        assert later.messages_acknowledged == full.messages_acknowledged
        assert len(publisher.acknowledged) > later.messages_acknowledged
        await system.influx.start()
        await _finish(publisher, publishing)
        await settled(system)
        assert set(publisher.acknowledged) - await stored_numbers(system) == set()
