"""Who may do what: five roles, each of which may do all that the one below it may, limited to agencies or not.

What belongs to no agency, and what concerns them all, is the whole city's: those who are limited may not touch it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import total_ordering
from typing import TYPE_CHECKING, Final

from provisioning.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.audit import Actor


@total_ordering
class Role(Enum):
    """What a user is trusted with; `Role.VIEWER < Role.ADMINISTRATOR`."""

    REPORTER = "reporter"
    VIEWER = "viewer"
    TECHNICIAN = "technician"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def __lt__(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) < order.index(other)

    def __str__(self) -> str:
        return self.value


_GRANTED: Final = {
    # tells what happened, and sees nothing: for other agencies' applications
    Role.REPORTER: ("event.add",),
    # sees, and changes nothing
    Role.VIEWER: (
        "agency.read",
        "certificate.read",
        "device.read",
        "geofence.read",
        "incident.read",
        "site.read",
        "uplink.read",
        "zone.read",
    ),
    # stands at the pole: brings devices in, and changes the broken for the new
    Role.TECHNICIAN: (
        "certificate.issue",
        "certificate.repeat",
        "claim.create",
        "claim.read",
        "contact.read",
        "device.add",
        "device.lifecycle",
        "device.maintenance",
        "device.replace",
        "device.update",
        "site.maintenance",
    ),
    # answers for what stands out there: decides who gets in, and who must leave
    Role.OPERATOR: (
        "approval.decide",
        "approval.read",
        "certificate.audit",
        "certificate.revoke",
        "claim.revoke",
        "contact.add",
        "contact.remove",
        "contact.update",
        "device.remove",
        "device.retire",
        "device.transfer",
        "geofence.add",
        "geofence.remove",
        "geofence.update",
        "incident.acknowledge",
        "site.add",
        "site.remove",
        "site.update",
        "uplink.add",
        "uplink.remove",
        "uplink.update",
        "zone.add",
        "zone.remove",
        "zone.update",
    ),
    # answers for the hub: agencies, users, the authority, the record
    Role.ADMINISTRATOR: (
        "agency.add",
        "agency.remove",
        "agency.update",
        "audit.read",
        "audit.verify",
        "authority.drop",
        "authority.encrypt",
        "authority.export",
        "authority.import",
        "authority.rotate",
        "token.add",
        "token.revoke",
        "user.add",
        "user.password",
        "user.read",
        "user.update",
    ),
}

LEAST_ROLE: Final[Mapping[str, Role]] = {action: role for role, actions in _GRANTED.items() for action in actions}
"""Action -> the least role that may do it; the audit log names changes by the same words."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an authenticated user may do.

    Attributes:
        actor: the user, for the audit log.
        role: what the user is trusted with.
        agencies: whose devices, sites … it holds for; None means the whole city.
    """

    actor: Actor
    role: Role
    agencies: frozenset[str] | None = None

    def covers(self, agency: str | None) -> bool:
        """Whether what belongs to `agency` (None: to the whole city) lies within reach, whatever the role."""
        return self.agencies is None or agency in self.agencies


def check(access: Access, action: str, agency: str | None) -> None:
    """Check that a user may do `action` to what belongs to `agency`; None: to the whole city.

    A transfer concerns two agencies: check both.

    Raises:
        Forbidden: the role is too low, or the agency is not among the user's.
        KeyError: there is no such action: a slip of the program, never a leave to go on.
    """
    check_role(access, action)
    if not access.covers(agency):
        whose = f"the agency {agency!r}" if agency is not None else "the whole city"
        raise Forbidden(
            f"{access.actor.name} is limited to {_words(access.agencies)}, and this belongs to {whose}: "
            f"ask an {Role.ADMINISTRATOR}."
        )


def check_role(access: Access, action: str) -> None:
    """Check the role alone, for a list that is then narrowed to what the user's agencies cover.

    Raises:
        Forbidden: the role is too low.
        KeyError: there is no such action.
    """
    least = LEAST_ROLE[action]
    if access.role < least:
        raise Forbidden(
            f"{access.actor.name} has the role {access.role}, and {action} takes {least} or higher: "
            f"ask an {Role.ADMINISTRATOR}."
        )


def _words(agencies: frozenset[str] | None) -> str:
    return ", ".join(sorted(agencies or ())) or "no agency"
