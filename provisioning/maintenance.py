"""Maintenance: somebody is working on a device, or at a site, so that nothing about it is an alarm until a given end.

It leaves a device's place in its life as it is, and ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Self

from sqlalchemy import select, update

from provisioning import audit, feed, tables
from provisioning.clock import utc
from provisioning.database import writing
from provisioning.errors import InvalidIdentity
from provisioning.identity import check_name
from provisioning.statements import missing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor
    from provisioning.clock import Clock

Place = Literal["device", "site"]

LONGEST_DAYS: Final = 30
_DAY_NS: Final = 86_400 * 10**9
_TABLES: Final = {"device": tables.device, "site": tables.site}


class Maintenance:
    """Every change notes the devices it touches in the change feed, and is recorded in the audit log as the actor's.

    All methods raise StorageProblem when the database cannot be used.
    """

    def __init__(self, engine: Engine, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same, on behalf of another actor."""
        return type(self)(self._engine, self._clock, actor)

    def begin(self, place: Place, name: str, until_ns: int, reason: str) -> None:
        """Announce work on a device or at a site; one that is under way gets the new end and reason.

        Args:
            place: what `name` is the id of.
            name: the device or the site.
            until_ns: when it ends, nanoseconds UTC: in the future, and within 30 days.
            reason: for those who wonder why it is silent.

        Raises:
            InvalidIdentity: the end or the reason breaks its rule.
            Unknown: there is none of that id.
        """
        now = self._clock()
        if not now < until_ns <= now + LONGEST_DAYS * _DAY_NS:
            end = f"{utc(until_ns):%Y-%m-%d %H:%M} UTC"
            raise InvalidIdentity(f"Maintenance cannot end {end}: choose a time within the next {LONGEST_DAYS} days.")
        if not reason:
            raise InvalidIdentity("Say why: who wonders tomorrow why it was silent will read it.")
        check_name(reason)
        self._set(place, name, until_ns, reason)

    def end(self, place: Place, name: str) -> None:
        """End it now, or do nothing if there is none; raises Unknown when there is none of that id."""
        self._set(place, name, None, None)

    def _set(self, place: Place, name: str, until_ns: int | None, reason: str | None) -> None:
        table = _TABLES[place]
        with writing(self._engine) as connection:
            values = {"maintenance_until_ns": until_ns, "maintenance_reason": reason}
            if not connection.execute(update(table).where(table.c.id == name).values(values)).rowcount:
                raise missing(connection, table, name)
            feed.touch(connection, _touched(connection, place, name))
            detail = {"until": f"{utc(until_ns):%Y-%m-%dT%H:%M:%SZ}", "reason": reason} if until_ns else {"until": None}
            audit.record(connection, self._clock(), self._actor, f"{place}.maintenance", f"{place}/{name}", detail)


def _touched(connection: Connection, place: Place, name: str) -> list[str]:
    if place == "device":
        return [name]
    return list(connection.scalars(select(tables.device.c.id).where(tables.device.c.site == name)))
