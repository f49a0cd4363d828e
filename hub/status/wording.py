"""The sentences that incidents are told in, and the names in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call."""

    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What the registry calls things: site -> name and agency, agency -> whom to call, certificates that run out.

    `expiring` is device -> end of the last certificate it holds, nanoseconds UTC; only of those that end soon.
    """

    sites: Mapping[str, str] = field(default_factory=dict)
    site_agencies: Mapping[str, str] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    expiring: Mapping[str, int] = field(default_factory=dict)

    def site(self, site: str) -> str:
        """Return a site's name, or its id."""
        return self.sites.get(site) or site

    def contact(self, agency: str) -> Contact:
        """Return whom to call at an agency; nobody when the registry names none."""
        return self.contacts.get(agency, Contact())


def clock_time(at_ns: int, zone: ZoneInfo) -> str:
    """Return the time of day as people at the place say it: 14:02."""
    return datetime.fromtimestamp(at_ns / 1e9, zone).strftime("%H:%M")
