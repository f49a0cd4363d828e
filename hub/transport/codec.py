"""The border to the MQTT 5 codec: bytes in, packets out, and only our own errors."""

from __future__ import annotations

import struct

import mqtt5

from hub.errors import LinkDown


class MalformedPacket(LinkDown):
    """The peer sent bytes that are not MQTT 5: the connection cannot be trusted any more."""


def split_packets(buffer: bytes) -> tuple[list[mqtt5.Packet], bytes]:
    """Return every whole packet in `buffer`, and the bytes of the one that is still incomplete.

    Raises:
        MalformedPacket: the bytes are not MQTT 5.
    """
    packets: list[mqtt5.Packet] = []
    view = memoryview(buffer)
    offset, end = 0, len(buffer)
    read, keep = mqtt5.read, packets.append
    try:
        while offset < end:
            packet, size = read(view[offset:])
            keep(packet)
            offset += size
    except IndexError:
        pass  # the codec's word for "the rest of this packet has not arrived"
    except ValueError as error:
        raise MalformedPacket(f"the broker sent a malformed packet: {error}") from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - invalid UTF-8 panics inside the codec, which is no Exception
        raise MalformedPacket(f"the broker sent a packet that the codec cannot read: {error}") from None
    return packets, bytes(view[offset:])


def pubacks(packet_ids: list[int]) -> bytes:
    """Return PUBACK packets with reason code 0, in the given order (MQTT 5, 3.4: the short form of two bytes)."""
    words = [0x4002] * (2 * len(packet_ids))
    words[1::2] = packet_ids
    return struct.pack(f">{len(words)}H", *words)
