"""What the routes stand on: the service layer, which knows nothing of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.status.store import Incidents
from hub.web.published import PublishedLists
from provisioning.approvals import Approvals
from provisioning.claims import Claims
from provisioning.enrolment import Enrolment
from provisioning.maintenance import Maintenance
from provisioning.registry import Registry
from provisioning.revocation import Revocation
from provisioning.service_life import ServiceLife
from provisioning.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Engine

    from hub.model import Lines
    from hub.status.core import Presence
    from provisioning.ca import Authority
    from provisioning.certificate_rules import Rules
    from provisioning.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The service layer, acting for nobody yet; all of it is synchronous and safe to use from several threads.

    Attributes:
        grace_days: for how long after its end a certificate may still be renewed.
        profiles: names of the device profiles that the hub knows.
        presence: device -> how it is now; None when it is not watched.
        write: takes lines for the database, on the event loop; False when there is no room now.
        keep_ns: how long the database keeps raw readings, nanoseconds.
    """

    engine: Engine
    registry: Registry
    enrolment: Enrolment
    authority: Authority
    users: Users
    claims: Claims
    approvals: Approvals
    revocation: Revocation
    life: ServiceLife
    maintenance: Maintenance
    incidents: Incidents
    lists: PublishedLists
    grace_days: int
    profiles: Collection[str]
    clock: Clock
    presence: Callable[[str], Presence | None] = lambda _: None
    write: Callable[[Lines], bool] = lambda _: False
    keep_ns: int = 30 * 86_400 * 10**9


def services_on(
    engine: Engine,
    authority: Authority,
    clock: Clock,
    *,
    grace_days: int,
    profiles: Rules,
) -> Services:
    """Return the service layer on one database and one authority; what takes a running hub is set by that.

    Args:
        profiles: with what each says of certificates.
    """
    registry, revocation = Registry(engine, clock), Revocation(engine, authority, clock)
    return Services(
        engine=engine,
        registry=registry,
        enrolment=Enrolment(engine, authority, clock, rules=profiles),
        authority=authority,
        users=Users(engine, clock),
        claims=Claims(engine, authority, clock, rules=profiles),
        approvals=Approvals(engine, clock),
        revocation=revocation,
        life=ServiceLife(engine, clock),
        maintenance=Maintenance(engine, clock),
        incidents=Incidents(engine),
        lists=PublishedLists(revocation, registry, clock),
        grace_days=grace_days,
        profiles=profiles,
        clock=clock,
    )
