"""The guard at work on a real mosquitto: what changes is enforced, what somebody spoils is found, told and repaired."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import aiomqtt
import pytest
from cryptography.x509 import load_pem_x509_certificate

from hub.broker.errors import CrlRefused
from hub.broker.guard import HALF_OPEN_NS
from hub.broker.problems import ALARM_NS
from hub.transport.tls import client_context
from provisioning.clock import utc
from provisioning.crl import sign_list
from provisioning.database import open_engine
from provisioning.rotation import Rotation
from provisioning.schema import metadata
from tests.integration.guarded import CONNECT, DAY_NS, WELCOME, Held, ended
from tests.integration.guarded import GuardedCity as City

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    Spoil = Callable[[City], None]

V311, V5 = aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    city = City(tmp_path)
    city.policy.register("dev1")
    city.policy.register("dev2")
    async with city.running():
        yield city


async def _read_by_the_broker(city: City) -> None:
    """Have the broker read its files, as somebody else might."""
    await city.guard._have_read()


def _rotate(city: City) -> None:
    """Put another issuing CA before the one that there is."""
    folder = city.policy.folder / "ca"
    engine = open_engine(city.policy.folder / "registry.db")
    metadata.create_all(engine)
    Rotation(engine, folder, city.clock).rotate()
    engine.dispose()


def _canary(city: City) -> Held:
    issued = city.policy.canary()
    return city.policy.hold(load_pem_x509_certificate(issued.cert_pem), issued.key_pem)


# What changes


async def test_a_healthy_broker_is_no_problem(city: City) -> None:
    await city.guard.look()
    assert city.guard.problems == []


@pytest.mark.parametrize("protocol", [V311, V5])
async def test_a_device_that_is_revoked_while_connected_is_thrown_out_and_stays_out(
    city: City, protocol: aiomqtt.ProtocolVersion
) -> None:
    dev1 = city.policy.issue("dev1")
    guarding = asyncio.create_task(city.guard.run())
    async with city.live(dev1, "dev1", protocol) as client:
        revoked = time.monotonic()
        city.policy.revoke("dev1", dev1, deny=True)
        await ended(client)
        assert not await city.admits(dev1)
        print(f"thrown out and refused {time.monotonic() - revoked:.2f} s after the revocation")
    guarding.cancel()
    assert city.guard.problems == []


async def test_others_stay_connected_while_one_is_thrown_out(city: City) -> None:
    dev1, dev2 = city.policy.issue("dev1"), city.policy.issue("dev2")
    async with city.client(dev2, "dev2") as other:
        city.policy.revoke("dev1", dev1)
        await city.guard.look()
        await other.publish("devices/dev2/telemetry", b"1", qos=1)


async def test_a_connection_that_was_half_open_during_the_revocation_is_ended_when_it_can_no_longer_be_so(
    city: City,
) -> None:
    """Its certificate was good in the handshake; mosquitto waits 90 s for its CONNECT."""
    dev1 = city.policy.issue("dev1")
    reader, writer = await asyncio.open_connection(*city.guarded.devices, ssl=city.tls(dev1))
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    writer.write(CONNECT)
    assert await reader.readexactly(len(WELCOME)) == WELCOME
    city.clock.pass_(HALF_OPEN_NS / 1e9)
    await city.guard.look()
    assert await reader.read() == b""
    writer.close()


async def test_a_new_device_changes_nothing_under_the_broker(city: City) -> None:
    before = [path.stat().st_mtime_ns for path in (city.guarded.acl_file, city.guarded.crl_file)]
    city.policy.register("dev3")
    await city.guard.look()
    assert [path.stat().st_mtime_ns for path in (city.guarded.acl_file, city.guarded.crl_file)] == before


async def test_a_new_issuing_ca_is_trusted_beside_the_old_one(city: City) -> None:
    old = city.policy.issue("dev1")
    _rotate(city)
    await city.guard.look()
    new = city.policy.issue("dev2")
    assert (await city.admits(old), await city.admits(new)) == (True, True)
    city.policy.revoke("dev1", old)
    city.policy.revoke("dev2", new)
    await city.guard.look()
    assert (await city.admits(old), await city.admits(new)) == (False, False)
    assert city.guard.problems == []


async def test_lists_are_made_anew_long_before_they_run_out(city: City) -> None:
    city.clock.pass_(3 * 86_400)
    await city.guard.look()
    assert city.policy.number == 1
    city.clock.pass_(86_400)
    await city.guard.look()
    assert city.policy.number == 2


async def test_lists_that_cannot_be_made_anew_are_a_problem_until_they_can(city: City) -> None:
    city.policy.unsigned = True
    dev1 = city.policy.issue("dev1")
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    [problem] = city.guard.problems
    assert problem.startswith("There is no new revocation list: The issuing key cannot be opened. The one in use runs")
    city.policy.unsigned = False
    city.clock.pass_(5)
    await city.guard.look()
    assert (city.guard.problems, await city.admits(dev1)) == ([], False)


async def test_a_registry_that_cannot_be_read_is_a_problem_and_the_rest_goes_on(city: City) -> None:
    city.policy.broken = True
    city.guarded.crl_file.write_bytes(b"")
    await city.guard.look()
    assert city.guard.problems[0] == "The registry cannot be read."
    assert city.guarded.crl_file.read_bytes() != b""


async def test_a_service_is_not_thrown_out_with_its_certificate(city: City) -> None:
    """Its sessions have ids of its own choice: one named like it may be another's, and hold what is queued for it."""
    city.policy.revoke("edge.cityhub", city.policy.issue("edge.cityhub"))
    inner = city.guarded.inner
    reader, writer = await asyncio.open_connection(inner.host, inner.port, ssl=client_context(inner))
    writer.write(CONNECT.replace(b"\x10\x0c", b"\x10\x18").replace(b"\x00\x00", b"\x00\x0cedge.cityhub"))
    assert await reader.readexactly(len(WELCOME)) == WELCOME
    await city.guard.look()
    writer.write(b"\xc0\x00")  # section 3.12: PINGREQ
    assert await reader.readexactly(2) == b"\xd0\x00"
    writer.close()


