"""The registry's statements about devices: each works within a transaction of the registry."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, RowMapping, Select, and_, delete, false, insert, or_, select

from provisioning import tables
from provisioning.directory import JOINED_ZONES, ZoneTuples
from provisioning.errors import InvalidIdentity
from provisioning.records import Agency, Device, NewDevice, ReferenceData, Site, Zone
from provisioning.statements import Row, insert_rows, missing, replace_row
from provisioning.tables import device, device_zone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

_COLUMNS = tuple(field.name for field in fields(NewDevice) if field.name != "zones")
_Condition = ColumnElement[bool]


def insert_devices(connection: Connection, devices: Sequence[NewDevice], born: Row) -> list[str]:
    """Insert devices and return the zones that came into being with them.

    Args:
        connection: within a transaction that writes.
        devices: in any order, gateways and their children together.
        born: the columns that a new device does not bring itself.
    """
    gateways_first = sorted(devices, key=lambda new: new.parent is not None)
    insert_rows(connection, device, [_row(new) | born for new in gateways_first])
    new_zones = _join_zones(connection, devices)
    _check_gateways(connection, devices)
    return new_zones


def replace_device(connection: Connection, changed: Device) -> list[str]:
    """Store a device in place of the one that has its id; return the zones that came into being with it."""
    replace_row(connection, device, _row(changed) | {"updated_ns": changed.updated_ns})
    connection.execute(delete(device_zone).where(device_zone.c.device == changed.id))
    new_zones = _join_zones(connection, [changed])
    _check_gateways(connection, [changed])
    return new_zones


def read_devices(connection: Connection, *conditions: _Condition, limit: int | None = None) -> list[Device]:
    """Return the devices for which all conditions hold, in the order of their ids, `limit` at most."""
    zones = ZoneTuples()
    query = select(device, JOINED_ZONES).where(*conditions).order_by(device.c.id).limit(limit)
    return [_device(row, zones) for row in connection.execute(query).mappings()]


def read_device(connection: Connection, device_id: str) -> Device:
    """Return one device; raises UnknownDevice when there is none."""
    for found in read_devices(connection, device.c.id == device_id):
        return found
    raise missing(connection, device, device_id)


def matching(
    agencies: Collection[str] | None, site: str | None, zone: str | None, profile: str | None
) -> list[_Condition]:
    """The conditions for what is given; None leaves a question out."""
    conditions = []
    if agencies is not None:
        conditions.append(_owned_by(agencies))
    if site is not None:
        conditions.append(device.c.site == site)
    if zone is not None:
        conditions.append(_in_zone(zone))
    if profile is not None:
        conditions.append(device.c.profile == profile)
    return conditions


def touched_by(data: ReferenceData) -> Select[str]:
    """The ids of the devices whose directory entries a change of `data` may alter."""
    match data:
        case Agency():
            condition = _owned_by([data.id])
        case Site():
            condition = device.c.site == data.id
        case Zone():
            condition = _in_zone(data.id)
        case _:
            condition = false()
    return select(device.c.id).where(condition)


def following(name: str) -> _Condition:
    """Whether a device comes after this id, in the order of `read_devices`."""
    return device.c.id > name


def _owned_by(agencies: Collection[str]) -> _Condition:
    """Whether a device belongs to one of these agencies, by itself or through its site."""
    sites = select(tables.site.c.id).where(tables.site.c.agency.in_(agencies))
    return or_(device.c.agency.in_(agencies), and_(device.c.agency.is_(None), device.c.site.in_(sites)))


def _in_zone(zone: str) -> _Condition:
    """Whether a device belongs to a zone."""
    return device.c.id.in_(select(device_zone.c.device).where(device_zone.c.zone == zone))


def _row(new: NewDevice) -> Row:
    return {column: getattr(new, column) for column in _COLUMNS}


def _device(row: RowMapping, zones: ZoneTuples) -> Device:
    return Device(**{**row, "zones": zones[row["zones"]]})


def _join_zones(connection: Connection, devices: Iterable[NewDevice]) -> list[str]:
    """Store which zones the devices serve; return those that came into being."""
    pairs = [{"device": one.id, "zone": name} for one in devices for name in dict.fromkeys(one.zones)]
    known = set(connection.scalars(select(tables.zone.c.id)))
    new = sorted({pair["zone"] for pair in pairs} - known)
    insert_rows(connection, tables.zone, [{"id": name, "name": ""} for name in new])
    if pairs:
        connection.execute(insert(device_zone), pairs)
    return new


def _check_gateways(connection: Connection, devices: Iterable[NewDevice]) -> None:
    """A gateway speaks for its children over its own connection, so it cannot be a child itself."""
    if all(one.parent is None for one in devices):
        return
    gateway = device.alias()
    chained = select(device.c.id, gateway.c.id).join(gateway, device.c.parent == gateway.c.id)
    for child, parent in connection.execute(chained.where(gateway.c.parent.is_not(None)).limit(1)):
        raise InvalidIdentity(
            f"The gateway {parent!r} of {child!r} has a gateway itself: name the one that holds the connection."
        )
