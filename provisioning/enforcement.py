"""What a broker must enforce, as registry and authority have it now: who may speak, and who not any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, select

from provisioning.database import reading
from provisioning.records import Lifecycle
from provisioning.tables import certificate, device

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine

    from provisioning.ca import Authority
    from provisioning.clock import Clock
    from provisioning.directory import DirectoryEntry
    from provisioning.issued import IssuedWithKey
    from provisioning.registry import Registry
    from provisioning.revocation import Revocation

# Those whose last certificate has expired are left out: the broker refuses that by itself.
_DENIED: Final = (
    select(certificate.c.device)
    .join(device, device.c.id == certificate.c.device)
    .where(certificate.c.not_after_ns > bindparam("now"))
    .group_by(certificate.c.device, device.c.lifecycle)
    .having((device.c.lifecycle == Lifecycle.RETIRED) | (func.count() == func.count(certificate.c.revoked_ns)))
)
_REVOKED: Final = select(certificate.c.serial, certificate.c.device, certificate.c.issuer).where(
    certificate.c.revoked_ns.is_not(None), certificate.c.not_after_ns > bindparam("now")
)


class Enforcement:
    """Registry, revocations and authority in the shape that a broker's guard asks for. All methods block."""

    def __init__(
        self, engine: Engine, registry: Registry, revocation: Revocation, authority: Authority, clock: Clock
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._revocation = revocation
        self._authority = authority
        self._clock = clock

    def latest_change(self) -> int:
        """Return the number of the registry's last change."""
        return self._registry.latest_change()

    def changes_since(self, seq: int) -> tuple[int, set[str]]:
        """Return the number of the last change, and the devices touched after the change `seq`."""
        return self._registry.changes_since(seq)

    def entries(self, ids: Collection[str] | None = None) -> list[DirectoryEntry]:
        """Return the devices that may speak, or those among `ids`."""
        return self._registry.entries(ids)

    def denied(self) -> set[str]:
        """Return the devices that hold valid certificates and may not speak: retired, or all of them revoked."""
        with reading(self._engine) as connection:
            return set(connection.scalars(_DENIED, {"now": self._clock()}))

    def revoked(self) -> dict[str, str]:
        """Return the revoked certificates of trusted issuing CAs that have not expired: serial number -> device."""
        with reading(self._engine) as connection:
            rows = connection.execute(_REVOKED, {"now": self._clock()}).all()
        return {serial: holder for serial, holder, issuer in rows if self._authority.trusts(issuer)}

    def trusted(self) -> bytes:
        """Return the certificates of all issuing CAs and of the root, PEM."""
        return self._authority.chain_pem

    def crl(self) -> bytes:
        """Sign the revocation lists, PEM; see `Revocation.crl`."""
        return self._revocation.crl()

    def canary(self) -> IssuedWithKey:
        """Return a certificate that every list of the newest issuing CA holds."""
        return self._authority.issue_canary()
