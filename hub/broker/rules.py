"""What the broker has to have on its disk, following what the policy says. Blocks: it lives in a worker thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.broker.acl import AccessList, Topics
from hub.broker.crl import check_lists, numbers_of, read_certificates
from hub.broker.errors import CrlRefused
from provisioning.clock import utc
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hub.broker.base import BrokerPolicy, KeyPair
    from hub.broker.crl import CheckedLists
    from hub.model import Clock

_PAUSE_NS: Final = 5 * 1_000_000_000
"""Between attempts to get new lists, after one was refused: each costs a signature and a number."""


class Rules:
    """Follows the policy, once it was loaded.

    Attributes:
        access: the access list.
        trusted: the certificates of all issuing CAs and of the root, PEM.
        lists: the newest revocation lists that may go under the broker.
        canary: a certificate that they hold.
        trouble: why there are no newer lists although there should be; empty when well.
    """

    access: bytes
    trusted: bytes
    lists: CheckedLists
    canary: KeyPair

    def __init__(
        self, policy: BrokerPolicy, clock: Clock, services: Sequence[str] = (), vendors: Topics | None = None
    ) -> None:
        self.trouble = ""
        self._policy = policy
        self._clock = clock
        self._access = AccessList(services, vendors or {})
        self._seen = 0
        self._denied: frozenset[str] = frozenset()
        self._revoked: Mapping[str, str] = {}
        self._retry_ns = 0
        self._victims: set[str] = set()

    def load(self, deployed: bytes) -> None:
        """Read everything, once, before the broker starts.

        Args:
            deployed: the lists that it had the last time; empty when there are none.

        Raises:
            CrlRefused: there is no list that may go under the broker.
            ProvisioningError: the policy cannot be read.
        """
        self._seen = self._policy.latest_change()
        self._access.update(self._policy.entries())
        self._judge_again()
        self.trusted, self.canary = self._policy.trusted(), self._policy.canary()
        self._choose(deployed)

    def follow(self) -> set[str]:
        """Take in what changed; returns the devices that must be thrown out once the broker knows it too.

        Raises:
            ProvisioningError: the policy cannot be read; what was known still holds.
        """
        seen, changed = self._policy.changes_since(self._seen)
        if changed:
            self._access.update(self._policy.entries(changed), changed)
            self._victims |= self._judge_again()
        self._seen = seen
        trusted = self._policy.trusted()
        if trusted != self.trusted or self._is_time() or self._missing():
            self._victims |= self._renew(trusted)
        victims, self._victims = self._victims, set()
        return victims

    def _judge_again(self) -> frozenset[str]:
        """Ask who is denied and what is revoked; returns who is denied only now."""
        denied, self._revoked = frozenset(self._policy.denied()), self._policy.revoked()
        self._access.deny(denied)
        self.access = self._access.render()
        newly, self._denied = denied - self._denied, denied
        return newly

    def _choose(self, deployed: bytes) -> None:
        """Go on with the lists of the last time while they are good; sign new ones otherwise."""
        try:
            self.lists = self._checked(deployed, self._must_hold(self.canary))
            if not self._is_time():
                return
        except CrlRefused:
            pass  # new ones are signed now
        newer_than = numbers_of(deployed, read_certificates(self.trusted))
        try:
            self.lists = self._checked(self._policy.crl(), self._must_hold(self.canary), newer_than)
        except (CrlRefused, ProvisioningError) as error:
            self.lists = self._last_resort(deployed, error)
            self._fail(error)

    def _last_resort(self, deployed: bytes, error: CrlRefused | ProvisioningError) -> CheckedLists:
        """Return old lists that are not all that they should be, rather than let nobody in."""
        try:
            return self._checked(deployed)
        except CrlRefused:
            raise error from None

    def _renew(self, trusted: bytes) -> set[str]:
        """Get new lists, of new authorities if need be; returns whose certificates are listed for the first time."""
        if self._clock() < self._retry_ns:
            return set()
        before = self.lists
        try:
            canary = self.canary if trusted == self.trusted else self._policy.canary()
            self.lists = self._checked(self._policy.crl(), self._must_hold(canary), before.numbers, trusted)
        except (CrlRefused, ProvisioningError) as error:
            self._fail(error)
            return set()
        self.trusted, self.canary = trusted, canary
        self.trouble, self._retry_ns = "", 0
        return {self._revoked[serial] for serial in self.lists.serials - before.serials if serial in self._revoked}

    def _fail(self, error: CrlRefused | ProvisioningError) -> None:
        self._retry_ns = self._clock() + _PAUSE_NS
        self.trouble = (
            f"There is no new revocation list: {error} The one in use runs out at "
            f"{self.lists.expires:%Y-%m-%d %H:%M} UTC; from then on every device is refused."
        )

    def _checked(
        self,
        pem: bytes,
        must_hold: Collection[str] = (),
        newer_than: Mapping[str, int] | None = None,
        trusted: bytes | None = None,
    ) -> CheckedLists:
        certificates = read_certificates(trusted or self.trusted)
        return check_lists(pem, certificates, utc(self._clock()), must_hold=must_hold, newer_than=newer_than)

    def _must_hold(self, canary: KeyPair) -> set[str]:
        certificate = read_certificates(canary.presented_pem)[0]
        return {*self._revoked, f"{certificate.serial_number:x}"}

    def _missing(self) -> bool:
        return not self._revoked.keys() <= self.lists.serials

    def _is_time(self) -> bool:
        return utc(self._clock()) >= self.lists.half_life
