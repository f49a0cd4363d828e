"""The hub's link and a real mosquitto; a broker that misbehaves stands in unit/transport."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hub.errors import LinkDown
from hub.transport.mqtt_link import MqttLink
from hub.transport.tls import client_context
from tests.integration.hub_broker import HubBroker, running
from tests.integration.local_pki import Pki

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import mqtt5

    from hub.transport.options import MqttOptions

FILTERS = ("devices/+/telemetry",)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[HubBroker]:
    async with running(tmp_path) as broker:
        yield broker


class Inbox:
    def __init__(self) -> None:
        self.packets: list[mqtt5.PublishPacket] = []
        self._arrived = asyncio.Event()

    @property
    def payloads(self) -> list[bytes]:
        return [packet.payload for packet in self.packets]

    @property
    def ids(self) -> list[int]:
        return [packet.packet_id for packet in self.packets if packet.packet_id is not None]

    def take(self, _: MqttLink, packets: list[mqtt5.PublishPacket]) -> None:
        self.packets += packets
        self._arrived.set()

    async def until(self, count: int) -> None:
        while len(self.packets) < count:
            self._arrived.clear()
            await self._arrived.wait()


@asynccontextmanager
async def linked(options: MqttOptions, inbox: Inbox) -> AsyncIterator[MqttLink]:
    link = await MqttLink.open(options, client_context(options), inbox.take)
    try:
        await link.subscribe(FILTERS)
        yield link
    finally:
        await link.close()


async def end_of(link: MqttLink) -> str:
    with pytest.raises(LinkDown) as caught:
        await link.ended()
    return str(caught.value)


async def refused(options: MqttOptions) -> str:
    with pytest.raises(LinkDown) as caught:
        await MqttLink.open(options, client_context(options), Inbox().take)
    return str(caught.value)


async def test_what_is_acknowledged_is_gone_and_what_is_not_comes_again(broker: HubBroker) -> None:
    first, second, third = Inbox(), Inbox(), Inbox()
    async with linked(broker.options, first) as link:
        assert not link.session_present
        await broker.publish([b"1", b"2", b"3"])
        await first.until(3)
        link.acknowledge(first.ids[:2])
    async with linked(broker.options, second) as link:
        assert link.session_present
        await second.until(1)
        link.acknowledge(second.ids)
    async with linked(broker.options, third):
        await broker.publish([b"4"])
        await third.until(1)

    assert (first.payloads, second.payloads, third.payloads) == ([b"1", b"2", b"3"], [b"3"], [b"4"])
    assert second.packets[0].duplicate


async def test_ten_thousand_acknowledgements_at_once_and_goodbye_amid_a_flood_are_all_understood(
    broker: HubBroker,
) -> None:
    first, second = Inbox(), Inbox()
    numbers = [b"%d" % number for number in range(10_000)]
    async with linked(broker.options, first):
        pass
    await broker.publish(numbers)
    async with linked(broker.options, first) as link:
        await first.until(5_000)
        link.pause()
        link.acknowledge(first.ids)
    async with linked(broker.options, second) as link:
        await second.until(10_000 - len(first.packets))
        link.acknowledge(second.ids)
    assert first.payloads + second.payloads == numbers


async def test_the_largest_message_arrives_whole(broker: HubBroker) -> None:
    inbox = Inbox()
    large = os.urandom(999_900)
    async with linked(broker.options, inbox):
        await broker.publish([b"small", large])
        await inbox.until(2)
    assert inbox.payloads == [b"small", large]


async def test_a_stranger_is_refused(broker: HubBroker, tmp_path: Path) -> None:
    stranger = Pki(tmp_path / "elsewhere").service("hub.cityhub")
    files = {"cert_file": stranger.cert_file, "key_file": stranger.key_file}
    said = await refused(broker.options.model_copy(update=files))
    assert "ALERT_UNKNOWN_CA" in said or "reset by peer" in said  # the system may drop the alert with the connection
    assert "certificate verify failed" in await refused(broker.options.model_copy(update={"ca_file": stranger.ca_file}))


async def test_a_broker_under_another_name_is_not_trusted(broker: HubBroker) -> None:
    assert "IP address mismatch" in await refused(broker.options.model_copy(update={"host": "0.0.0.0"}))  # noqa: S104


async def test_a_second_hub_of_the_same_name_takes_the_session(broker: HubBroker) -> None:
    async with linked(broker.options, Inbox()) as first, linked(broker.options, Inbox()) as second:
        assert (await end_of(first)).startswith(("the broker disconnected", "the peer closed"))
        assert second.session_present


async def test_a_broker_that_is_stopped_or_killed_ends_the_link(broker: HubBroker) -> None:
    async with linked(broker.options, Inbox()) as link:
        await broker.server.stop()
        assert (await end_of(link)).startswith(("the broker disconnected", "the peer closed", "the connection was"))
    await broker.server.start()
    async with linked(broker.options, Inbox()) as link:
        broker.server.kill()
        assert (await end_of(link)).startswith(("the peer closed", "the connection was lost"))
    await broker.server.ready()


async def test_a_broker_that_hangs_ends_the_link(broker: HubBroker) -> None:
    async with linked(broker.options.model_copy(update={"keep_alive_s": 1}), Inbox()) as link:
        process = broker.server._supervisor.pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        try:
            assert await end_of(link) == "the broker has been silent for 1.5 s"
        finally:
            os.kill(process, signal.SIGCONT)


async def test_a_paused_link_outlives_its_keep_alive_and_loses_nothing(broker: HubBroker) -> None:
    inbox = Inbox()
    numbers = [b"%d" % number + bytes(10_000) for number in range(2_000)]
    async with linked(broker.options.model_copy(update={"keep_alive_s": 1}), inbox) as link:
        link.pause()
        await broker.publish(numbers)
        await asyncio.sleep(2.5)
        assert inbox.packets == []
        link.resume()
        await inbox.until(len(numbers))
        link.acknowledge(inbox.ids)
    assert inbox.payloads == numbers
