"""Enrolment: a registered device gets a certificate, for a key of its own or one made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import bindparam, insert, select

from provisioning import audit, feed, kept_keys
from provisioning.certificate_rules import NO_RULES, USUAL
from provisioning.certificates import issuer_id, key_fingerprint, key_kind, new_device_key, private_pem
from provisioning.clock import nanoseconds
from provisioning.csr import read_request
from provisioning.database import writing
from provisioning.errors import KeyProblem, Refused, WrongState
from provisioning.records import CertificateRecord, Lifecycle
from provisioning.renewal import GRACE_DAYS, check_renewable
from provisioning.statements import missing
from provisioning.tables import certificate as certificates
from provisioning.tables import device as devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor, Detail
    from provisioning.ca import Authority
    from provisioning.certificate_rules import CertificateRule, Rules
    from provisioning.certificates import LeafKey
    from provisioning.clock import Clock
    from provisioning.issued import Issued, IssuedWithKey
    from provisioning.statements import Row

_DEVICE = select(devices.c.lifecycle, devices.c.profile).where(devices.c.id == bindparam("device"))
_KEY_HISTORY = select(certificates.c.device, certificates.c.revoked_ns).where(
    certificates.c.key_fingerprint == bindparam("key")
)
_BY_SERIAL = select(certificates).where(certificates.c.serial == bindparam("serial"))


class Enrolment:
    """Issues certificates to devices of the registry, and records each in the same transaction that checks it.

    Each is entered in the audit log too, as the actor's. All methods raise UnknownDevice, WrongState for a retired
    device, AuthorityProblem when the issuing CA is not valid now, and StorageProblem. A certificate lives as long as
    the rule of the device's profile says, unless its `days` are given.

    Args:
        rules: what the profiles say, by their names.
    """

    def __init__(
        self, engine: Engine, authority: Authority, clock: Clock, actor: Actor = audit.SYSTEM, rules: Rules = NO_RULES
    ) -> None:
        self._engine = engine
        self._authority = authority
        self._clock = clock
        self._actor = actor
        self._rules = rules

    def acting(self, actor: Actor) -> Self:
        """Return the same enrolment, on behalf of another actor."""
        return type(self)(self._engine, self._authority, self._clock, actor, self._rules)

    def issue_with_hub_key(self, device_id: str, days: int | None = None) -> IssuedWithKey:
        """Issue a certificate with a new key; `kept` gives both once more for a while."""
        return self.issue_with_hub_keys([device_id], days)[0]

    def issue_with_hub_keys(self, device_ids: Sequence[str], days: int | None = None) -> list[IssuedWithKey]:
        """Issue certificates with new keys to many devices, in the order given, all or none."""
        with writing(self._engine) as connection:
            return [self.issue_with_key_within(connection, device_id, days) for device_id in device_ids]

    def kept(self, device_id: str) -> IssuedWithKey | None:
        """Return what `issue_with_hub_key` gave, while that is kept; see provisioning/kept_keys.py. None: no more."""
        with writing(self._engine) as connection:
            self._rule(connection, device_id)
            now = self._clock()
            if (row := kept_keys.find(connection, device_id, now)) is None:
                return None
            certificate = x509.load_der_x509_certificate(row.certificate)
            if (key_pem := self._authority.unseal(row.sealed, certificate)) is None:
                return None
            detail: Detail = {"serial": f"{certificate.serial_number:x}"}
            audit.record(connection, now, self._actor, "certificate.repeat", f"device/{device_id}", detail)
            return self._authority.with_key(certificate, key_pem)

    def issue_from_csr(self, device_id: str, csr: bytes, days: int | None = None) -> Issued:
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
            days: the life of the new one.
            grace_days: for how long after its end the old one is still taken.

        Raises:
            Refused: the old one was not issued here, was revoked, is not due, or ended too long ago.
            BadRequest, KeyProblem: as `issue_from_csr`.
        """
        with writing(self._engine) as connection:
            old = self._on_record(connection, presented)
            key = read_request(csr, old.device)
            check_renewable(old, key_fingerprint(key), self._clock(), grace_days)
            return self.issue_within(connection, old.device, key, days)

    def issue_within(self, connection: Connection, device_id: str, key: LeafKey, days: int | None = None) -> Issued:
        """Issue a certificate for a key that its holder has proved, within the caller's transaction that writes."""
        rule = self._rule(connection, device_id)
        _check_untainted(connection, device_id, key)
        return self._authority.with_chain(self._issue(connection, device_id, key, days or rule.days))

    def issue_with_key_within(self, connection: Connection, device_id: str, days: int | None = None) -> IssuedWithKey:
        """Issue a certificate with a new key, and keep that for a while, within the caller's transaction."""
        rule = self._rule(connection, device_id)
        key = new_device_key(rule.key)
        certificate, key_pem = self._issue(connection, device_id, key.public_key(), days or rule.days), private_pem(key)
        sealed = self._authority.seal(key_pem, certificate)
        kept_keys.keep(connection, device_id, certificate, sealed, self._clock())
        return self._authority.with_key(certificate, key_pem)

    def _rule(self, connection: Connection, device_id: str) -> CertificateRule:
        """Return the rule of a device that may have a certificate."""
        row = connection.execute(_DEVICE, {"device": device_id}).one_or_none()
        if row is None:
            raise missing(connection, devices, device_id)
        if row.lifecycle is Lifecycle.RETIRED:
            raise WrongState(f"The device {device_id!r} is retired: register it again before it gets a certificate.")
        return self._rules.get(row.profile, USUAL)

    def _on_record(self, connection: Connection, presented: x509.Certificate) -> CertificateRecord:
        row = connection.execute(_BY_SERIAL, {"serial": f"{presented.serial_number:x}"}).mappings().one_or_none()
        if row is None or row["fingerprint"] != presented.fingerprint(SHA256()).hex():
            raise Refused("This certificate was not issued here: present the one that this hub gave to the device.")
        if not self._authority.trusts(row["issuer"]):
            raise Refused("The CA that issued this certificate is trusted no more: redeem a claim code instead.")
        return CertificateRecord(**row)

    def _issue(self, connection: Connection, device_id: str, key: LeafKey, days: int) -> x509.Certificate:
        certificate, now = self._authority.issue_device(key, device_id, days), self._clock()
        row = _row(device_id, key, certificate, now)
        connection.execute(insert(certificates), row)
        kept_keys.forget(connection, device_id)
        feed.touch(connection, [device_id])  # who was denied may speak again
        audit.record_all(connection, now, self._actor, "certificate.issue", [_entry(row)])
        return certificate


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


def _check_untainted(connection: Connection, device_id: str, key: LeafKey) -> None:
    """A key is one device's for good, or its holder could speak for both; and once revoked it is out for good."""
    for holder, revoked_ns in connection.execute(_KEY_HISTORY, {"key": key_fingerprint(key)}):
        if holder != device_id:
            raise KeyProblem(
                f"The key of this request belongs to the device {holder!r}: make a new key for {device_id!r}."
            )
        if revoked_ns is not None:
            raise KeyProblem(f"A certificate with the key of this request was revoked: make a new key for {holder!r}.")
