from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import mqtt5
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import LinkDown
from hub.transport.codec import MalformedPacket, pubacks, split_packets

# Before it panics over invalid UTF-8, the codec hands Python an error that nobody can catch.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

IDS = st.integers(1, 65535)
TOPICS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="+#"), min_size=1, max_size=300
)
PACKETS = st.one_of(
    st.builds(mqtt5.PublishPacket, TOPICS, payload=st.binary(max_size=300), retain=st.booleans()),
    st.builds(
        mqtt5.PublishPacket,
        TOPICS,
        payload=st.binary(max_size=300),
        qos=st.just(mqtt5.QoS.AT_LEAST_ONCE),
        packet_id=IDS,
        duplicate=st.booleans(),
    ),
    st.builds(mqtt5.PubAckPacket, IDS),
    st.builds(mqtt5.SubAckPacket, IDS, st.just([mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE])),
    st.builds(mqtt5.ConnAckPacket, session_present=st.booleans()),
    st.builds(mqtt5.DisconnectPacket),
    st.builds(mqtt5.PingRespPacket),
)
BAD_UTF8 = b"\x30\x06\x00\x02\xff\xfe\x00x"


@given(st.lists(PACKETS, max_size=8), st.data())
def test_a_stream_cut_anywhere_yields_the_same_packets(packets: list[mqtt5.Packet], data: st.DataObject) -> None:
    stream = b"".join(packet.write() for packet in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))

    read: list[mqtt5.Packet] = []
    rest = b""
    for start, end in pairwise([0, *cuts, len(stream)]):
        some, rest = split_packets(rest + stream[start:end])
        read += some

    assert read == packets
    assert rest == b""


@given(PACKETS)
def test_of_an_incomplete_packet_nothing_is_read_and_nothing_lost(packet: mqtt5.Packet) -> None:
    whole = packet.write()

    assert all(split_packets(whole[:length]) == ([], whole[:length]) for length in range(len(whole)))


@given(st.binary())
@example(BAD_UTF8)
@example(b"\xff\xff\xff\xff\xff\xff")
@example(b"\x00\x00")
def test_any_bytes_are_packets_or_malformed(data: bytes) -> None:
    try:
        packets, rest = split_packets(data)
    except MalformedPacket:
        return
    assert data.endswith(rest)
    assert all(type(packet).__module__.startswith("mqtt5") for packet in packets)


@given(st.integers(0, 255), st.binary(max_size=127))
def test_a_packet_that_has_arrived_whole_is_never_waited_for(first: int, body: bytes) -> None:
    with suppress(MalformedPacket):
        assert split_packets(bytes([first, len(body)]) + body)[1] == b""


@given(PACKETS, st.data())
def test_a_flipped_byte_is_a_packet_or_malformed(packet: mqtt5.Packet, data: st.DataObject) -> None:
    whole = bytearray(packet.write())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))

    with suppress(MalformedPacket):
        split_packets(bytes(whole))


@pytest.mark.parametrize("data", [BAD_UTF8, b"\x30\xff\xff\xff\xff\x01", b"\x00\x00"])
def test_bytes_that_are_not_mqtt_end_the_link(data: bytes) -> None:
    good = mqtt5.PingRespPacket().write()

    with pytest.raises(LinkDown, match=r"^the broker sent a "):
        split_packets(good + data)


@given(st.lists(IDS))
def test_acknowledgements_keep_their_order(ids: list[int]) -> None:
    assert pubacks(ids) == b"".join(mqtt5.PubAckPacket(packet_id).write() for packet_id in ids)
