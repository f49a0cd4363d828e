"""A device's connection: aiomqtt's client, which also tells how the broker answered, and which can be cut."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import aiomqtt

from hub.transport.tls import client_context

if TYPE_CHECKING:
    import paho.mqtt.client as paho
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from hub.transport.options import MqttOptions

TIMEOUT_S: Final = 5.0
ACCEPTED: Final = 0


class DeviceLink(aiomqtt.Client):
    """One connection over mutual TLS, MQTT 5, with a retained `offline` as its will.

    aiomqtt drops the reason code of a PUBACK, in which the broker says that it refused the message (0x87) or that
    nobody is subscribed and the message is gone (0x10). Counting either as delivered would be a lie; so the
    callback is extended. One message at a time is on its way.
    """

    def __init__(self, options: MqttOptions, status_topic: str) -> None:
        super().__init__(
            options.host,
            options.port,
            identifier=options.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=options.keep_alive_s,
            tls_context=client_context(options),
            will=aiomqtt.Will(status_topic, "offline", qos=1, retain=True),
            timeout=TIMEOUT_S,
        )
        self._status_topic = status_topic
        self._code = ACCEPTED

    async def deliver(self, topic: str, payload: bytes) -> int:
        """Publish at QoS 1 and return the reason code of the PUBACK (MQTT 5, 3.4.2.1); 0 means taken.

        Raises:
            aiomqtt.MqttError: no answer came.
        """
        self._code = ACCEPTED
        await self.publish(topic, payload, qos=1)
        return self._code

    async def announce(self, status: str) -> None:
        """Publish `online` or `offline`, retained; raises aiomqtt.MqttError."""
        await self.publish(self._status_topic, status, qos=1, retain=True)

    async def watch(self) -> None:
        """Wait until the connection is lost, then raise aiomqtt.MqttError; whatever arrives is ignored."""
        async for _ in self.messages:
            pass

    def cut(self) -> None:
        """Break the connection as a lost radio link does: no DISCONNECT, so that the broker sends the will."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _on_publish(
        self, client: paho.Client, userdata: object, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        self._code = reason_code.value
        super()._on_publish(client, userdata, mid, reason_code, properties)
