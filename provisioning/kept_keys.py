"""Keys that the hub made, kept for a while so that a bundle which went astray can be given once more.

A key is kept encrypted (provisioning/sealing.py), beside its certificate, until the device is first heard or for a day.
It is void from the moment that its certificate is revoked, another one is issued to the device, or the device is given
another profile, whose rule may ask for another key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import and_, bindparam, delete, insert, not_, select

from provisioning.database import reading, writing
from provisioning.life_tables import kept_key
from provisioning.tables import certificate as certificates
from provisioning.tables import device as devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from sqlalchemy import ColumnElement, Connection, Engine, Row

    from provisioning.clock import Clock

KEPT_NS: Final = 24 * 60 * 60 * 10**9

_JOINED: Final = kept_key.join(certificates, kept_key.c.serial == certificates.c.serial).join(
    devices, kept_key.c.device == devices.c.id
)
_SINCE: Final = select(kept_key.c.device, kept_key.c.kept_ns)
_PROFILE: Final = select(devices.c.profile).where(devices.c.id == bindparam("name")).scalar_subquery()
_KEEP: Final = insert(kept_key).values(profile=_PROFILE)
_FORGET: Final = delete(kept_key).where(kept_key.c.device == bindparam("name"))
_OLDER: Final = _FORGET.where(kept_key.c.kept_ns < bindparam("moment"))


class KeptKeys:
    """Looks after the keys that are kept; all methods raise StorageProblem when the database cannot be used."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def since(self) -> dict[str, int]:
        """Return the devices whose keys are kept, and since when, nanoseconds UTC."""
        with reading(self._engine) as connection:
            return {row.device: row.kept_ns for row in connection.execute(_SINCE)}

    def drop(self, heard: Mapping[str, int]) -> int:
        """Delete the keys that are void, and those of devices that were heard since they were kept.

        Args:
            heard: device -> when it was last heard, nanoseconds UTC.

        Returns:
            How many keys are gone.
        """
        now = self._clock()
        void = select(kept_key.c.device).select_from(_JOINED).where(not_(_good(now)))
        with reading(self._engine) as connection:
            gone = dict(heard) | dict.fromkeys(connection.scalars(void), now + 1)
        if not gone:  # which is usual, and then no other writer has to wait for this one
            return 0
        with writing(self._engine) as connection:
            rows = ({"name": name, "moment": moment} for name, moment in gone.items())
            return sum(connection.execute(_OLDER, row).rowcount for row in rows)


def keep(connection: Connection, device: str, certificate: x509.Certificate, sealed: bytes, now_ns: int) -> None:
    """Keep the key of a device's newest certificate, within the transaction that issues it."""
    row = {
        "name": device,
        "device": device,
        "serial": f"{certificate.serial_number:x}",
        "certificate": certificate.public_bytes(Encoding.DER),
        "sealed": sealed,
        "kept_ns": now_ns,
    }
    connection.execute(_KEEP, row)


def forget(connection: Connection, device: str) -> None:
    """Delete a device's key, within a transaction."""
    connection.execute(_FORGET, {"name": device})


def find(connection: Connection, device: str, now_ns: int) -> Row[bytes, bytes] | None:
    """Return a device's certificate (DER) and its sealed key, or None when none is kept or it is void."""
    kept = select(kept_key.c.certificate, kept_key.c.sealed).select_from(_JOINED)
    return connection.execute(kept.where(kept_key.c.device == device, _good(now_ns))).one_or_none()


def _good(now_ns: int) -> ColumnElement[bool]:
    return and_(
        kept_key.c.kept_ns > now_ns - KEPT_NS,
        certificates.c.revoked_ns.is_(None),
        kept_key.c.profile == devices.c.profile,
    )
