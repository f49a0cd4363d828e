"""What was acknowledged is stored, whatever is killed: real broker, real InfluxDB, the hub as its own process."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from provisioning.records import NewDevice
from tests.integration.numbered import DEVICE, Numbered, settled, stored_numbers
from tests.ports import PATIENCE_S
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


class Kill(NamedTuple):
    """A kill of the broker; monotonic seconds.

    Attributes:
        saved: when it had last written what it would come back with.
        over: when it was back; until then its publisher may find acknowledgements that it had sent before.
    """

    saved: float
    over: float


def _last_save(system: Rig) -> float:
    """Return when the broker last saved, monotonic seconds; long ago if it never did."""
    try:
        return time.monotonic() - (time.time() - system.broker_save.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


async def _saved_anew(system: Rig) -> None:
    """Wait until the broker has saved once more than it had."""
    now = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while _last_save(system) <= now:  # noqa: ASYNC110 - the outside world sends no events
            await asyncio.sleep(0.02)


async def test_a_broker_killed_ten_times_loses_only_what_came_since_its_last_save(system: Rig) -> None:
    """Contracts, Durability 4: what the hub had not taken yet and the broker had not saved.

    It saves every half second, which makes it the last second; how long a save takes is up to the machine.
    """
    await _saved_anew(system)  # the hub's subscription itself
    publisher = Numbered(system, per_second=400)
    publishing = asyncio.create_task(publisher.run())
    kills: list[Kill] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(1)
        await _saved_anew(system)
        await asyncio.sleep(_some_time())
        saved = _last_save(system)
        await system.broker.kill_and_revive()
        kills.append(Kill(saved, time.monotonic()))
    await asyncio.sleep(2)
    await _finish(publisher, publishing)
    await settled(system)
    lost = set(publisher.acknowledged) - await stored_numbers(system)
    print(f"{len(lost)} of {len(publisher.acknowledged)} acknowledged messages lost in {ROUNDS} kills")
    for number in lost:
        acknowledged = publisher.acknowledged[number]
        assert any(one.saved <= acknowledged <= one.over for one in kills), f"{number} had been saved"


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
