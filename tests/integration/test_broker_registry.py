"""What the registry says is what the broker does: the guard over the real registry, revocations and authority."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from hub.broker.guard import Guard
from hub.local.services import BROKER, issue_server
from provisioning.certificates import key_id
from provisioning.crl import Reason
from provisioning.database import open_engine
from provisioning.enforcement import Enforcement
from provisioning.enrolment import Enrolment
from provisioning.records import NewDevice
from provisioning.registry import Registry
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation
from provisioning.schema import metadata
from provisioning.service_life import ServiceLife
from tests.integration.guarded import GuardedCity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.guarded import Held


class RegisteredCity(GuardedCity):
    """A guarded city with a registry."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.engine = open_engine(folder / "registry.db")
        metadata.create_all(self.engine)
        authority = self.policy.authority
        self.registry = Registry(self.engine, self.clock)
        self.revocation = Revocation(self.engine, authority, self.clock)
        enforcement = Enforcement(self.engine, self.registry, self.revocation, authority, self.clock)
        self.guard = Guard(enforcement, self.guarded, self.clock)

    def enrol(self, device: str) -> Held:
        """Issue a certificate as the hub does."""
        issued = Enrolment(self.engine, self.policy.authority, self.clock).issue_with_hub_key(device)
        return self.policy.hold(load_pem_x509_certificate(issued.cert_pem), issued.key_pem)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[RegisteredCity]:
    city = RegisteredCity(tmp_path)
    city.registry.add_devices([NewDevice(id=name, profile="generic_environment") for name in ("dev1", "gw1", "gw2")])
    async with city.running():
        yield city
    city.engine.dispose()


async def test_a_device_that_is_revoked_is_refused(city: RegisteredCity) -> None:
    lost = city.enrol("dev1")
    assert await city.said(lost, "devices/dev1/telemetry")
    city.revocation.revoke("dev1", Reason.KEY_COMPROMISE)
    await city.guard.look()
    assert not await city.admits(lost)
    assert city.guard.problems == []


async def test_a_device_with_a_good_certificate_left_is_heard_by_it(city: RegisteredCity) -> None:
    lost, kept = city.enrol("dev1"), city.enrol("dev1")
    city.revocation.revoke_certificate(lost.serial, Reason.KEY_COMPROMISE)
    await city.guard.look()
    assert (await city.said(kept, "devices/dev1/telemetry"), await city.admits(lost)) == (True, False)


async def test_a_device_that_is_retired_is_refused(city: RegisteredCity) -> None:
    dev1 = city.enrol("dev1")
    ServiceLife(city.engine, city.clock).retire("dev1")
    await city.guard.look()
    assert not await city.admits(dev1)
    assert b"user dev1\ntopic deny #\n" in city.guarded.acl_file.read_bytes()


async def test_a_child_is_spoken_for_by_the_gateway_that_the_registry_names(city: RegisteredCity) -> None:
    gw1, gw2 = city.enrol("gw1"), city.enrol("gw2")
    city.registry.add_device(NewDevice(id="meter-1", profile="generic_environment", parent="gw1"))
    await city.guard.look()
    assert await city.said(gw1, "devices/gw1/children/meter-1/telemetry")
    city.registry.update_device("meter-1", parent="gw2")
    await city.guard.look()
    assert not await city.said(gw1, "devices/gw1/children/meter-1/telemetry")
    assert await city.said(gw2, "devices/gw2/children/meter-1/telemetry")


async def test_an_issuing_ca_comes_and_the_one_before_it_goes(city: RegisteredCity) -> None:
    old = city.enrol("dev1")
    city.revocation.revoke("gw1", Reason.UNSPECIFIED)
    earlier = city.policy.authority.certificates[0]
    rotation = Rotation(city.engine, city.policy.folder / "ca", city.clock)
    rotation.rotate()
    await city.guard.look()
    new = city.enrol("dev1")
    assert (await city.admits(old), await city.admits(new)) == (True, True)
    rotation.drop(key_id(earlier), force=True)
    await city.guard.look()
    assert (await city.admits(old), await city.admits(new)) == (False, True)
    assert city.guard.problems == []


async def test_a_broker_shows_its_renewed_certificate_after_a_reload_and_the_hub_stays(city: RegisteredCity) -> None:
    before = await _shown(city)
    own = issue_server(city.policy.authority, city.guarded.folder, BROKER, [])
    city.guard.reload()
    await city.guard.look()
    assert before != await _shown(city) == load_pem_x509_certificate(own.cert_file.read_bytes()).serial_number
    assert city.guard.problems == []


async def _shown(city: RegisteredCity) -> int:
    """Return the serial number of the broker's certificate."""
    _, writer = await asyncio.open_connection(*city.guarded.devices, ssl=city.tls(city.policy.issue("dev1")))
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return load_der_x509_certificate(der).serial_number
