"""The directory: what the hub must know of each device to place its telemetry, read in one go."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Select, func, select

from provisioning.records import Lifecycle
from provisioning.tables import device, device_zone, site

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

_MOST_IDS = 500  # beyond it reading the whole directory is cheaper than naming the ids, and SQL bounds parameters

JOINED_ZONES = (
    select(func.aggregate_strings(device_zone.c.zone, ","))
    .where(device_zone.c.device == device.c.id)
    .scalar_subquery()
    .label("zones")
)

_ENTRIES: Select[
    str,
    str,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    int | None,
    Lifecycle,
    int | None,
    int | None,
    bool,
] = (
    select(
        device.c.id,
        device.c.profile,
        func.coalesce(device.c.agency, site.c.agency),
        device.c.site,
        JOINED_ZONES,
        device.c.serial,
        device.c.imei,
        device.c.parent,
        device.c.modbus,
        device.c.unit,
        device.c.lifecycle,
        device.c.maintenance_until_ns,
        site.c.maintenance_until_ns,
        device.c.local_recording,
    )
    .outerjoin_from(device, site, device.c.site == site.c.id)
    .where(device.c.lifecycle != Lifecycle.RETIRED)
)


class DirectoryEntry(NamedTuple):
    """A device that may speak. `agency` is its own or else its site's; `zones` are in alphabetical order.

    `maintenance_until_ns` is the later of its own and its site's, nanoseconds UTC; 0: none was ever announced.
    """

    device: str
    profile: str
    agency: str | None
    site: str | None
    zones: tuple[str, ...]
    serial: str | None
    imei: str | None
    parent: str | None
    modbus: str | None = None
    unit: int | None = None
    lifecycle: str = Lifecycle.REGISTERED.value
    maintenance_until_ns: int = 0
    local_recording: bool = False


class ZoneTuples(dict[str | None, tuple[str, ...]]):
    """Zones as SQL joins them -> the tuple that all devices in these zones share."""

    def __missing__(self, joined: str | None) -> tuple[str, ...]:
        zones = tuple(intern(zone) for zone in sorted(joined.split(","))) if joined else ()
        self[joined] = zones
        return zones


def read_entries(connection: Connection, ids: Collection[str] | None = None) -> list[DirectoryEntry]:
    """Return the entries of all devices that are not retired, or of those among `ids`, in no particular order."""
    query = _ENTRIES if ids is None or len(ids) > _MOST_IDS else _ENTRIES.where(device.c.id.in_(ids))
    wanted = None if ids is None else frozenset(ids)
    zones = ZoneTuples()
    rows = connection.execute(query.execution_options(yield_per=1000))
    return [
        DirectoryEntry(
            id_,
            intern(profile),
            agency and intern(agency),
            place and intern(place),
            zones[joined],
            serial,
            imei,
            parent,
            modbus and intern(modbus),
            unit,
            lifecycle.value,
            max(own_ns or 0, site_ns or 0),
            local,
        )
        for (
            id_,
            profile,
            agency,
            place,
            joined,
            serial,
            imei,
            parent,
            modbus,
            unit,
            lifecycle,
            own_ns,
            site_ns,
            local,
        ) in rows
        if wanted is None or id_ in wanted
    ]
