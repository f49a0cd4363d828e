"""Claims: a one-time code that a device, or a technician for it, exchanges for the device's certificate.

A code is shown once and kept as a hash. It holds for the device it was made for, as long as that keeps its profile and
serial number, until it expires or its attempts are used up. The first key that it is redeemed with is the only one:
the same key may ask again, as its answer may have been lost on the way or an operator may have to approve first,
and each certificate that it gets counts as an attempt.

The same code brings back a device whose certificate ended beyond the grace period, or whose key was lost.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import fields
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import bindparam, delete, insert, select, update

from provisioning import approvals, audit
from provisioning.certificate_rules import NO_RULES
from provisioning.certificates import key_fingerprint
from provisioning.claim_code import new_code, parse_code
from provisioning.claim_rules import NOT_VALID, Attempt, Claim, find_fault
from provisioning.csr import read_request, read_stated
from provisioning.database import reading, writing
from provisioning.devices import read_device
from provisioning.enrolment import Enrolment
from provisioning.errors import InvalidIdentity, Refused, WrongState
from provisioning.identity import check_device_id
from provisioning.life_tables import claim
from provisioning.records import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine, Update

    from provisioning.approvals import Pending
    from provisioning.audit import Actor
    from provisioning.ca import Authority
    from provisioning.certificate_rules import Rules
    from provisioning.certificates import LeafKey
    from provisioning.clock import Clock
    from provisioning.issued import Issued
    from provisioning.statements import Row

DAYS: Final = 14
ATTEMPTS: Final = 10
_DAY_NS: Final = 24 * 60 * 60 * 10**9
_MOST_DAYS: Final = 400
_MOST_ATTEMPTS: Final = 100

_NAMES: Final = tuple(field.name for field in fields(Claim))
_ALL: Final = select(*(claim.c[name] for name in _NAMES)).order_by(claim.c.device)
_ONE: Final = select(claim).where(claim.c.device == bindparam("device")).with_for_update()


class Claims:
    """Makes codes and redeems them; both are recorded as the actor's, and so is every code that is refused.

    All methods raise StorageProblem when the database cannot be used.

    Args:
        rules: as Enrolment has them.
    """

    def __init__(
        self, engine: Engine, authority: Authority, clock: Clock, actor: Actor = audit.SYSTEM, rules: Rules = NO_RULES
    ) -> None:
        self._engine = engine
        self._authority = authority
        self._clock = clock
        self._actor = actor
        self._rules = rules
        self._enrolment = Enrolment(engine, authority, clock, actor, rules)

    def acting(self, actor: Actor) -> Self:
        """Return the same claims, on behalf of another actor."""
        return type(self)(self._engine, self._authority, self._clock, actor, self._rules)

    def create(self, device_id: str, *, days: int = DAYS, attempts: int = ATTEMPTS) -> str:
        """Make a code for a device; raises as `create_many` does."""
        return self.create_many([device_id], days=days, attempts=attempts)[0]

    def create_many(self, device_ids: Sequence[str], *, days: int = DAYS, attempts: int = ATTEMPTS) -> list[str]:
        """Make codes for devices, in the order given, all or none; a code that a device had before is void.

        Args:
            device_ids: each once.
            days: for how long the codes hold, 400 at most.
            attempts: how often they may be tried, 100 at most.

        Raises:
            UnknownDevice: there is none of an id.
            WrongState: a device is retired.
            InvalidIdentity: `days` or `attempts` are out of bounds.
        """
        _check_bounds(days, attempts)
        codes = [new_code() for _ in device_ids]
        hashes = [_hash(code, device_id) for device_id, code in zip(device_ids, codes, strict=True)]
        now = self._clock()
        limits = {"created_ns": now, "expires_ns": now + days * _DAY_NS, "attempts_left": attempts}
        with writing(self._engine) as connection:
            pairs = zip(device_ids, hashes, strict=True)
            rows = [_replace(connection, device_id, limits | {"code_hash": hashed}) for device_id, hashed in pairs]
            entries = ((f"device/{row['device']}", {"days": days, "attempts": attempts}) for row in rows)
            audit.record_all(connection, now, self._actor, "claim.create", entries)
        return codes

    def list(self) -> list[Claim]:
        """Return all claims, expired ones included, in the order of their devices."""
        with reading(self._engine) as connection:
            return [Claim(**row) for row in connection.execute(_ALL).mappings()]

    def withdraw(self, device_id: str) -> bool:
        """Make a device's code void; returns whether it had one."""
        with writing(self._engine) as connection:
            found = withdraw(connection, device_id)
            if found:
                audit.record(connection, self._clock(), self._actor, "claim.revoke", f"device/{device_id}", {})
        return found

    def redeem(self, code: str, csr: bytes) -> Issued | Pending:
        """Exchange a code for a certificate of the device that the request's CN names.

        A request whose subject states a serial number (OID 2.5.4.5) must state the one that the code was made for.

        Args:
            code: however it was typed.
            csr: a signing request, PEM or DER.

        Returns:
            The certificate; or Pending, when an operator has to approve first: ask again with the same code and key.

        Raises:
            BadClaim: the code was mistyped; that costs no attempt.
            Refused: the code is not the device's, is void, or an operator refused.
            BadRequest, KeyProblem, InvalidIdentity: as Enrolment.issue_from_csr.
            WrongState: the device is retired.
        """
        device_id, serials = read_stated(csr)
        check_device_id(device_id)
        key = read_request(csr, device_id)
        code_hash = _hash(parse_code(code), device_id)
        with writing(self._engine) as connection:
            fault = self._try(connection, device_id, code_hash, Attempt(key_fingerprint(key), serials))
            outcome = fault or self._exchange(connection, device_id, key)
        if isinstance(outcome, Refused):  # raised only now, so that the attempt stays counted
            raise outcome
        return outcome

    def _try(self, connection: Connection, device_id: str, code_hash: str, attempt: Attempt) -> Refused | None:
        """Count an attempt that fails; bind the claim to the key of the first that does not."""
        row = connection.execute(_ONE, {"device": device_id}).mappings().one_or_none()
        if row is None or not row["attempts_left"]:
            return Refused(NOT_VALID)
        found = Claim(**{name: row[name] for name in _NAMES})
        right = hmac.compare_digest(row["code_hash"], code_hash)
        device, now = read_device(connection, device_id), self._clock()
        fault = find_fault(found, device, attempt, now) if right else NOT_VALID
        if fault:
            _count(connection, device_id)
            audit.record(connection, now, self._actor, "claim.refuse", f"device/{device_id}", {"reason": fault})
            return Refused(fault)
        if found.key_fingerprint is None:
            connection.execute(_update(device_id).values(key_fingerprint=attempt.key_fingerprint))
            detail = {"key_fingerprint": attempt.key_fingerprint}
            audit.record(connection, now, self._actor, "claim.redeem", f"device/{device_id}", detail)
        return None

    def _exchange(self, connection: Connection, device_id: str, key: LeafKey) -> Issued | Pending:
        now, fingerprint = self._clock(), key_fingerprint(key)
        if pending := approvals.ask(connection, device_id, fingerprint, now, self._actor.origin):
            return pending
        _count(connection, device_id)
        return self._enrolment.issue_within(connection, device_id, key)


