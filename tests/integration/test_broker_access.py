"""Who is refused: a real mosquitto with the configuration and the lists that the hub writes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from tests.integration.guarded import CONNECT, WELCOME, GuardedCity, ended, foreign

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[GuardedCity]:
    city = GuardedCity(tmp_path)
    for device in ("dev1", "dev2", "gateway-1", "gateway-2"):
        city.policy.register(device)
    city.policy.register("meter-1", parent="gateway-1")
    async with city.running():
        yield city


@pytest.mark.parametrize("leaf", ["telemetry", "events", "status", "reported", "replies"])
async def test_a_device_says_what_is_its_own_to_say(city: GuardedCity, leaf: str) -> None:
    assert await city.said(city.policy.issue("dev1"), f"devices/dev1/{leaf}")


@pytest.mark.parametrize(
    "topic",
    [
        "devices/dev2/telemetry",
        "devices/dev1/desired",
        "devices/dev1/commands/reboot",
        "devices/dev1/acks",
        "devices/dev1/children/meter-1/telemetry",
        "anything",
    ],
)
async def test_a_device_says_nothing_else(city: GuardedCity, topic: str) -> None:
    assert not await city.said(city.policy.issue("dev1"), topic)


@pytest.mark.parametrize("leaf", ["desired", "commands/reboot", "acks"])
async def test_a_device_hears_what_is_meant_for_it_and_nothing_else(city: GuardedCity, leaf: str) -> None:
    dev1 = city.policy.issue("dev1")
    assert await city.heard(dev1, f"devices/dev1/{leaf}")
    assert not await city.heard(dev1, f"devices/dev2/{leaf}")


async def test_a_gateway_speaks_for_its_own_children_only(city: GuardedCity) -> None:
    own, other = city.policy.issue("gateway-1"), city.policy.issue("gateway-2")
    assert await city.said(own, "devices/gateway-1/children/meter-1/telemetry")
    assert not await city.said(own, "devices/gateway-1/children/meter-1/desired")
    assert not await city.said(own, "devices/gateway-1/children/meter-2/telemetry")
    assert not await city.said(other, "devices/gateway-2/children/meter-1/telemetry")


async def test_a_gateway_hears_what_its_children_are_told(city: GuardedCity) -> None:
    assert await city.heard(city.policy.issue("gateway-1"), "devices/gateway-1/children/meter-1/commands/read")


async def test_a_child_that_moves_takes_the_word_from_its_gateway(city: GuardedCity) -> None:
    before, after = city.policy.issue("gateway-1"), city.policy.issue("gateway-2")
    city.policy.register("meter-1", parent="gateway-2")
    await city.guard.look()
    assert not await city.said(before, "devices/gateway-1/children/meter-1/telemetry")
    assert await city.said(after, "devices/gateway-2/children/meter-1/telemetry")


async def test_nobody_comes_in_without_a_certificate(city: GuardedCity) -> None:
    assert not await city.admits(None)


async def test_nobody_comes_in_with_a_certificate_of_another_authority(city: GuardedCity, tmp_path: Path) -> None:
    assert not await city.admits(foreign(city, tmp_path / "elsewhere", "dev1"))


async def test_nobody_comes_in_with_a_certificate_that_has_expired(city: GuardedCity) -> None:
    assert await city.admits(city.policy.issue("dev1"))
    assert not await city.admits(city.policy.issue("dev1", days=-365))


async def test_a_device_cannot_take_the_client_id_of_another(city: GuardedCity) -> None:
    async with city.client(city.policy.issue("dev2"), "dev2") as victim:
        async with city.client(city.policy.issue("dev1"), "dev2"):
            pass
        await victim.publish("devices/dev2/telemetry", b"still here", qos=1)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("dev1/../dev2", "devices/dev1/../dev2/telemetry"),
        ("gateway-1/children/meter-1", "devices/gateway-1/children/meter-1/telemetry"),
        ("dev2/commands", "devices/dev2/commands/telemetry"),
    ],
)
async def test_a_name_with_a_slash_has_no_say(city: GuardedCity, name: str, topic: str) -> None:
    """No authority of the house signs such a name; should one ever be signed, the broker does not fall for it."""
    assert not await city.said(city.policy.issue(name), topic)


async def test_a_revoked_certificate_is_refused_and_another_of_the_device_is_not(city: GuardedCity) -> None:
    lost, kept = city.policy.issue("dev1"), city.policy.issue("dev1")
    city.policy.revoke("dev1", lost)
    await city.guard.look()
    assert (await city.admits(lost), await city.admits(kept)) == (False, True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_revoked_certificate_does_not_slip_in_on_an_earlier_tls_session(
    city: GuardedCity, version: ssl.TLSVersion
) -> None:
    """A resumed session is not judged again (RFC 8446, 2.2), so it must not outlive the lists it was judged by."""
    dev1 = city.policy.issue("dev1")
    tls = city.tls(dev1, version=version)
    session, _ = await asyncio.to_thread(_visit, city, tls)
    _, resumed = await asyncio.to_thread(_visit, city, tls, session)
    assert resumed
    session, _ = await asyncio.to_thread(_visit, city, tls)
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    with pytest.raises(OSError, match=r"revoked|EOF|reset"):
        await asyncio.to_thread(_visit, city, tls, session)


@pytest.mark.parametrize("protocol", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])
async def test_a_device_that_is_retired_is_silent_at_once_even_before_it_is_thrown_out(
    city: GuardedCity, protocol: aiomqtt.ProtocolVersion
) -> None:
    dev1 = city.policy.issue("dev1")
    async with city.hub() as hub:
        await hub.subscribe("devices/#", qos=1)
        async with city.live(dev1, "dev1", protocol) as client:
            city.policy.retire("dev1")
            await city.guard._call(city.guard._follow)
            await city.guard._settle()
            await client.publish("devices/dev1/telemetry", b"unheard", qos=1)
            await ended(client)  # Debian's mosquitto ends a connection that says what it may not
        await hub.publish("devices/dev2/acks", b"the first that comes", qos=1)
        first = await anext(aiter(hub.messages))
    assert first.payload == b"the first that comes"


def _visit(
    city: GuardedCity, tls: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool | None]:
    """Come in once; returns the TLS session to come back with, and whether this one was such a return."""
    with (
        socket.create_connection(city.guarded.devices) as tcp,
        tls.wrap_socket(tcp, server_hostname="127.0.0.1", session=session) as secured,
    ):
        secured.sendall(CONNECT)
        if secured.recv(len(WELCOME)) != WELCOME:
            raise ConnectionResetError("EOF")
        return secured.session, secured.session_reused
