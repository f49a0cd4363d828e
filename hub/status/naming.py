"""Reads from the registry what incidents call things, whom to call, and which certificates run out. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.status.presence import SECOND
from hub.status.wording import Contact, Names
from provisioning import records
from provisioning.hygiene import ending_before

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.registry import Registry

_AHEAD_NS: Final = 30 * 86_400 * SECOND


def read_names(registry: Registry, engine: Engine, now_ns: int) -> Names:
    """Return the names as they are now; an agency's first contact, in the order of their ids, is the one to call.

    Raises:
        StorageProblem: the registry cannot be read.
    """
    sites = registry.all(records.Site)
    contacts = reversed(registry.all(records.Contact))
    return Names(
        sites={site.id: site.name for site in sites if site.name},
        site_agencies={site.id: site.agency for site in sites if site.agency},
        contacts={one.agency: Contact(one.name, one.phone) for one in contacts},
        expiring=ending_before(engine, now_ns + _AHEAD_NS),
    )
