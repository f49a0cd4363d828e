"""Enrolment: a registered device gets a certificate, for a key of its own or one made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import bindparam, insert, select

from provisioning import audit, feed
from provisioning.certificates import issuer_id, key_fingerprint, key_kind, new_key, private_pem
from provisioning.clock import nanoseconds
from provisioning.csr import read_request
from provisioning.database import writing
from provisioning.errors import KeyProblem, Refused, WrongState
from provisioning.records import CertificateRecord, Lifecycle
from provisioning.renewal import GRACE_DAYS, check_renewable, life_days
from provisioning.statements import missing
from provisioning.tables import certificate as certificates
from provisioning.tables import device as devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor, Detail
    from provisioning.ca import Authority
    from provisioning.certificates import LeafKey
    from provisioning.clock import Clock
    from provisioning.issued import Issued, IssuedWithKey
    from provisioning.statements import Row

_LIFECYCLE = select(devices.c.lifecycle).where(devices.c.id == bindparam("device"))
_KEY_HISTORY = select(certificates.c.device, certificates.c.revoked_ns).where(
    certificates.c.key_fingerprint == bindparam("key")
)
_BY_SERIAL = select(certificates).where(certificates.c.serial == bindparam("serial"))


class Enrolment:
    """Issues certificates to devices of the registry, and records each in the same transaction that checks it.

    Each is entered in the audit log too, as the actor's. All methods raise UnknownDevice, WrongState for a retired
    device, AuthorityProblem when the issuing CA is not valid now, and StorageProblem.
    """

    def __init__(self, engine: Engine, authority: Authority, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._authority = authority
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same enrolment, on behalf of another actor."""
        return type(self)(self._engine, self._authority, self._clock, actor)

    def issue_with_hub_key(self, device_id: str, days: int = 365) -> IssuedWithKey:
        """Issue a certificate with a new key; the key is not kept here."""
        return self.issue_with_hub_keys([device_id], days)[0]

    def issue_with_hub_keys(self, device_ids: Sequence[str], days: int = 365) -> list[IssuedWithKey]:
        """Issue certificates with new keys to many devices, in the order given, all or none."""
        keys = [new_key() for _ in device_ids]
        wanted = [(device_id, key.public_key()) for device_id, key in zip(device_ids, keys, strict=True)]
        with writing(self._engine) as connection:
            issued = self._issue(connection, wanted, days)
        pairs = zip(issued, keys, strict=True)
        return [self._authority.with_key(certificate, private_pem(key)) for certificate, key in pairs]

    def issue_from_csr(self, device_id: str, csr: bytes, days: int = 365) -> Issued:
        """Issue a certificate for the key of a signing request, PEM or DER.

        Raises:
            BadRequest: the request is not one, was not signed by its key, or is for another CN.
            KeyProblem: its key is too weak, of the wrong kind, was revoked, or has been another device's.
        """
        key = read_request(csr, device_id)
        with writing(self._engine) as connection:
            return self.issue_within(connection, device_id, key, days)

    def renew(
        self, presented: x509.Certificate, csr: bytes, *, days: int | None = None, grace_days: int = GRACE_DAYS
    ) -> Issued:
        """Issue the next certificate to a device that presents its old one; provisioning/renewal.py has the rules.

        Args:
            presented: the old certificate; the handshake must have proved its key, but need not check its times.
            csr: a signing request for the same CN, PEM or DER.
            days: the life of the new one; as long as the old one's unless given.
            grace_days: for how long after its end the old one is still taken.

        Raises:
            Refused: the old one was not issued here, was revoked, is not due, or ended too long ago.
            BadRequest, KeyProblem: as `issue_from_csr`.
        """
        with writing(self._engine) as connection:
            old = self._on_record(connection, presented)
            key = read_request(csr, old.device)
            check_renewable(old, key_fingerprint(key), self._clock(), grace_days)
            return self.issue_within(connection, old.device, key, days or life_days(old))

    def issue_within(self, connection: Connection, device_id: str, key: LeafKey, days: int) -> Issued:
        """Issue a certificate for a key that its holder has proved, within the caller's transaction that writes."""
        _check_untainted(connection, device_id, key)
        [certificate] = self._issue(connection, [(device_id, key)], days)
        return self._authority.with_chain(certificate)

    def _on_record(self, connection: Connection, presented: x509.Certificate) -> CertificateRecord:
        row = connection.execute(_BY_SERIAL, {"serial": f"{presented.serial_number:x}"}).mappings().one_or_none()
        if row is None or row["fingerprint"] != presented.fingerprint(SHA256()).hex():
            raise Refused("This certificate was not issued here: present the one that this hub gave to the device.")
        if not self._authority.trusts(row["issuer"]):
            raise Refused("The CA that issued this certificate is trusted no more: redeem a claim code instead.")
        return CertificateRecord(**row)

    def _issue(
        self, connection: Connection, wanted: Sequence[tuple[str, LeafKey]], days: int
    ) -> list[x509.Certificate]:
        for device_id, _ in wanted:
            _check_may_enrol(connection, device_id)
        issued = [self._authority.issue_device(key, device_id, days) for device_id, key in wanted]
        now = self._clock()
        rows = [_row(*pair, certificate, now) for pair, certificate in zip(wanted, issued, strict=True)]
        if rows:
            connection.execute(insert(certificates), rows)
            feed.touch(connection, {device_id for device_id, _ in wanted})  # who was denied may speak again
        audit.record_all(connection, now, self._actor, "certificate.issue", map(_entry, rows))
        return issued


def _row(device_id: str, key: LeafKey, certificate: x509.Certificate, now_ns: int) -> Row:
    return {
        "serial": f"{certificate.serial_number:x}",
        "device": device_id,
        "fingerprint": certificate.fingerprint(SHA256()).hex(),
        "key_fingerprint": key_fingerprint(key),
        "not_before_ns": nanoseconds(certificate.not_valid_before_utc),
        "not_after_ns": nanoseconds(certificate.not_valid_after_utc),
        "issued_ns": now_ns,
        "issuer": issuer_id(certificate),
        "key_kind": key_kind(key),
    }


def _entry(row: Row) -> tuple[str, Detail]:
    told = ("serial", "fingerprint", "key_fingerprint", "not_after_ns")
    return f"device/{row['device']}", {name: row[name] for name in told}


def _check_may_enrol(connection: Connection, device_id: str) -> None:
    lifecycle = connection.scalar(_LIFECYCLE, {"device": device_id})
    if lifecycle is None:
        raise missing(connection, devices, device_id)
    if lifecycle is Lifecycle.RETIRED:
        raise WrongState(f"The device {device_id!r} is retired: register it again before it gets a certificate.")


def _check_untainted(connection: Connection, device_id: str, key: LeafKey) -> None:
    """A key is one device's for good, or its holder could speak for both; and once revoked it is out for good."""
    for holder, revoked_ns in connection.execute(_KEY_HISTORY, {"key": key_fingerprint(key)}):
        if holder != device_id:
            raise KeyProblem(
                f"The key of this request belongs to the device {holder!r}: make a new key for {device_id!r}."
            )
        if revoked_ns is not None:
            raise KeyProblem(f"A certificate with the key of this request was revoked: make a new key for {holder!r}.")
