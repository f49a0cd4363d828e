"""What is known of each device beside where its telemetry goes: its place, and how long its certificate holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from provisioning.database import reading
from provisioning.directory import JOINED_ZONES, ZoneTuples
from provisioning.records import Lifecycle
from provisioning.tables import certificate, device, site

if TYPE_CHECKING:
    from sqlalchemy import Engine


class InventoryEntry(NamedTuple):
    """A device that is not retired. `agency`, `lat` and `lon` (degrees WGS 84) are its own, or else its site's.

    Attributes:
        certificate_ends_ns: when the last of its certificates that are not revoked ends; None without one.
    """

    device: str
    profile: str
    agency: str | None
    site: str | None
    zones: tuple[str, ...]
    lat: float | None
    lon: float | None
    certificate_ends_ns: int | None


_ENDS = (
    select(func.max(certificate.c.not_after_ns))
    .where(certificate.c.device == device.c.id, certificate.c.revoked_ns.is_(None))
    .scalar_subquery()
)
_ENTRIES = (
    select(
        device.c.id,
        device.c.profile,
        func.coalesce(device.c.agency, site.c.agency),
        device.c.site,
        JOINED_ZONES,
        func.coalesce(device.c.lat, site.c.lat),
        func.coalesce(device.c.lon, site.c.lon),
        _ENDS,
    )
    .outerjoin_from(device, site, device.c.site == site.c.id)
    .where(device.c.lifecycle != Lifecycle.RETIRED)
)


def read_inventory(engine: Engine, after: str, most: int) -> list[InventoryEntry]:
    """Return the first so many devices after one of them, in the order of their ids; raises StorageProblem.

    A large city's inventory is read and written piece by piece: as a whole it would take as much memory as all else.
    """
    zones = ZoneTuples()
    query = _ENTRIES.where(device.c.id > after).order_by(device.c.id).limit(most)
    with reading(engine) as connection:
        return [
            InventoryEntry(id_, profile, agency, place, zones[joined], lat, lon, ends)
            for id_, profile, agency, place, joined, lat, lon, ends in connection.execute(query)
        ]
