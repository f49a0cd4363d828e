"""Simulated devices against a real mosquitto, each with a certificate of its own."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from hub.sim.bundle import Bundle
from hub.sim.device import Device
from hub.sim.link import DeviceLink
from hub.sim.plan import Behaviour, CameraPlan, DevicePlan
from hub.transport.tls import client_context
from tests.integration.sim.broker import Broker
from tests.ports import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hub.sim.units import Event


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


class Observer:
    """Hears all that devices publish."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.heard: list[tuple[str, bytes]] = []

    async def until(self, topic: str, payload: bytes | None = None) -> bytes:
        """Return the next message on `topic`, or the next that is `payload`."""
        async with asyncio.timeout(PATIENCE_S):
            async for message in self._client.messages:
                body = bytes(message.payload)
                self.heard.append((message.topic.value, body))
                if message.topic.value == topic and payload in (None, body):
                    return body
        raise AssertionError(topic)


@asynccontextmanager
async def observing(broker: Broker) -> AsyncIterator[Observer]:
    options = broker.observer
    async with aiomqtt.Client(
        options.host, options.port, identifier=options.client_id, tls_context=client_context(options)
    ) as client:
        await client.subscribe("devices/#", qos=1)
        yield Observer(client)


@asynccontextmanager
async def living(device: Device) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(device.run())
        yield
        device.stop()


def camera(broker: Broker, behaviour: Behaviour = Behaviour.STEADY, notices: list[Event] | None = None) -> Device:
    plan = DevicePlan(id="cam-1", behaviour=behaviour, model=CameraPlan(bitrate_bps=4_000_000))
    told = [] if notices is None else notices
    return Device(plan, Bundle(broker.bundle("cam-1")), 50, time_ns, lambda _, event: told.append(event))


async def test_a_device_comes_online_sends_samples_and_says_goodbye(broker: Broker) -> None:
    async with observing(broker) as observer:
        device = camera(broker)
        async with living(device):
            await observer.until("devices/cam-1/status", b"online")
            sample = json.loads(await observer.until("devices/cam-1/telemetry"))
        await observer.until("devices/cam-1/status", b"offline")
    assert (sample["seq"], sample["boot"]) == (1, 1)


async def test_what_a_device_counts_is_what_a_subscriber_hears(broker: Broker) -> None:
    async with observing(broker) as observer:
        device = camera(broker)
        async with living(device):
            for _ in range(20):
                await observer.until("devices/cam-1/telemetry")
        await observer.until("devices/cam-1/status", b"offline")
    heard = [json.loads(body)["ts"] for topic, body in observer.heard if topic == "devices/cam-1/telemetry"]
    assert list(device.tally.good_ms["telemetry"]) == heard
    assert device.tally.published == device.tally.acknowledged == len(heard)


async def test_a_lost_link_brings_the_will_and_loses_no_sample(broker: Broker) -> None:
    notices: list[Event] = []
    async with observing(broker) as observer:
        device = camera(broker, notices=notices)
        async with living(device):
            await observer.until("devices/cam-1/telemetry")
            assert device._link is not None
            device._link.cut()
            await observer.until("devices/cam-1/status", b"offline")
            await observer.until("devices/cam-1/status", b"online")
            await observer.until("devices/cam-1/telemetry")
        await observer.until("devices/cam-1/status", b"offline")
    heard = {json.loads(body)["seq"] for topic, body in observer.heard if topic == "devices/cam-1/telemetry"}
    assert heard == set(range(1, max(heard) + 1))
    assert [event.name for event in notices] == ["link_down", "link_up"]


async def test_a_broker_that_goes_away_and_comes_back_finds_the_devices_again(broker: Broker) -> None:
    device = camera(broker)
    async with living(device):
        async with observing(broker) as observer:
            await observer.until("devices/cam-1/telemetry")
        broker.stop()
        broker.start()
        async with observing(broker) as observer:
            await observer.until("devices/cam-1/telemetry")
    assert device.tally.connections == 2


async def test_a_reboot_starts_the_counters_anew(broker: Broker) -> None:
    async with observing(broker) as observer:
        device = camera(broker, Behaviour.REBOOTS)
        async with living(device):
            while json.loads(await observer.until("devices/cam-1/telemetry"))["boot"] == 1:
                pass
        samples = [json.loads(body) for topic, body in observer.heard if topic == "devices/cam-1/telemetry"]
    before, after = samples[-2], samples[-1]
    assert (after["boot"], after["seq"]) == (2, 1)
    assert after["tx_bytes"] < before["tx_bytes"]
    assert after["ts"] > before["ts"]


async def test_a_message_that_the_broker_refuses_is_not_counted_as_acknowledged(broker: Broker) -> None:
    """MQTT 5 answers such a message with PUBACK 0x87, which aiomqtt takes for success."""
    async with observing(broker), DeviceLink(Bundle(broker.bundle("cam-1")).options, "devices/cam-1/status") as link:
        assert await link.deliver("devices/cam-1/telemetry", b"{}") == 0
        assert await link.deliver("devices/cam-2/telemetry", b"{}") == 0x87


async def test_a_message_that_nobody_hears_is_not_counted_as_acknowledged(broker: Broker) -> None:
    """PUBACK 0x10: no subscriber, so the message is gone."""
    async with DeviceLink(Bundle(broker.bundle("cam-1")).options, "devices/cam-1/status") as link:
        assert await link.deliver("devices/cam-1/telemetry", b"{}") == 0x10
