"""What a claim demands of whoever redeems it. Rules only: no clock, no database; the code itself is compared before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from provisioning.clock import utc

if TYPE_CHECKING:
    from provisioning.records import Device

NOT_VALID: Final = "This code is not valid for this device: compare both with the sticker, or have a new one made."
"""The same for a wrong code, a device without one, and one whose attempts are used up: it tells a guesser nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that was made for a device, without the code.

    Attributes:
        device: the id of the device.
        profile: the device's profile when the code was made.
        serial: its serial number then.
        created_ns: nanoseconds UTC.
        expires_ns: nanoseconds UTC.
        attempts_left: how often it may still be tried.
        key_fingerprint: SHA-256 of the key that it was redeemed with (SubjectPublicKeyInfo, DER); None before.
    """

    device: str
    profile: str
    serial: str | None
    created_ns: int
    expires_ns: int
    attempts_left: int
    key_fingerprint: str | None


class Attempt(NamedTuple):
    """What a request brings: the fingerprint of its key, and the serial numbers that its subject states."""

    key_fingerprint: str
    serials: tuple[str, ...]


def find_fault(claim: Claim, device: Device, attempt: Attempt, now_ns: int) -> str | None:
    """Return why a claim, whose code was right, is not redeemed; None when it is."""
    if now_ns >= claim.expires_ns:
        return f"This code expired on {utc(claim.expires_ns):%Y-%m-%d}: have a new one made for {claim.device!r}."
    if (device.profile, device.serial) != (claim.profile, claim.serial):
        return (
            f"The profile or serial number of {claim.device!r} changed since this code was made: have a new one made."
        )
    if any(serial != claim.serial for serial in attempt.serials):
        stated, known = ", ".join(map(ascii, attempt.serials)), claim.serial or "none"
        return f"The request is from serial number {stated}, the code is for {known}: compare the type plate."
    if claim.key_fingerprint not in (None, attempt.key_fingerprint):
        return (
            f"This code was used with another key: ask again with that one, or, if it was not you, "
            f"tell the operator of {claim.device!r} and have a new code made."
        )
    return None
