"""When a certificate may be exchanged for the next one. Rules only: no files, no clock, no database.

- From two thirds of its life on. Earlier it is refused, so that a device that asks in a loop fills nothing; who must
  have a new one earlier, e.g. after an attack, is given a claim code.
- Until it ends with the same key or a new one: the handshake has proved the old key, the request proves the new one.
- For a grace period after its end with the same key only. A device that was offline for so long comes back without
  a visit; one that lost its key, or comes later still, needs a claim code.
- Never once it is revoked, and never when its issuing CA was dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.clock import utc
from provisioning.errors import Refused

if TYPE_CHECKING:
    from provisioning.records import CertificateRecord

GRACE_DAYS: Final = 30
_DAY_NS: Final = 24 * 60 * 60 * 10**9
_CLAIM: Final = ": have a claim code made for the device, and redeem that."


def due_ns(not_before_ns: int, not_after_ns: int) -> int:
    """Return the moment from which a certificate is to be renewed: two thirds of its life, nanoseconds UTC."""
    return not_before_ns + (not_after_ns - not_before_ns) * 2 // 3


def check_renewable(presented: CertificateRecord, key_fingerprint: str, now_ns: int, grace_days: int) -> None:
    """Check that a certificate may be exchanged for one with this key.

    Args:
        presented: the certificate, whose key the handshake has proved.
        key_fingerprint: of the key in the request.
        now_ns: nanoseconds UTC.
        grace_days: for how long after its end it may still be exchanged.

    Raises:
        Refused: it may not; with the reason, and what helps.
    """
    if presented.revoked_ns is not None:
        raise Refused(f"This certificate of {presented.device!r} was revoked on {_day(presented.revoked_ns)}{_CLAIM}")
    due = due_ns(presented.not_before_ns, presented.not_after_ns)
    if now_ns < due:
        raise Refused(f"This certificate of {presented.device!r} is not due: renew it from {_day(due)} on.")
    if now_ns > presented.not_after_ns:
        _check_grace(presented, key_fingerprint, now_ns, grace_days)


def _check_grace(presented: CertificateRecord, key_fingerprint: str, now_ns: int, grace_days: int) -> None:
    ended = f"This certificate of {presented.device!r} ended on {_day(presented.not_after_ns)}"
    if now_ns > presented.not_after_ns + grace_days * _DAY_NS:
        raise Refused(f"{ended}, more than {grace_days} days ago{_CLAIM}")
    if key_fingerprint != presented.key_fingerprint:
        raise Refused(f"{ended}, and this request is not for its key. Ask with that key. If it is lost{_CLAIM}")


def _day(ns: int) -> str:
    return f"{utc(ns):%Y-%m-%d}"
