"""Approvals: where an agency demands it, a claim waits until an operator has decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import bindparam, delete, func, insert, select, update

from provisioning import audit, tables
from provisioning.database import reading, writing
from provisioning.errors import Refused, WrongState
from provisioning.identity import check_name
from provisioning.life_tables import approval

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor
    from provisioning.clock import Clock

RETRY_AFTER_S: Final = 60

_AGENCY: Final = func.coalesce(tables.device.c.agency, tables.site.c.agency)
_OWNED: Final = tables.device.outerjoin(tables.site, tables.device.c.site == tables.site.c.id)
_REQUIRED: Final = (
    select(tables.agency.c.approval_required)
    .select_from(_OWNED.join(tables.agency, tables.agency.c.id == _AGENCY))
    .where(tables.device.c.id == bindparam("device"))
)
_WAITING: Final = (
    select(
        approval.c.device,
        _AGENCY.label("agency"),
        approval.c.key_fingerprint,
        approval.c.requested_ns,
        approval.c.origin,
    )
    .join_from(approval, _OWNED, approval.c.device == tables.device.c.id)
    .where(approval.c.approved.is_(None))
    .order_by(approval.c.requested_ns, approval.c.device)
)
_DECISION: Final = select(approval.c.approved, approval.c.reason).where(
    approval.c.device == bindparam("device"), approval.c.key_fingerprint == bindparam("key")
)


@dataclass(frozen=True, slots=True)
class Pending:
    """No certificate yet: an operator has not decided; ask again with the same code and key."""

    retry_after_s: int = RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Approval:
    """A device that asks for its certificate.

    Attributes:
        device: its id.
        agency: who owns it, by itself or through its site.
        key_fingerprint: SHA-256 of its key's SubjectPublicKeyInfo (DER), hexadecimal; compare it with the device's.
        requested_ns: when it first asked, nanoseconds UTC.
        origin: from where.
    """

    device: str
    agency: str | None
    key_fingerprint: str
    requested_ns: int
    origin: str


class Approvals:
    """The requests that wait, and the decisions about them; each decision is recorded as the actor's.

    All methods raise StorageProblem when the database cannot be used.
    """

    def __init__(self, engine: Engine, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same approvals, on behalf of another actor."""
        return type(self)(self._engine, self._clock, actor)

    def required(self, device_id: str) -> bool:
        """Whether the agency that owns a device demands an approval; False for an unknown device."""
        with reading(self._engine) as connection:
            return bool(connection.scalar(_REQUIRED, {"device": device_id}))

    def list(self) -> list[Approval]:
        """Return the requests that wait for a decision, the oldest first."""
        with reading(self._engine) as connection:
            return [Approval(**row) for row in connection.execute(_WAITING).mappings()]

    def approve(self, device_id: str, key_fingerprint: str) -> None:
        """Let a device have its certificate when it asks again.

        Args:
            device_id: which device.
            key_fingerprint: of the key that the approval is for, as `list` gave it: should another key have taken
                its place since, nothing is approved.

        Raises:
            WrongState: the device does not wait for an approval, or asks with another key by now.
        """
        self._decide(device_id, key_fingerprint, {"approved": True, "reason": None})

    def refuse(self, device_id: str, key_fingerprint: str, reason: str) -> None:
        """Refuse a device its certificate; raises as `approve`, and InvalidIdentity for an unprintable reason."""
        check_name(reason)
        self._decide(device_id, key_fingerprint, {"approved": False, "reason": reason})

    def _decide(self, device_id: str, key_fingerprint: str, decision: dict[str, bool | str | None]) -> None:
        waiting = select(approval.c.key_fingerprint).where(
            approval.c.device == device_id, approval.c.approved.is_(None)
        )
        with writing(self._engine) as connection:
            found = connection.scalar(waiting.with_for_update())
            if found is None:
                raise WrongState(f"The device {device_id!r} does not wait for an approval: list those that do.")
            if found != key_fingerprint:
                raise WrongState(f"The device {device_id!r} asks with another key by now: look at its request again.")
            connection.execute(update(approval).where(approval.c.device == device_id).values(decision))
            detail = {"key_fingerprint": key_fingerprint} | decision
            audit.record(connection, self._clock(), self._actor, "approval.decide", f"device/{device_id}", detail)


def ask(connection: Connection, device_id: str, key_fingerprint: str, now_ns: int, origin: str) -> Pending | None:
    """Return whether a device has to wait, and enter its request when it is new; within a transaction that writes.

    Returns:
        None when its agency demands no approval, or an operator approved.

    Raises:
        Refused: an operator refused.
    """
    if not connection.scalar(_REQUIRED, {"device": device_id}):
        return None
    decided = connection.execute(_DECISION, {"device": device_id, "key": key_fingerprint}).one_or_none()
    if decided is None:
        forget(connection, device_id)
        row = {"device": device_id, "key_fingerprint": key_fingerprint, "requested_ns": now_ns, "origin": origin}
        connection.execute(insert(approval), row)
        return Pending()
    if decided.approved is False:
        raise Refused(f"An operator refused this request: {decided.reason or 'no reason was given'}.")
    return None if decided.approved else Pending()


def forget(connection: Connection, device_id: str) -> None:
    """Remove a device's request, within a transaction that writes."""
    connection.execute(delete(approval).where(approval.c.device == device_id))
