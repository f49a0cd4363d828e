"""The source against a broker in the hands of the test; a real one stands in integration/test_source.py."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from time import time_ns
from typing import TYPE_CHECKING

import mqtt5
import pytest

from hub.errors import SettingsError
from hub.sources import mqtt
from hub.sources.mqtt import FILTERS, MqttSource
from hub.transport import mqtt_link, tls_channel
from hub.transport.tls import client_context
from tests.unit.sources.helpers import HeldIntake
from tests.unit.transport.peer import Door, Peer, granted, message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.local_pki import Pki

    Made = Callable[..., MqttSource]


@pytest.fixture
def intake() -> HeldIntake:
    return HeldIntake()


@pytest.fixture
def made(door: Door, pki: Pki, intake: HeldIntake) -> Made:
    """Makes a source that comes to the door."""
    options = door.options(pki.service("hub.cityhub"))
    return lambda clock=time_ns, **changes: MqttSource(
        options, partial(client_context, options.model_copy(update=changes)), intake, clock
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(mqtt, "LONGEST_WAIT_S", 0.05)
    monkeypatch.setattr(mqtt, "SETTLE_S", 0.05)
    monkeypatch.setattr(tls_channel, "LINGER_S", 0.05)


@asynccontextmanager
async def running(source: MqttSource) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(source.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def subscribed(door: Door, **connack: int) -> Peer:
    """Let the source in and answer its SUBSCRIBE."""
    peer = await door.accepted(**connack)
    subscribe = await peer.packet()
    assert isinstance(subscribe, mqtt5.SubscribePacket)
    assert tuple(each.pattern for each in subscribe.topic_filters) == FILTERS
    peer.send(granted(len(FILTERS)))
    return peer


async def until(met: Callable[[], object]) -> None:
    while not met():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.005)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- the link ---


async def test_it_is_connected_once_it_has_subscribed(door: Door, made: Made) -> None:
    source = made()
    async with running(source):
        peer = await door.accepted()
        await peer.packet()
        assert (source.connected, source.connections, source.outage) == (False, 0, "not tried yet")
        peer.send(granted(len(FILTERS)))
        await until(lambda: source.connected)
        assert source.connections == 1
        peer.writer.close()
        await until(lambda: not source.connected)
        await subscribed(door)
        await until(lambda: source.connected)
        assert source.connections == 2


@pytest.mark.slow
async def test_each_reason_is_said_once_in_a_streak_and_anew_in_the_next(
    door: Door, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    source = made()
    async with running(source):
        for _ in range(2):
            for _ in range(4):
                await door.accepted(reason_code=mqtt5.ConnAckReasonCode.SERVER_BUSY)
                await door.accepted(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED)
            peer = await subscribed(door)
            await until(lambda: source.connected)
            peer.writer.close()
            await until(lambda: not source.connected)

    where = f"MQTT link down, trying again: cannot connect to 127.0.0.1:{door.port}: it refused the connection:"
    streak = [f"{where} server_busy", f"{where} not_authorized", "MQTT link down, trying again: the peer closed"]
    assert [text.removesuffix(" the connection") for text in warnings(caplog)] == [*streak, *streak]


async def test_status_knows_the_reason_of_the_moment(door: Door, made: Made) -> None:
    source = made()
    async with running(source):
        await door.accepted(reason_code=mqtt5.ConnAckReasonCode.BANNED)
        await until(lambda: "banned" in source.outage)


async def test_a_link_that_breaks_as_soon_as_it_stands_is_tried_ever_more_seldom(
    door: Door, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hubs of one name take the session from each other; neither may do so a hundred times a second."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        long = seconds >= 1  # which only the source's own waits are here
        waits.extend([seconds] * long)
        await sleep(0 if long else seconds)

    monkeypatch.setattr(asyncio, "sleep", nap)
    monkeypatch.setattr(mqtt, "FIRST_WAIT_S", 10)
    monkeypatch.setattr(mqtt, "LONGEST_WAIT_S", 70)
    monkeypatch.setattr(mqtt, "uniform", lambda _, most: most)
    async with running(made()):
        for _ in range(5):
            peer = await subscribed(door)
            peer.send(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER))
        await until(lambda: len(waits) == 5)
    assert waits == [10, 20, 40, 70, 70]


async def test_certificates_that_never_worked_end_it(made: Made, pki: Pki) -> None:
    with pytest.raises(SettingsError, match=r"broker\.cert_file, broker\.key_file"):
        await made(key_file=pki.service("other.cityhub").key_file).run()


async def test_certificates_that_are_being_replaced_are_tried_again(door: Door, made: Made, pki: Pki) -> None:
    hub = pki.service("hub.cityhub")
    source = made(cert_file=hub.cert_file)
    content = hub.cert_file.read_bytes()
    async with running(source):
        peer = await subscribed(door)
        await until(lambda: source.connected)
        hub.cert_file.write_bytes(content[:100])
        peer.writer.close()
        await until(lambda: "broker.cert_file" in source.outage)
        hub.cert_file.write_bytes(content)
        await subscribed(door)
        await until(lambda: source.connected)


# --- what is received ---


async def test_times_of_receipt_rise_also_when_the_clock_steps_back(door: Door, made: Made, intake: HeldIntake) -> None:
    readings = iter([1000, 1000, 1001, 500, 0, 2000])
    async with running(made(clock=lambda: next(readings))):
        peer = await subscribed(door)
        for burst in range(6):
            peer.send(*(message(burst * 10 + number, qos=number % 2) for number in range(10)))
            await intake.until(10 * (burst + 1))
    spans = [(burst.received_ns, burst.received_ns + len(burst.messages) - 1) for burst in intake.bursts]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))
    assert (spans[0][0], spans[-1][0]) == (1000, 2000)


async def test_a_burst_is_acknowledged_in_order_and_only_when_it_is_durable(
    door: Door, made: Made, intake: HeldIntake
) -> None:
    async with running(made()):
        peer = await subscribed(door)
        peer.send(message(7), message(0, qos=0), message(3), message(5))
        await intake.until(4)
        next_packet = asyncio.create_task(peer.packet())
        await asyncio.sleep(0.02)
        assert not next_packet.done()

        await intake.commit()
        assert [await next_packet, await peer.packet(), await peer.packet()] == [
            mqtt5.PubAckPacket(number) for number in (7, 3, 5)
        ]


async def test_an_acknowledgement_of_a_lost_session_is_not_sent_in_the_next(
    door: Door, made: Made, intake: HeldIntake
) -> None:
    async with running(made()):
        first = await subscribed(door)
        first.send(message(1))
        await intake.until(1)
        first.writer.close()
        second = await subscribed(door)
        second.send(message(2))
        await intake.until(2)
        await intake.commit()

        assert await second.packet() == mqtt5.PubAckPacket(2)


async def test_of_the_copies_of_one_message_that_of_the_first_subscription_counts_and_all_are_acknowledged(
    door: Door, pki: Pki, intake: HeldIntake
) -> None:
    options = door.options(pki.service("hub.cityhub"))
    vendors = ["+/+/data", "fleet/#"]
    source = MqttSource(options, partial(client_context, options), intake, time_ns, vendors)
    async with running(source):
        peer = await subscribed(door)
        ids: dict[str, int | None] = {}
        for _ in vendors:
            subscribe = await peer.packet()
            assert isinstance(subscribe, mqtt5.SubscribePacket)
            ids[subscribe.topic_filters[0].pattern] = subscribe.subscription_id
            peer.send(granted(1))
        assert list(ids) == vendors
        peer.send(
            copy(1, "fleet/1/data", ids["fleet/#"]),
            copy(2, "fleet/1/data", ids["+/+/data"]),
            copy(3, "fleet/1/other", ids["fleet/#"]),
            copy(4, "of/an/earlier/start", 7),
            message(5),
        )
        await intake.until(4)
        await intake.commit()

        assert intake.payloads == [b"2", b"3", b"4", b"{}"]
        assert [await peer.packet() for _ in range(5)] == [mqtt5.PubAckPacket(number) for number in range(1, 6)]


def copy(number: int, topic: str, subscription_id: int | None) -> mqtt5.PublishPacket:
    ids = [subscription_id or 0]
    qos = mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(topic, b"%d" % number, qos=qos, packet_id=number, subscription_ids=ids)


# --- back-pressure ---


async def test_a_full_intake_stops_the_reading_and_nothing_is_lost(door: Door, made: Made, intake: HeldIntake) -> None:
    intake.most = 1
    async with running(made()):
        peer = await subscribed(door)
        peer.send(message(1))
        await intake.until(1)
        for number in range(2, 7):
            peer.send(message(number))
            await asyncio.sleep(0.02)
            assert len(intake.messages) == number - 1
            await intake.commit()
            await intake.until(number)
    assert intake.messages == [message(number) for number in range(1, 7)]


async def test_a_backlog_that_comes_before_suback_does_not_block_the_subscribing(
    door: Door, made: Made, intake: HeldIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker sends what it kept for the session right after CONNACK, more than the intake takes at once."""
    monkeypatch.setattr(mqtt_link, "ANSWER_S", 0.5)
    intake.most = 100
    source = made()
    async with running(source):
        peer = await door.accepted(session_present=True)
        for number in range(1, 1001):
            peer.send(message(number, bytes(10_000)))
        peer.send(granted(len(FILTERS)))
        while not source.connected:
            await until(lambda: intake.full or source.connected)
            await intake.commit()
        assert source.connections == 1
        assert len(intake.messages) == 1000


