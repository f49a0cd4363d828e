"""What the broker room expects of those who decide who may speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class Entry(Protocol):
    """What the access list needs of a device that may speak; the registry's own entries have this shape."""

    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def serial(self) -> str | None: ...  # noqa: D102
    @property
    def imei(self) -> str | None: ...  # noqa: D102
    @property
    def parent(self) -> str | None: ...  # noqa: D102


class KeyPair(Protocol):
    """A certificate with what vouches for it, and its private key, PEM; provisioning's IssuedWithKey has this shape."""

    @property
    def presented_pem(self) -> bytes: ...  # noqa: D102
    @property
    def key_pem(self) -> bytes: ...  # noqa: D102


class BrokerPolicy(Protocol):
    """What the broker must enforce, as registry and authority have it now.

    The guard calls it from one worker thread, so it may block. A device touched by a change is one that was added,
    moved, retired or removed, or for which a certificate was issued or revoked. All methods raise ProvisioningError
    when they cannot tell.
    """

    def latest_change(self) -> int:
        """Return the number of the last change, 0 when there was none; asked before anything else is read."""

    def changes_since(self, seq: int) -> tuple[int, set[str]]:
        """Return the number of the last change, and the ids of all devices touched after the change `seq`."""

    def entries(self, ids: Collection[str] | None = None) -> Iterable[Entry]:
        """Return all devices that may speak, or those among `ids`."""

    def denied(self) -> Collection[str]:
        """Return the ids of devices that may not speak, whatever certificate they show: retired, or all revoked.

        Leave out those that never held a certificate, and those whose last one has expired: each costs the broker
        a line, and what it takes to read them grows with their square (10,000 take a third of a second).
        """

    def revoked(self) -> Mapping[str, str]:
        """Return what the revocation lists must hold: serial number, in hexadecimal as the registry has it -> CN."""

    def trusted(self) -> bytes:
        """Return the certificates of all issuing CAs and of the root, PEM; asked often, so it must be cheap."""

    def crl(self) -> bytes:
        """Sign the revocation lists of all issuing CAs that are valid now, one after the other, PEM.

        Each call takes a higher CRL number than any before. Asked only when the lists under the broker lack a
        certificate, or have lived half their time.
        """

    def canary(self) -> KeyPair:
        """Return a certificate of the newest issuing CA that every list of it holds."""
