"""The source and a real mosquitto that is stopped, killed, and robbed of its memory."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING

import pytest

from hub.directory import Directory
from hub.pipeline.counters import Counters
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.profiles.loader import load_profiles
from hub.sources.mqtt import MqttSource
from hub.spool.sqlite import SqliteSpool
from hub.spool.store import read_dead_letters
from hub.transport.tls import client_context
from tests.integration.hub_broker import HubBroker, running
from tests.integration.local_pki import eventually
from tests.unit.pipeline.helpers import Device
from tests.unit.sources.helpers import HeldIntake
from tests.unit.spool.helpers import OPTIONS, lines_on_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from hub.sources.base import Intake


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[HubBroker]:
    async with running(tmp_path) as broker:
        yield broker


@pytest.fixture
def intake() -> HeldIntake:
    return HeldIntake()


@asynccontextmanager
async def sourcing(broker: HubBroker, intake: Intake, vendors: Sequence[str] = ()) -> AsyncIterator[MqttSource]:
    """Run a source beside the block, connected at its beginning, and stop it in order."""
    source = MqttSource(broker.options, partial(client_context, broker.options), intake, time_ns, vendors)
    task = asyncio.create_task(source.run())
    try:
        await eventually(lambda: source.connected)
        yield source
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def committing(intake: HeldIntake) -> AsyncIterator[None]:
    task = asyncio.create_task(intake.commit_always())
    try:
        yield
    finally:
        task.cancel()


async def test_it_finds_the_broker_again_after_a_stop_and_after_a_kill(
    broker: HubBroker, intake: HeldIntake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hub.sources.mqtt")
    async with committing(intake), sourcing(broker, intake) as source:
        await broker.server.stop()
        await eventually(lambda: not source.connected)
        await asyncio.sleep(1)
        await broker.server.start()
        await eventually(lambda: source.connected)
        await broker.publish([b"after the stop"])
        await intake.until(1)
        broker.server.kill()
        await eventually(lambda: not source.connected)
        await broker.server.ready()
        await eventually(lambda: source.connected)
        await broker.publish([b"after the kill"])
        await intake.until(2)
        assert source.connections == 3

    assert intake.payloads == [b"after the stop", b"after the kill"]
    words = [message.split(":")[0] for message in caplog.messages]
    assert words.count("MQTT link up") == 3
    assert words.count("MQTT link down, trying again") <= 4  # the loss, and then why it cannot come back


async def test_it_subscribes_again_at_a_broker_that_has_forgotten_its_session(
    broker: HubBroker, intake: HeldIntake
) -> None:
    async with committing(intake), sourcing(broker, intake) as source:
        await broker.forget_everything()
        await eventually(lambda: source.connections == 2)
        await broker.publish([b"1"])
        await intake.until(1)
    assert intake.payloads == [b"1"]


async def test_what_arrived_while_it_was_away_is_delivered(broker: HubBroker, intake: HeldIntake) -> None:
    numbers = [b"%d" % number for number in range(1000)]
    async with committing(intake), sourcing(broker, intake):
        pass
    await broker.publish(numbers[:500])
    await broker.server.stop()
    await broker.server.start()
    await broker.publish(numbers[500:])
    async with committing(intake), sourcing(broker, intake):
        await intake.until(1000)
    assert intake.payloads == numbers


async def test_what_was_not_acknowledged_is_delivered_again_after_a_reconnect(
    broker: HubBroker, intake: HeldIntake
) -> None:
    async with sourcing(broker, intake) as source:
        await broker.publish([b"1", b"2"])
        await intake.until(2)
        await intake.commit()
        await broker.publish([b"3", b"4"])
        await intake.until(4)
        await broker.server.stop()
        await broker.server.start()
        await eventually(lambda: source.connections == 2)
        await intake.until(6)
        await intake.commit()
    assert intake.payloads == [b"1", b"2", b"3", b"4", b"3", b"4"]


async def test_an_orderly_stop_leaves_nothing_to_be_delivered_again(broker: HubBroker, intake: HeldIntake) -> None:
    numbers = [b"%d" % number for number in range(5_000)]
    async with sourcing(broker, intake):
        pass
    await broker.publish(numbers)
    async with committing(intake):
        async with sourcing(broker, intake):
            await intake.until(1)
        async with sourcing(broker, intake):
            await intake.until(len(numbers))
    assert intake.payloads == numbers


async def test_a_full_intake_is_waited_for_and_nothing_is_lost(broker: HubBroker, intake: HeldIntake) -> None:
    intake.most = 10
    numbers = [b"%d" % number + bytes(2000) for number in range(3_000)]
    async with committing(intake), sourcing(broker, intake) as source:
        await broker.publish(numbers)
        await intake.until(len(numbers))
        assert source.connections == 1
    assert intake.payloads == numbers


async def test_retained_telemetry_is_flagged_and_stored_only_with_a_time_of_its_own(
    broker: HubBroker, tmp_path: Path
) -> None:
    """Nobody knows how old the rest is; what is published while the hub listens carries no flag."""
    vocabulary, profiles = load_profiles()
    directory = Directory(vocabulary, profiles, keep_ns=10**18)
    directory.update([Device("timed"), Device("timeless"), Device("live")])
    now_ms = time_ns() // 1_000_000
    await broker.publish([b'{"ts": %d, "bitrate_bps": 1}' % now_ms], retain=True, device="timed")
    await broker.publish([b'{"bitrate_bps": 2}'], retain=True, device="timeless")
    counters = Counters()
    file = tmp_path / "spool.db"
    async with SqliteSpool(file, OPTIONS) as spool:
        intake = BatchingIntake(directory, spool, PipelineOptions(), counters)
        working = asyncio.create_task(intake.run())
        async with sourcing(broker, intake):
            await eventually(lambda: counters.messages == 2)
            await broker.publish([b'{"bitrate_bps": 3}'], retain=True, device="live")
            await eventually(lambda: counters.messages_acknowledged == 3)
        working.cancel()
        lines = lines_on_disk(file)

    assert {line.split(b"device=")[1].split(b",")[0] for line in lines.splitlines()} == {b"timed", b"live"}
    assert [(letter.device, letter.reason) for letter in read_dead_letters(file, 9)] == [("timeless", "bad_time")]


async def test_what_several_subscriptions_cover_is_taken_once_also_when_some_are_of_an_earlier_start(
    broker: HubBroker, intake: HeldIntake
) -> None:
    """The broker sends a copy for each; `+/x/data` is still in the session when the hub no longer asks for it."""
    numbers = [b"%d" % number for number in range(100)]
    async with committing(intake):
        async with sourcing(broker, intake, ["+/+/data", "+/x/data", "fleet/#"]):
            await broker.publish(numbers, topic="fleet/x/data")
            await broker.publish(numbers)
            await intake.until(200)
        async with sourcing(broker, intake, ["+/+/data", "fleet/#"]):
            await broker.publish(numbers, topic="fleet/x/data")
            await broker.publish([b"last"])
            await intake.until(301)
    assert intake.payloads == [*numbers, *numbers, *numbers, b"last"]
