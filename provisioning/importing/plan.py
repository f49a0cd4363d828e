"""What an import would do, and all that is wrong with it: pure, nothing is read or written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from provisioning.importing.columns import Column
from provisioning.importing.device_rows import (
    check_each,
    check_gateways,
    check_known,
    check_unique,
    read_devices,
)
from provisioning.importing.references import AGENCY, CONTACT, SITE, Changes, gather, resolve
from provisioning.importing.report import Fault, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.importing.header import Faults
    from provisioning.importing.references import Stated
    from provisioning.importing.rows import Row
    from provisioning.importing.stored import Stored
    from provisioning.records import Agency, Contact, Device, NewDevice, Site


class References(NamedTuple):
    """The agencies, contacts and sites to add and to replace."""

    agencies: Changes[Agency]
    contacts: Changes[Contact]
    sites: Changes[Site]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do.

    Attributes:
        rows: how many there are below the headings.
        new: devices to register; `changed` are pairs of before and after.
        unchanged: how many stand in the registry just so.
        uncertified: devices of the file that need a certificate and hold none that is valid.
        zones: ids of zones that come into being.
        faults: in the order of the rows; with one, nothing may be written.
    """

    rows: int
    references: References
    new: list[NewDevice]
    changed: list[tuple[Device, Device]]
    unchanged: int
    uncertified: list[NewDevice]
    zones: tuple[str, ...]
    faults: tuple[Fault, ...]

    def report(self, *, certificates: int = 0, written: bool = False) -> Report:
        """Report what was done, or would be."""
        return Report(
            rows=self.rows,
            new=len(self.new),
            changed=len(self.changed),
            unchanged=self.unchanged,
            agencies=self.references.agencies.ids,
            contacts=self.references.contacts.ids,
            sites=self.references.sites.ids,
            zones=self.zones,
            certificates=certificates,
            faults=self.faults,
            written=written,
        )


def make_plan(rows: Sequence[Row], faults: Faults, stored: Stored, *, update: bool) -> Plan:
    """Compare the rows of a file with the registry.

    Args:
        rows: what the file states.
        faults: what is wrong with single cells; the rest is added.
        stored: the registry.
        update: whether what stands in the registry may be changed.
    """
    references = _references(rows, stored, faults, update=update)
    devices = read_devices(rows, stored.devices, faults)
    check_each(devices, faults, update=update)
    check_gateways(devices, stored.devices, faults)
    check_unique(devices, stored.devices, faults)
    _check_known(rows, references, stored, faults)
    new, changed = [one.after for one in devices if one.before is None], [one.change for one in devices if one.change]
    return Plan(
        rows=len(rows),
        references=references,
        new=new,
        changed=changed,
        unchanged=len(devices) - len(new) - len(changed),
        uncertified=[one.after for one in devices if _connects(one.after) and one.after.id not in stored.certified],
        zones=tuple(sorted({zone for one in devices for zone in one.after.zones} - stored.zones)),
        faults=tuple(sorted(faults, key=lambda fault: fault.row)),
    )


def _connects(device: NewDevice) -> bool:
    """Tell whether it makes a connection of its own, and so needs a certificate."""
    return device.parent is None and device.modbus is None


def _references(rows: Sequence[Row], stored: Stored, faults: Faults, *, update: bool) -> References:
    contacts = _strangers(gather(CONTACT, rows, faults), stored)
    return References(
        resolve(AGENCY, gather(AGENCY, rows, faults), stored.agencies, faults, update=update),
        resolve(CONTACT, contacts, stored.contacts, faults, update=update),
        resolve(SITE, gather(SITE, rows, faults), stored.sites, faults, update=update),
    )


def _strangers(contacts: Mapping[str, Stated], stored: Stored) -> dict[str, Stated]:
    """Those that their agency does not have already, under whatever id."""
    known = {(one.agency, one.name, one.phone) for one in stored.contacts.values()}
    return {
        agency: about
        for agency, about in contacts.items()
        if (agency, about.fields.get("name"), about.fields.get("phone")) not in known
    }


def _check_known(rows: Sequence[Row], references: References, stored: Stored, faults: Faults) -> None:
    agencies = {*stored.agencies, *references.agencies.ids}
    check_known(rows, Column.AGENCY, agencies, faults)
    check_known(rows, Column.SITE_AGENCY, agencies, faults)
    check_known(rows, Column.SITE, {*stored.sites, *references.sites.ids}, faults)
    check_known(rows, Column.PARENT, {*stored.devices, *filter(None, (row.text(Column.ID) for row in rows))}, faults)
