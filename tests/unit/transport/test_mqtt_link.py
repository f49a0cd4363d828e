"""A link that stands, to a broker that misbehaves in every way it can; a real one is in integration/test_link.py."""

from __future__ import annotations

import asyncio
import ssl

import mqtt5
import pytest

from hub.errors import LinkDown
from hub.transport import mqtt_link, tls_channel
from hub.transport.mqtt_link import MAX_PACKET
from tests.unit.transport.hub_side import Hub, end_of, linked
from tests.unit.transport.peer import MEGABYTE, Door, granted, message

FILTERS = ("devices/+/telemetry", "devices/+/events")

# --- a connection that ends ---


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec panics before it raises
@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n" * 9, b"\x00\x00", b"\x30\x06\x00\x02\xff\xfe\x00x"])
async def test_what_is_not_mqtt_ends_the_link(door: Door, hub: Hub, garbage: bytes) -> None:
    async with linked(door, hub) as (link, peer):
        peer.writer.write(peer.sealed(garbage))

        assert (await end_of(link)).startswith("the broker sent a ")
        await peer.closed()


async def test_a_record_that_was_tampered_with_ends_the_link(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        sealed = bytearray(peer.sealed(message(1).write()))
        sealed[-1] ^= 1
        peer.writer.write(sealed)

        assert (await end_of(link)).startswith("the connection was lost: ")
        assert hub.received == []
        with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
            await peer.packet()


async def test_the_end_in_the_middle_of_a_packet_ends_the_link(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        peer.writer.write(peer.sealed(message(1, b"x" * 100).write()[:50]))
        peer.writer.close()

        assert await end_of(link) == "the peer closed the connection"
        assert hub.received == []


async def test_a_reset_ends_the_link(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.acknowledge([1])  # unread by the broker, it turns the end into a reset
        peer.writer.transport.abort()

        assert (await end_of(link)).startswith(("the connection was lost: ", "the peer closed"))


async def test_the_brokers_close_notify_ends_the_link_though_the_socket_stays_open(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        peer.say_close_notify()

        assert await end_of(link) == "the peer closed the connection"
        await peer.closed()


async def test_the_brokers_disconnect_ends_the_link_with_its_reason(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        farewell = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
        peer.send(message(1), farewell)
        peer.say_close_notify()
        peer.writer.close()

        assert await end_of(link) == "the broker disconnected the hub: session_taken_over"


@pytest.mark.slow
async def test_a_silent_broker_ends_the_link(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.accepted(server_keep_alive=1)
    link = await connecting

    assert await end_of(link) == "the broker has been silent for 1.5 s"
    assert [await peer.packet() for _ in range(2)] == [mqtt5.PingReqPacket()] * 2
    await peer.closed()


async def test_a_broker_that_answers_pingreq_keeps_the_link(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.keep_alive_s = 0.05
        link._beat()
        for _ in range(10):
            assert await peer.packet() == mqtt5.PingReqPacket()
            peer.send(mqtt5.PingRespPacket())
        link.acknowledge([1])

        while (packet := await peer.packet()) == mqtt5.PingReqPacket():
            peer.send(mqtt5.PingRespPacket())
        assert packet == mqtt5.PubAckPacket(1)


async def test_every_end_is_told_once_and_the_first_word_stays(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        peer.say_close_notify()
        first = await end_of(link)
        link.abort()
        await link.close()

        assert await end_of(link) == first


# --- subscribing ---


@pytest.mark.usefixtures("impatient")
async def test_a_broker_that_never_answers_subscribe(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        with pytest.raises(LinkDown, match="the broker did not answer SUBSCRIBE within"):
            await link.subscribe(FILTERS)
        subscribe = await peer.packet()

        assert isinstance(subscribe, mqtt5.SubscribePacket)
        assert [(each.pattern, each.max_qos) for each in subscribe.topic_filters] == [(each, 1) for each in FILTERS]


async def test_a_filter_that_the_broker_refuses_is_named(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.NOT_AUTHORIZED]
        peer.send(mqtt5.SubAckPacket(1, codes))

        with pytest.raises(LinkDown, match=r"refused the subscription to devices/\+/events: not_authorized"):
            await link.subscribe(FILTERS)


async def test_a_broker_that_answers_for_fewer_filters_than_were_sent(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        subscribing = asyncio.create_task(link.subscribe(FILTERS))
        await peer.packet()
        peer.send(granted(1))

        with pytest.raises(LinkDown, match="answered 1 of 2 subscriptions"):
            await subscribing


@pytest.mark.usefixtures("impatient")
async def test_the_brokers_time_to_answer_does_not_run_while_the_hub_does_not_listen(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.pause()
        subscribing = asyncio.create_task(link.subscribe(FILTERS))
        await peer.packet()
        peer.send(granted(2))
        done, _ = await asyncio.wait([subscribing], timeout=4 * mqtt_link.ANSWER_S)
        assert not done
        link.resume()

        await subscribing


# --- what is received ---


async def test_packets_that_are_chopped_at_every_place_arrive_whole(
    door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_channel, "GATHER_S", 0)
    sent = [message(number, b"x" * number) for number in range(1, 4)]
    async with linked(door, hub) as (link, peer):
        plain = b"".join(packet.write() for packet in sent)
        for position in range(len(plain)):  # a record a byte …
            for byte in peer.sealed(plain[position : position + 1]):  # … and a segment a byte of it
                peer.writer.write(bytes([byte]))
                await asyncio.sleep(0)
        await hub.until(3)

        assert hub.received == sent
        assert hub.bursts == 3
        link.acknowledge([1, 2, 3])
        assert [await peer.packet() for _ in sent] == [mqtt5.PubAckPacket(number) for number in (1, 2, 3)]


async def test_a_message_that_spans_many_records_arrives_whole(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (_, peer):
        large = message(1, bytes(range(256)) * 4000)
        peer.send(message(2), large, message(3))
        await hub.until(3)

        assert hub.received == [message(2), large, message(3)]


async def test_a_packet_beyond_what_was_agreed_ends_the_link_before_it_fills_the_memory(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        peer.send(message(1, bytes(9 * MEGABYTE)))

        assert await end_of(link) == f"the broker sent a packet of more than {MAX_PACKET} bytes"
        assert hub.received == []


# --- back-pressure ---


@pytest.mark.slow
async def test_a_paused_link_reads_nothing_and_the_brokers_writes_stall(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.pause()
        payload = bytes(MEGABYTE // 2)
        for number in range(1, 65):
            peer.send(message(number, payload))
        writing = asyncio.create_task(peer.writer.drain())
        done, _ = await asyncio.wait([writing], timeout=0.2)
        assert not done
        assert peer.writer.transport.get_write_buffer_size() > MEGABYTE
        assert hub.received == []

        link.resume()
        await hub.until(64)
        await writing


async def test_a_link_can_be_paused_from_within_a_burst(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link._publishes = lambda link, _: link.pause()
        peer.send(message(1))
        await asyncio.sleep(0.05)
        link._publishes = hub.take
        peer.send(message(2))
        await asyncio.sleep(0.05)
        assert hub.received == []

        link.resume()
        await hub.until(1)
        assert hub.received == [message(2)]


async def test_a_paused_link_goes_on_with_pingreq_and_the_deadline_waits(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.pause()
        link.keep_alive_s = 0.05
        link._beat()
        for _ in range(10):  # five keep-alives without an answer that the hub could read
            assert await peer.packet() == mqtt5.PingReqPacket()
        peer.send(message(1))
        link.keep_alive_s = 30.0
        link.resume()

        await hub.until(1)


# --- acknowledging ---


@pytest.mark.slow
async def test_acknowledgements_arrive_in_order_however_many_there_are(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        ids = list(range(20_000, 0, -1))
        link.acknowledge(ids[:15_000])
        link.acknowledge([])
        link.acknowledge(ids[15_000:])

        assert [await peer.packet() for _ in ids] == [mqtt5.PubAckPacket(number) for number in ids]


async def test_an_acknowledgement_after_the_end_goes_nowhere(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (old, peer):
        peer.writer.close()
        await end_of(old)
        async with linked(door, hub) as (link, again):
            old.acknowledge([1])
            link.acknowledge([2])

            assert await again.packet() == mqtt5.PubAckPacket(2)


# --- closing ---


async def test_a_link_says_goodbye_after_the_last_acknowledgement(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.acknowledge([1, 2])
        closing = asyncio.create_task(link.close())

        said = [await peer.packet() for _ in range(3)]
        assert said == [mqtt5.PubAckPacket(1), mqtt5.PubAckPacket(2), mqtt5.DisconnectPacket()]
        with pytest.raises(EOFError, match="close_notify"):
            await peer.packet()
        assert not closing.done()
        peer.writer.close()
        await closing
        assert await end_of(link) == "closed by the hub"


async def test_what_is_unread_at_the_end_does_not_cost_the_last_acknowledgement(door: Door, hub: Hub) -> None:
    async with linked(door, hub) as (link, peer):
        link.pause()
        peer.send(*(message(number, bytes(1000)) for number in range(1, 1000)))
        link.acknowledge([1])
        closing = asyncio.create_task(link.close())

        assert [await peer.packet() for _ in range(2)] == [mqtt5.PubAckPacket(1), mqtt5.DisconnectPacket()]
        peer.writer.close()
        await closing
        assert hub.received == []


async def test_a_broker_that_does_not_close_is_not_waited_for_for_ever(
    door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_channel, "LINGER_S", 0.05)
    async with linked(door, hub) as (link, _):
        await link.close()

        assert await end_of(link) == "closed by the hub"
