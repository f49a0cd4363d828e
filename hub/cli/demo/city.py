"""Registers the demo's city and equips its devices, by the code that registers and equips real ones."""

from __future__ import annotations

import os
from time import time_ns
from typing import TYPE_CHECKING

from hub.cli.device import own_topics, sample_payload
from hub.profiles.certificate import certificate_rules
from hub.profiles.loader import load_profiles
from provisioning.bundle import bundle_files, write_folder
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.keystore import find_passphrase
from provisioning.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hub.settings import Settings
    from hub.sim.city import City, CityDevice
    from hub.sim.modbus.city import Polled
    from provisioning.records import ReferenceData, Site


def register_city(settings: Settings, city: City, polled: Polled, ports: Sequence[int]) -> None:
    """Put a whole city into an empty registry; what is polled, on those ports of this machine, a bus each."""
    engine = open_engine(settings.registry_url)
    try:
        registry = Registry(engine, time_ns)
        data: tuple[ReferenceData, ...] = (*city.agencies, *city.contacts, *city.zones, *_sites(city, polled))
        for one in data:
            registry.add(one)
        registry.add_devices([*(device.record for device in city.devices), *polled.records(ports)])
    finally:
        engine.dispose()


def _sites(city: City, polled: Polled) -> list[Site]:
    """Return all sites; some have devices of both."""
    return list({site.id: site for site in (*city.sites, *polled.sites)}.values())


def equip_devices(settings: Settings, devices: Sequence[CityDevice], bundles: Path) -> None:
    """Issue a certificate to each device and write its bundle into a folder of its name below `bundles`."""
    vocabulary, profiles = load_profiles(own=settings.profiles.folder)
    engine = open_engine(settings.registry_url)
    try:
        authority = Authority.load(settings.pki_dir, clock=time_ns, passphrase=find_passphrase(os.environ))
        enrolment = Enrolment(engine, authority, time_ns, rules=certificate_rules(profiles))
        issued = enrolment.issue_with_hub_keys([device.record.id for device in devices])
        for device, certificate in zip(devices, issued, strict=True):
            profile = profiles[device.record.profile]
            files = bundle_files(
                device.record.id,
                certificate,
                broker=settings.broker_address,
                sample=sample_payload(vocabulary, profile),
                vendors=own_topics(profile, device.record),
            )
            write_folder(bundles / device.record.id, files)
    finally:
        engine.dispose()
