"""Opening a link, and every way in which that can fail."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import mqtt5
import pytest

from tests.integration.local_pki import Pki
from tests.unit.transport.hub_side import Hub, linked, refused
from tests.unit.transport.peer import Door, message, opened

if TYPE_CHECKING:
    from pathlib import Path


async def test_nobody_listens(door: Door, hub: Hub, pki: Pki) -> None:
    async with opened(pki.service("broker.cityhub")) as other:
        free = other.port
    hub.options = door.options(pki.service("hub.cityhub")).model_copy(update={"port": free})

    assert (await refused(hub.connecting())).startswith(f"cannot connect to 127.0.0.1:{free}: ")


@pytest.mark.parametrize("host", ["a..b", ".broker", "x" * 64, "no-such-host.invalid"])
async def test_a_host_that_cannot_be_one(door: Door, hub: Hub, pki: Pki, host: str) -> None:
    hub.options = door.options(pki.service("hub.cityhub"), host)

    assert (await refused(hub.connecting())).startswith(f"cannot connect to {host}:{door.port}: ")


@pytest.mark.usefixtures("impatient")
async def test_a_broker_that_never_shakes_hands(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.connection()

    assert (await refused(connecting)).endswith(": no answer")
    await peer.closed()


@pytest.mark.usefixtures("impatient")
async def test_a_broker_that_never_answers_connect(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.secured()

    assert "the broker did not answer CONNECT within" in await refused(connecting)
    assert isinstance(await peer.packet(), mqtt5.ConnectPacket)
    await peer.closed()


async def test_a_broker_that_refuses_says_why(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.accepted(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED)

    said = f"cannot connect to 127.0.0.1:{door.port}: it refused the connection: not_authorized"
    assert await refused(connecting) == said
    await peer.closed()


async def test_a_refusal_is_understood_when_the_broker_closes_in_the_same_breath(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.accepted(reason_code=mqtt5.ConnAckReasonCode.BANNED)
    peer.say_close_notify()
    peer.writer.close()

    assert "it refused the connection: banned" in await refused(connecting)


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\xff\xff"])
async def test_a_server_that_does_not_speak_tls(door: Door, hub: Hub, garbage: bytes) -> None:
    connecting = hub.connecting()
    peer = await door.connection()
    peer.writer.write(garbage)
    peer.writer.close()

    assert (await refused(connecting)).startswith(f"cannot connect to 127.0.0.1:{door.port}: ")


async def test_a_broker_that_closes_in_the_handshake(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.connection()
    peer.writer.write_eof()

    assert "closed in the TLS handshake" in await refused(connecting)


async def test_a_broker_that_breaks_off_in_the_handshake(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    (await door.connection()).writer.close()

    assert (await refused(connecting)).startswith(f"cannot connect to 127.0.0.1:{door.port}: ")


async def test_a_broker_that_closes_instead_of_answering(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.secured()
    await peer.packet()
    peer.writer.close()

    assert "the peer closed the connection" in await refused(connecting)


async def test_a_broker_of_a_foreign_authority_is_not_trusted(door: Door, tmp_path: Path) -> None:
    hub = Hub(door.options(Pki(tmp_path).service("hub.cityhub")))
    connecting = hub.connecting()
    peer = await door.connection()

    with pytest.raises(ssl.SSLError, match="ALERT_UNKNOWN_CA"):
        await peer.secure()
    assert "certificate verify failed" in await refused(connecting)


async def test_a_broker_with_a_certificate_for_another_name_is_not_trusted(pki: Pki) -> None:
    async with opened(pki.service("broker.cityhub"), "127.0.0.2") as door:
        connecting = Hub(door.options(pki.service("hub.cityhub"), "127.0.0.2")).connecting()
        peer = await door.connection()

        with pytest.raises(ssl.SSLError, match="ALERT_BAD_CERTIFICATE"):
            await peer.secure()
        assert "IP address mismatch" in await refused(connecting)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_broker_that_refuses_the_hubs_certificate(
    door: Door, hub: Hub, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 the hub has finished its handshake, and has sent CONNECT, by then."""
    stranger = Pki(tmp_path).service("hub.cityhub")
    hub.tls.load_cert_chain(stranger.cert_file, stranger.key_file)
    door.context.maximum_version = version
    connecting = hub.connecting()
    peer = await door.connection()

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        await peer.secure()
    assert "ALERT_UNKNOWN_CA" in await refused(connecting)


async def test_tls_1_2_is_enough(door: Door, hub: Hub) -> None:
    door.context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with linked(door, hub) as (link, peer):
        peer.send(message(1))
        await hub.until(1)
        link.acknowledge([1])

        assert await peer.packet() == mqtt5.PubAckPacket(1)


async def test_a_connection_that_is_given_up_while_it_is_made_is_dropped(door: Door, hub: Hub) -> None:
    connecting = hub.connecting()
    peer = await door.secured()
    connecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await connecting
    await peer.closed()
