"""One MQTT 5 connection over TLS, from CONNECT to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import mqtt5

from hub.errors import LinkDown
from hub.transport.codec import pubacks, split_packets
from hub.transport.tls_channel import TlsChannel

if TYPE_CHECKING:
    import ssl

    from hub.transport.options import MqttOptions

MAX_PACKET: Final = 1 << 20
"""Largest packet the hub takes, in bytes; bounds what an incomplete packet can hold in memory."""
ANSWER_S: Final = 15.0
"""How long the broker may take to answer CONNECT or SUBSCRIBE."""

FIRST_ERROR: Final = 0x80
"""Reason codes from here on are errors (MQTT 5, 2.4)."""

_Answer = TypeVar("_Answer")
Publishes = Callable[["MqttLink", list[mqtt5.PublishPacket]], None]


class MqttLink:
    """A connection that hands over what each burst brought, in one call, and acknowledges when it is told to.

    Back-pressure is `pause`: the socket is not read, whatever the broker makes of Receive Maximum. PINGREQs go on
    meanwhile, and their deadline waits.
    """

    def __init__(self, publishes: Publishes) -> None:
        self._loop = asyncio.get_running_loop()
        self._publishes = publishes
        self._channel: TlsChannel | None = None
        self._rest = b""
        self._heard = self._loop.time()
        self._paused = False
        self._connack: asyncio.Future[mqtt5.ConnAckPacket] = self._loop.create_future()
        self._suback: asyncio.Future[mqtt5.SubAckPacket] = self._loop.create_future()
        self._ended: asyncio.Future[LinkDown] = self._loop.create_future()
        self.session_present = False
        self.keep_alive_s = 0.0

    @classmethod
    async def open(cls, options: MqttOptions, tls: ssl.SSLContext, publishes: Publishes) -> Self:
        """Connect and wait for CONNACK.

        Raises:
            LinkDown: nobody answers, the certificates do not fit, or the broker refuses.
        """
        where = f"{options.host}:{options.port}"
        link = cls(publishes)
        try:
            async with asyncio.timeout(ANSWER_S):
                link._channel = await TlsChannel.open(tls, options.host, options.port, link._received, link._end)
            await link._connect(options)
        except (OSError, TimeoutError) as error:
            raise LinkDown(f"cannot connect to the broker at {where}: {str(error) or 'no answer'}") from error
        except BaseException:
            link.abort()
            raise
        return link

    async def _connect(self, options: MqttOptions) -> None:
        self._write(
            mqtt5.ConnectPacket(
                options.client_id,
                clean_start=False,
                keep_alive=options.keep_alive_s,
                session_expiry_interval=options.session_expiry_s,
                max_packet_size=MAX_PACKET,
            ).write()
        )
        answer = await self._answer(self._connack, "CONNECT")
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise LinkDown(f"the broker refused the connection: {answer.reason_code.name.lower()}")
        self.session_present = answer.session_present
        self.keep_alive_s = float(answer.server_keep_alive or options.keep_alive_s)

    async def subscribe(self, patterns: Sequence[str]) -> None:
        """Subscribe at QoS 1; what is retained arrives only with the first subscription of a session.

        Raises:
            LinkDown: the broker refused one of the filters, or the connection ended.
        """
        filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                retain_as_published=False,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for pattern in patterns
        ]
        self._suback = self._loop.create_future()
        self._write(mqtt5.SubscribePacket(1, filters).write())
        answer = await self._answer(self._suback, "SUBSCRIBE")
        for pattern, code in zip(patterns, answer.reason_codes, strict=True):
            if code.value >= FIRST_ERROR:
                raise LinkDown(f"the broker refused the subscription to {pattern}: {code.name.lower()}")

    def acknowledge(self, packet_ids: list[int]) -> None:
        """Send PUBACKs in the given order; does nothing once the connection is gone, for ids are then used anew."""
        if not self._ended.done() and packet_ids:
            self._write(pubacks(packet_ids))

    def pause(self) -> None:
        """Stop reading the socket."""
        self._paused = True
        if self._channel is not None:
            self._channel.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self._heard = self._loop.time()
        if self._channel is not None:
            self._channel.resume()

    async def watch(self) -> None:
        """Send PINGREQs until the connection ends; raises LinkDown when it does, or when the broker falls silent."""
        while True:
            done, _ = await asyncio.wait([self._ended], timeout=self.keep_alive_s / 2)
            if done:
                raise self._ended.result()
            if self._paused:
                self._heard = self._loop.time()
            elif self._loop.time() - self._heard > 1.5 * self.keep_alive_s:
                raise LinkDown(f"the broker has been silent for {1.5 * self.keep_alive_s:.0f} s")
            self._write(mqtt5.PingReqPacket().write())

    def close(self) -> None:
        """Say DISCONNECT, so that the broker keeps the session, and close."""
        if not self._ended.done():
            self._write(mqtt5.DisconnectPacket().write())
        self._end("closed by the hub")
        if self._channel is not None:
            self._channel.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._end("dropped by the hub")
        if self._channel is not None:
            self._channel.abort()

    def _received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            packets, self._rest = split_packets(self._rest + data if self._rest else data)
        except LinkDown as error:
            self._end(str(error))
            self.abort()
            return
        publishes = [packet for packet in packets if type(packet) is mqtt5.PublishPacket]
        if len(publishes) < len(packets):
            self._control(packets)
        if publishes and not self._ended.done():
            self._publishes(self, publishes)

    def _control(self, packets: list[mqtt5.Packet]) -> None:
        for packet in packets:
            match packet:
                case mqtt5.ConnAckPacket() if not self._connack.done():
                    self._connack.set_result(packet)
                case mqtt5.SubAckPacket() if not self._suback.done():
                    self._suback.set_result(packet)
                case mqtt5.DisconnectPacket():
                    self._end(f"the broker disconnected the hub: {packet.reason_code.name.lower()}")
                case _:
                    pass

    async def _answer(self, future: asyncio.Future[_Answer], to: str) -> _Answer:
        either: list[asyncio.Future[Any]] = [future, self._ended]
        await asyncio.wait(either, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        if self._ended.done():
            raise self._ended.result()
        raise LinkDown(f"the broker did not answer {to} within {ANSWER_S:.0f} s")

    def _write(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.write(data)

    def _end(self, why: str) -> None:
        if not self._ended.done():
            self._ended.set_result(LinkDown(why))
