"""Enrolment: a registered device gets a certificate, for a key of its own or one made here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import bindparam, insert, select

from provisioning.certificates import new_key, private_pem
from provisioning.clock import nanoseconds
from provisioning.csr import read_request
from provisioning.database import writing
from provisioning.errors import KeyProblem, WrongState
from provisioning.records import Lifecycle
from provisioning.statements import missing
from provisioning.tables import certificate as certificates
from provisioning.tables import device as devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from sqlalchemy import Connection, Engine

    from provisioning.ca import Authority
    from provisioning.certificates import LeafKey
    from provisioning.clock import Clock
    from provisioning.issued import Issued, IssuedWithKey

_LIFECYCLE = select(devices.c.lifecycle).where(devices.c.id == bindparam("device"))
_OTHER_HOLDER = (
    select(certificates.c.device)
    .where(certificates.c.key_fingerprint == bindparam("key"), certificates.c.device != bindparam("device"))
    .limit(1)
)


class Enrolment:
    """Issues certificates to devices of the registry, and records each in the same transaction that checks it.

    All methods raise UnknownDevice, WrongState for a retired device, AuthorityProblem when the issuing CA is not
    valid now, and StorageProblem.
    """

    def __init__(self, engine: Engine, authority: Authority, clock: Clock) -> None:
        self._engine = engine
        self._authority = authority
        self._clock = clock

    def issue_with_hub_key(self, device_id: str, days: int = 365) -> IssuedWithKey:
        """Issue a certificate with a new key; the key is not kept here."""
        return self.issue_with_hub_keys([device_id], days)[0]

    def issue_with_hub_keys(self, device_ids: Sequence[str], days: int = 365) -> list[IssuedWithKey]:
        """Issue certificates with new keys to many devices, in the order given, all or none."""
        with writing(self._engine) as connection:
            return [self._with_new_key(connection, device_id, days) for device_id in device_ids]

    def issue_from_csr(self, device_id: str, csr: bytes, days: int = 365) -> Issued:
        """Issue a certificate for the key of a signing request, PEM or DER.

        Raises:
            BadRequest: the request is not one, was not signed by its key, or is for another CN.
            KeyProblem: its key is too weak, of the wrong kind, or has been another device's.
        """
        key = read_request(csr, device_id)
        with writing(self._engine) as connection:
            _check_unshared(connection, device_id, key)
            return self._authority.with_chain(self._issue(connection, device_id, key, days))

    def _with_new_key(self, connection: Connection, device_id: str, days: int) -> IssuedWithKey:
        key = new_key()
        certificate = self._issue(connection, device_id, key.public_key(), days)
        return self._authority.with_key(certificate, private_pem(key))

    def _issue(self, connection: Connection, device_id: str, key: LeafKey, days: int) -> x509.Certificate:
        _check_may_enrol(connection, device_id)
        certificate = self._authority.issue_device(key, device_id, days)
        row = {
            "serial": f"{certificate.serial_number:x}",
            "device": device_id,
            "fingerprint": certificate.fingerprint(SHA256()).hex(),
            "key_fingerprint": _key_fingerprint(key),
            "not_before_ns": nanoseconds(certificate.not_valid_before_utc),
            "not_after_ns": nanoseconds(certificate.not_valid_after_utc),
            "issued_ns": self._clock(),
        }
        connection.execute(insert(certificates), row)
        return certificate


def _check_may_enrol(connection: Connection, device_id: str) -> None:
    lifecycle = connection.scalar(_LIFECYCLE, {"device": device_id})
    if lifecycle is None:
        raise missing(connection, devices, device_id)
    if lifecycle is Lifecycle.RETIRED:
        raise WrongState(f"The device {device_id!r} is retired: register it again before it gets a certificate.")


def _check_unshared(connection: Connection, device_id: str, key: LeafKey) -> None:
    """A key is one device's for good: whoever holds it could speak for both."""
    holder = connection.scalar(_OTHER_HOLDER, {"device": device_id, "key": _key_fingerprint(key)})
    if holder is not None:
        raise KeyProblem(f"The key of this request belongs to the device {holder!r}: make a new key for {device_id!r}.")


def _key_fingerprint(key: LeafKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