def withdraw(connection: Connection, device_id: str) -> bool:
    """Make a device's code void, and forget its request, within a transaction; returns whether it had a code."""
    approvals.forget(connection, device_id)
    return connection.execute(delete(claim).where(claim.c.device == device_id)).rowcount > 0


def _replace(connection: Connection, device_id: str, values: Row) -> Row:
    device = read_device(connection, device_id)
    if device.lifecycle is Lifecycle.RETIRED:
        raise WrongState(f"The device {device_id!r} is retired: register it again before it gets a claim code.")
    withdraw(connection, device_id)
    row = {"device": device_id, "profile": device.profile, "serial": device.serial} | values
    connection.execute(insert(claim), row)
    return row


def _count(connection: Connection, device_id: str) -> None:
    connection.execute(_update(device_id).values(attempts_left=claim.c.attempts_left - 1))


def _update(device_id: str) -> Update:
    return update(claim).where(claim.c.device == device_id)


def _check_bounds(days: int, attempts: int) -> None:
    if not (1 <= days <= _MOST_DAYS and 1 <= attempts <= _MOST_ATTEMPTS):
        raise InvalidIdentity(
            f"A claim cannot hold {days} days and {attempts} attempts: 1 to {_MOST_DAYS} days, "
            f"1 to {_MOST_ATTEMPTS} attempts."
        )


def _hash(code: str, device_id: str) -> str:
    """Hash a code with scrypt (RFC 7914), as NIST SP 800-63B section 5.1.2.2 asks for secrets below 112 bits.

    Its cost is low, 2 ms: what keeps the code safe is its 95 random bits, and 10,000 stickers are printed in one go.
    The salt is the id, so that a hash copied to another device's row is worth nothing there.
    """
    return hashlib.scrypt(code.encode(), salt=f"claim {device_id}".encode(), n=2**10, r=8, p=1, dklen=32).hex()
