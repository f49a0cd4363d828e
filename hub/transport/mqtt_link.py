"""One MQTT 5 connection over TLS, from CONNECT to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

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
    meanwhile, and every deadline of the broker's waits.
    """

    def __init__(self, publishes: Publishes) -> None:
        self._loop = asyncio.get_running_loop()
        self._publishes = publishes
        self._channel: TlsChannel | None = None
        self._rest = b""
        self._heard = self._loop.time()
        self._paused = False
        self._listened = True
        self._beating: asyncio.TimerHandle | None = None
        self._connack: asyncio.Future[mqtt5.ConnAckPacket] = self._loop.create_future()
        self._suback: asyncio.Future[mqtt5.SubAckPacket] = self._loop.create_future()
        self._ended: asyncio.Future[LinkDown] = self._loop.create_future()
        self._identifies = True
        self.session_present = False
        self.keep_alive_s = 0.0

    @classmethod
    async def open(cls, options: MqttOptions, tls: ssl.SSLContext, publishes: Publishes) -> Self:
        """Connect and wait for CONNACK.

        Raises:
            LinkDown: nobody answers, the certificates do not fit, or the broker refuses.
        """
        link = cls(publishes)
        try:
            await link._connect(options, tls)
        except BaseException as error:
            link.abort()
            if isinstance(error, (LinkDown, OSError, ValueError)):
                where = f"{options.host}:{options.port}"
                raise LinkDown(f"cannot connect to {where}: {str(error) or 'no answer'}") from error
            raise
        return link

    async def _connect(self, options: MqttOptions, tls: ssl.SSLContext) -> None:
        async with asyncio.timeout(ANSWER_S):
            self._channel = await TlsChannel.open(tls, options.host, options.port, self._received, self._end)
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
            raise LinkDown(f"it refused the connection: {answer.reason_code.name.lower()}")
        self.session_present = answer.session_present
        self._identifies = answer.subscription_id_available
        self.keep_alive_s = float(answer.server_keep_alive or options.keep_alive_s)
        self._next_beat()

    async def subscribe(self, patterns: Sequence[str], subscription_id: int | None = None) -> None:
        """Subscribe at QoS 1; what is retained arrives only with the first subscription of a session.

        Args:
            patterns: topic filters.
            subscription_id: comes with every message that arrives by these filters, if the broker knows of such.

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
        number = subscription_id if self._identifies else None
        self._write(mqtt5.SubscribePacket(1, filters, subscription_id=number).write())
        answer = await self._answer(self._suback, "SUBSCRIBE")
        if len(answer.reason_codes) != len(patterns):
            raise LinkDown(f"the broker answered {len(answer.reason_codes)} of {len(patterns)} subscriptions")
        for pattern, code in zip(patterns, answer.reason_codes, strict=True):
            if code.value >= FIRST_ERROR:
                raise LinkDown(f"the broker refused the subscription to {pattern}: {code.name.lower()}")

    def acknowledge(self, packet_ids: list[int]) -> None:
        """Send PUBACKs in the given order; does nothing once the connection is gone, for ids are then used anew."""
        if not self._ended.done() and packet_ids:
            self._write(pubacks(packet_ids))

    def pause(self) -> None:
        """Stop reading the socket."""
        self._paused, self._listened = True, False
        if self._channel is not None:
            self._channel.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self._heard = self._loop.time()
        if self._channel is not None:
            self._channel.resume()

    async def ended(self) -> NoReturn:
        """Wait for the end of the connection; raises LinkDown, which says why."""
        await asyncio.wait([self._ended])
        raise self._ended.result()

    async def close(self) -> None:
        """Say DISCONNECT, so that the broker keeps the session, and close; a connection that has ended is dropped."""
        if self._channel is not None and not self._ended.done():
            self._write(mqtt5.DisconnectPacket().write())
            self._end("closed by the hub")
            await self._channel.close()
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._end("the hub dropped the connection")
        if self._channel is not None:
            self._channel.abort()

    def _received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            packets, self._rest = split_packets(self._rest + data if self._rest else data)
        except LinkDown as error:
            self._drop(str(error))
            return
        publishes = [packet for packet in packets if type(packet) is mqtt5.PublishPacket]
        if len(publishes) < len(packets):
            self._control(packets)
        if publishes and not self._ended.done():
            self._publishes(self, publishes)
        if len(self._rest) > MAX_PACKET:
            self._drop(f"the broker sent a packet of more than {MAX_PACKET} bytes")

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

    def _next_beat(self) -> None:
        self._beating = self._loop.call_later(self.keep_alive_s / 2, self._beat)

    def _beat(self) -> None:
        """Send a PINGREQ; drop the connection when the broker has been silent for too long (MQTT 5, 3.1.2.10)."""
        if self._paused:
            self._heard = self._loop.time()
        elif self._loop.time() - self._heard > 1.5 * self.keep_alive_s:
            self._drop(f"the broker has been silent for {1.5 * self.keep_alive_s:g} s")
            return
        self._write(mqtt5.PingReqPacket().write())
        self._next_beat()

    async def _answer(self, future: asyncio.Future[_Answer], to: str) -> _Answer:
        """Wait for an answer; while the hub itself did not listen, the broker's time does not run."""
        either: list[asyncio.Future[Any]] = [future, self._ended]
        while True:
            self._listened = not self._paused
            await asyncio.wait(either, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
            if self._ended.done():
                raise self._ended.result()
            if self._listened:
                raise LinkDown(f"the broker did not answer {to} within {ANSWER_S:.0f} s")

    def _write(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.write(data)

    def _drop(self, why: str) -> None:
        self._end(why)
        self.abort()

    def _end(self, why: str) -> None:
        if self._beating is not None:
            self._beating.cancel()
        if not self._ended.done():
            self._ended.set_result(LinkDown(why))