async def test_a_broker_that_is_away_is_a_problem_and_what_was_due_is_done_when_it_is_back(tmp_path: Path) -> None:
    city = City(tmp_path)
    await city.guard.prepare()
    dev1 = city.policy.issue("dev1")
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    assert city.guard.problems[0].startswith("The broker does not say that it has read its files: ")
    async with city.running():
        await city.guard.look()
        assert (city.guard.problems, await city.admits(dev1)) == ([], False)


async def test_who_must_go_is_not_forgotten_while_the_authority_cannot_be_read(city: City) -> None:
    dev1 = city.policy.issue("dev1")
    async with city.live(dev1, "dev1", V5) as client:
        city.policy.revoke("dev1", dev1, deny=True)
        city.policy.unreadable = True
        await city.guard.look()
        city.policy.unreadable = False
        await city.guard.look()
        await ended(client)


# What somebody spoils


def _emptied(city: City) -> None:
    city.guarded.crl_file.write_bytes(b"")


def _truncated(city: City) -> None:
    content = city.guarded.crl_file.read_bytes()
    city.guarded.crl_file.write_bytes(content[: len(content) // 2])


def _deleted(city: City) -> None:
    city.guarded.crl_file.unlink()


def _expired(city: City) -> None:
    signer, now = city.policy.authority._contents.signers[0], utc(city.clock() - 30 * DAY_NS)
    city.guarded.crl_file.write_bytes(sign_list(signer, [], 1, now))


def _replaced(city: City) -> None:
    signer, now = city.policy.authority._contents.signers[0], utc(city.clock())
    city.guarded.crl_file.write_bytes(sign_list(signer, [], 1, now))


SPOILED = [
    (_emptied, "was emptied"),
    (_truncated, "was cut short"),
    (_deleted, "was deleted or made unreadable"),
    (_expired, "was replaced: The revocation list of CN="),
    (_replaced, "was replaced by another list"),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILED)
async def test_a_revocation_list_that_is_spoiled_is_found_told_and_restored(
    city: City, spoil: Spoil, words: str
) -> None:
    dev1, dev2 = city.policy.issue("dev1"), city.policy.issue("dev2")
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    good = city.guarded.crl_file.read_bytes()
    spoil(city)
    await city.guard.look()
    [alarm] = city.guard.problems
    assert f"{city.guarded.crl_file}, which protects the broker, {words}" in alarm
    assert city.guarded.crl_file.read_bytes() == good
    assert (await city.admits(dev1), await city.admits(dev2)) == (False, True)


@pytest.mark.parametrize(("spoil", "words"), SPOILED)
async def test_a_spoiled_list_that_the_broker_has_read_is_replaced_there_too(
    city: City, spoil: Spoil, words: str
) -> None:
    dev1, dev2 = city.policy.issue("dev1"), city.policy.issue("dev2")
    city.policy.revoke("dev1", dev1)
    await city.guard.look()
    spoil(city)
    await _read_by_the_broker(city)
    wrong = (await city.admits(dev1), await city.admits(dev2))
    await city.guard.look()
    assert wrong != (await city.admits(dev1), await city.admits(dev2)) == (False, True)
    assert any(words in problem for problem in city.guard.problems)


async def test_the_canary_finds_what_the_files_do_not_show(city: City) -> None:
    good = city.guarded.crl_file.read_bytes()
    await city.guard.look()
    _emptied(city)
    await _read_by_the_broker(city)
    city.guarded.crl_file.write_bytes(good)
    city.clock.pass_(60)
    await city.guard.look()
    [alarm] = city.guard.problems
    assert "The broker lets a revoked certificate in: it does not enforce the revocation list." in alarm
    assert not await city.admits(_canary(city))


async def test_an_alarm_stands_for_a_while_after_the_repair(city: City) -> None:
    _emptied(city)
    await city.guard.look()
    city.clock.pass_(ALARM_NS / 1e9 - 1)
    await city.guard.look()
    assert len(city.guard.problems) == 1
    city.clock.pass_(1)
    assert city.guard.problems == []


async def test_an_access_list_that_is_deleted_does_not_open_the_broker(city: City) -> None:
    dev1 = city.policy.issue("dev1")
    city.guarded.acl_file.unlink()
    await _read_by_the_broker(city)
    assert await city.said(dev1, "devices/dev2/telemetry")
    await city.guard.look()
    assert not await city.said(dev1, "devices/dev2/telemetry")
    assert "acl, which protects the broker, was deleted" in city.guard.problems[0]


async def test_a_broker_that_died_of_a_spoiled_list_comes_back(city: City) -> None:
    _emptied(city)
    pid = city.supervisor.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    guarding = asyncio.create_task(city.guard.run())
    while not await city.admits(city.policy.issue("dev1")):  # noqa: ASYNC110 - the outside world sends no events
        await asyncio.sleep(0.05)
    guarding.cancel()


async def test_a_file_that_was_only_touched_is_no_alarm(city: City) -> None:
    os.utime(city.guarded.crl_file)
    await city.guard.look()
    assert city.guard.problems == []


# Starting


async def test_lists_of_the_last_time_are_used_again_while_they_are_good(tmp_path: Path) -> None:
    city = City(tmp_path)
    await city.guard.prepare()
    await city.new_guard().prepare()
    assert city.policy.number == 1


async def test_a_start_goes_on_with_the_last_lists_when_there_can_be_no_new_ones(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.policy.register("dev1")
    await city.guard.prepare()
    city.policy.unsigned = True
    city.policy.revoke("dev1", city.policy.issue("dev1"))
    city.guard = city.new_guard()
    async with city.running():
        await city.guard.look()
        assert "The issuing key cannot be opened." in city.guard.problems[0]


@pytest.mark.parametrize("spoil", [spoil for spoil, _ in SPOILED[:4]])
async def test_a_start_on_a_spoiled_list_makes_a_new_one(tmp_path: Path, spoil: Spoil) -> None:
    city = City(tmp_path)
    await city.guard.prepare()
    spoil(city)
    city.guard = city.new_guard()
    async with city.running():
        await city.guard.look()
        assert city.guard.problems == []


async def test_a_list_from_a_backup_does_not_go_under_the_broker(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.policy.number = 7
    await city.guard.prepare()
    city.policy.number = 2
    city.policy.revoke("dev1", city.policy.issue("dev1"))
    await city.guard.look()
    assert "has number 3, and number 8 has been in use" in city.guard.problems[0]


async def test_without_any_list_there_is_no_start(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.policy.crl = lambda: b"rubbish"  # type: ignore[method-assign]
    with pytest.raises(CrlRefused, match="The revocation list is empty"):
        await city.guard.prepare()