@pytest.mark.slow
async def test_while_the_intake_is_full_no_new_link_is_made(door: Door, made: Made, intake: HeldIntake) -> None:
    """Each would bring a burst more, and a spool can be full for a day."""
    intake.most = 1
    source = made()
    async with running(source):
        peer = await subscribed(door, server_keep_alive=1)
        peer.send(message(1))
        await intake.until(1)
        peer.writer.transport.abort()  # which a hub that does not read learns from its next PINGREQ
        await until(lambda: not source.connected)
        await asyncio.sleep(0.2)
        assert door.knocks.empty()

        await intake.commit()
        await subscribed(door)


# --- the orderly end ---


async def test_the_end_waits_until_all_is_durable_and_acknowledged_and_then_says_goodbye(
    door: Door, made: Made, intake: HeldIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "SETTLE_S", 60)
    monkeypatch.setattr(tls_channel, "LINGER_S", 60)
    async with running(made()) as task:
        peer = await subscribed(door)
        peer.send(message(1), message(2))
        await intake.until(2)
        task.cancel()
        await asyncio.sleep(0.02)
        peer.send(message(3))
        await asyncio.sleep(0.02)
        assert not task.done()
        await intake.commit()

        said = [await peer.packet() for _ in range(3)]
        assert said == [mqtt5.PubAckPacket(1), mqtt5.PubAckPacket(2), mqtt5.DisconnectPacket()]
        peer.writer.close()
        await asyncio.wait([task])
    assert len(intake.messages) == 2


async def test_a_spool_that_does_not_settle_does_not_hold_the_end_up(
    door: Door, made: Made, intake: HeldIntake, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(made()) as task:
        peer = await subscribed(door)
        peer.send(message(1))
        await intake.until(1)
        task.cancel()
        assert await peer.packet() == mqtt5.DisconnectPacket()
        peer.writer.close()
        await asyncio.wait([task])
    assert warnings(caplog) == ["stopping with messages unacknowledged; the broker keeps them"]


async def test_the_end_comes_at_once_while_there_is_no_link(door: Door, made: Made) -> None:
    async with running(made()) as task:
        await door.accepted(reason_code=mqtt5.ConnAckReasonCode.BANNED)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
