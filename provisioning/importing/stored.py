"""What an import is compared with: the registry as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from provisioning import tables
from provisioning.devices import read_devices
from provisioning.records import Agency, Contact, Device, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table

_Reference = TypeVar("_Reference", Agency, Contact, Site)


@dataclass(frozen=True, slots=True)
class Stored:
    """The registry by ids; `certified` are the devices that hold a certificate which is valid now."""

    agencies: Mapping[str, Agency]
    contacts: Mapping[str, Contact]
    sites: Mapping[str, Site]
    zones: frozenset[str]
    devices: Mapping[str, Device]
    certified: frozenset[str]


def read_stored(connection: Connection, now_ns: int) -> Stored:
    """Read the registry as this transaction sees it."""
    certificate = tables.certificate
    valid = select(certificate.c.device).where(certificate.c.revoked_ns.is_(None), certificate.c.not_after_ns > now_ns)
    return Stored(
        agencies=_all(connection, tables.agency, Agency),
        contacts=_all(connection, tables.contact, Contact),
        sites=_all(connection, tables.site, Site),
        zones=frozenset(connection.scalars(select(tables.zone.c.id))),
        devices={device.id: device for device in read_devices(connection)},
        certified=frozenset(connection.scalars(valid)),
    )


def _all(connection: Connection, table: Table, kind: type[_Reference]) -> dict[str, _Reference]:
    return {row["id"]: kind(**row) for row in connection.execute(select(table)).mappings()}
