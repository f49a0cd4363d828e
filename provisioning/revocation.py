"""Revocation: certificates that are worth nothing any more, and the lists that say so to whoever checks them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import bindparam, insert, select, update

from provisioning import audit, claims, feed
from provisioning.crl import VALID, Reason, Revoked
from provisioning.database import writing
from provisioning.devices import read_device
from provisioning.errors import Unknown, WrongState
from provisioning.identity import check_name
from provisioning.life_tables import crl_counter
from provisioning.tables import certificate

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

    from provisioning.audit import Actor
    from provisioning.ca import Authority
    from provisioning.clock import Clock

_STAYS_NS: Final = int(VALID.total_seconds()) * 10**9  # RFC 5280 section 3.3: one list longer than it lived
_LISTED: Final = select(
    certificate.c.issuer, certificate.c.serial, certificate.c.revoked_ns, certificate.c.reason
).where(certificate.c.revoked_ns.is_not(None), certificate.c.not_after_ns > bindparam("since"))
_HOLDER: Final = select(certificate.c.device).where(certificate.c.serial == bindparam("serial"))


class Revocation:
    """Revokes certificates, and signs the lists of them; each revocation is recorded as the actor's.

    The change feed names the devices, so a running hub learns of it within two seconds: it then makes the lists anew,
    and throws out whoever is connected. All methods raise StorageProblem when the database cannot be used.
    """

    def __init__(self, engine: Engine, authority: Authority, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._authority = authority
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same revocation, on behalf of another actor."""
        return type(self)(self._engine, self._authority, self._clock, actor)

    def revoke(self, device_id: str, reason: Reason, note: str = "") -> list[str]:
        """Revoke all certificates of a device, expired ones too, which could still be renewed, and its claim code.

        Args:
            device_id: which device.
            reason: for the lists.
            note: in the words of whoever decides, for the audit log.

        Returns:
            The serial numbers of the certificates that were not revoked yet, hexadecimal.

        Raises:
            UnknownDevice: there is none of that id.
            InvalidIdentity: the note is too long, or more than a line.
        """
        check_name(note)
        with writing(self._engine) as connection:
            read_device(connection, device_id)
            return revoke_all(connection, self._clock(), self._actor, device_id, reason, note)

    def revoke_certificate(self, serial: str, reason: Reason, note: str = "") -> str:
        """Revoke one certificate and leave the device's others; returns the device's id.

        Raises:
            Unknown: no certificate has that serial number.
            WrongState: it is revoked already.
            InvalidIdentity: the note is too long, or more than a line.
        """
        check_name(note)
        with writing(self._engine) as connection:
            device_id = connection.scalar(_HOLDER, {"serial": serial})
            if device_id is None:
                raise Unknown("certificate", serial, connection.scalars(select(certificate.c.serial)))
            if not _revoke(connection, self._clock(), self._actor, device_id, reason, note, serial):
                raise WrongState(f"The certificate {serial} of {device_id!r} is revoked already.")
            return str(device_id)

    def crl(self) -> bytes:
        """Sign the lists of what is revoked, as PEM, one after the other: one for each issuing CA of the authority.

        Each has a higher CRL number than any before, holds for seven days, and begins with the canary. A certificate
        leaves its list a week after it expired.

        Raises:
            AuthorityProblem: the issuing CA is not valid now.
        """
        revoked: defaultdict[str | None, list[Revoked]] = defaultdict(list)
        with writing(self._engine) as connection:
            number = _next_number(connection)
            for issuer, *entry in connection.execute(_LISTED, {"since": self._clock() - _STAYS_NS}):
                revoked[issuer].append(_revoked(*entry))
        return self._authority.sign_lists(revoked, number)


def revoke_all(  # noqa: PLR0913, PLR0917 - who, what and why
    connection: Connection, now_ns: int, actor: Actor, device_id: str, reason: Reason, note: str
) -> list[str]:
    """Revoke all certificates of a device and its claim code, within a transaction; returns the serial numbers."""
    claims.withdraw(connection, device_id)
    return _revoke(connection, now_ns, actor, device_id, reason, note)


def _revoke(  # noqa: PLR0913, PLR0917 - as above, and which
    connection: Connection,
    now_ns: int,
    actor: Actor,
    device_id: str,
    reason: Reason,
    note: str,
    serial: str | None = None,
) -> list[str]:
    conditions: list[ColumnElement[bool]] = [certificate.c.device == device_id, certificate.c.revoked_ns.is_(None)]
    if serial is not None:
        conditions.append(certificate.c.serial == serial)
    found = select(certificate.c.serial).where(*conditions).order_by(certificate.c.serial)
    serials = list(connection.scalars(found.with_for_update()))
    connection.execute(update(certificate).where(*conditions).values(revoked_ns=now_ns, reason=reason))
    feed.touch(connection, [device_id])
    detail = {"serials": serials, "reason": reason, "note": note}
    audit.record(connection, now_ns, actor, "certificate.revoke", f"device/{device_id}", detail)
    return serials


def _revoked(serial: str, revoked_ns: int, reason: str) -> Revoked:
    return Revoked(serial, revoked_ns, Reason(reason))


def _next_number(connection: Connection) -> int:
    increment = update(crl_counter).values(number=crl_counter.c.number + 1).returning(crl_counter.c.number)
    number: int | None = connection.scalar(increment)
    if number is not None:
        return number
    connection.execute(insert(crl_counter).values(id=1, number=1))
    return 1
