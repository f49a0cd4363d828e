"""What is wrong with the certificates that are out there, or soon will be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.x509.oid import NameOID
from sqlalchemy import func, select

from provisioning.certificate_rules import NO_RULES, USUAL, KeyKind
from provisioning.clock import nanoseconds, utc
from provisioning.database import reading
from provisioning.records import CertificateRecord
from provisioning.tables import certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cryptography import x509
    from sqlalchemy import Engine

    from provisioning.certificate_rules import Rules

_DAY_NS: Final = 24 * 60 * 60 * 10**9
_CLOCKS_APART_NS: Final = 10 * 60 * 10**9
"""A reading carries its device's time, which may run ahead by five minutes, and may lie in a queue for a while."""
_Held = dict[str, list[CertificateRecord]]


class Fault(StrEnum):
    """The kinds of findings."""

    EXPIRED = "expired"
    EXPIRING = "expiring"
    SHARED_KEY = "shared key"
    WEAK_KEY = "weak key"
    OLD_KEY = "old key"
    LONG_LIFE = "long life"
    REVOKED_BUT_SEEN = "revoked but seen"
    NEVER_USED = "never used"
    LONG_UNUSED = "long unused"
    AUTHORITY_ENDING = "authority ending"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is taken for a fault.

    Attributes:
        expiring_days: a certificate that ends within so many days should have been renewed.
        unused_days: a certificate that was issued so long ago should have been used.
        key_days: a key may serve so long, through all its certificates.
        rsa_bits: an RSA key has at least so many bits; where the profile does not ask for RSA ...
        ec_as_rsa_bits: ... as many as it takes to be as strong as P-256 (NIST SP 800-57 part 1, table 2).
        authority_days: a CA must outlive today by so many days, or the certificates that it issues grow short.
    """

    expiring_days: int = 30
    unused_days: int = 30
    key_days: int = 5 * 365 + 30
    rsa_bits: int = 2048
    ec_as_rsa_bits: int = 3072
    authority_days: int = 2 * 365


class Finding(NamedTuple):
    """Something to be put right: `subject` is a device's id or a CA's name, `serial` the certificate's, if one is."""

    fault: Fault
    subject: str
    serial: str | None
    sentence: str


class Seen(NamedTuple):
    """When devices were last heard: `latest` by device, nothing of before `from_ns` in it; nanoseconds UTC."""

    latest: Mapping[str, int]
    from_ns: int = 0


DEFAULT: Final = Policy()


def ending_before(engine: Engine, end_ns: int) -> dict[str, int]:
    """Return device -> end of the last certificate that it holds, nanoseconds UTC, where that is before `end_ns`.

    Raises:
        StorageProblem: the database cannot be used.
    """
    last = func.max(certificate.c.not_after_ns)
    held = select(certificate.c.device, last).where(certificate.c.revoked_ns.is_(None))
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(held.group_by(certificate.c.device).having(last < end_ns))}


def read_certificates(engine: Engine) -> list[CertificateRecord]:
    """Return all certificates that were issued to devices, by device and age.

    Raises:
        StorageProblem: the database cannot be used.
    """
    query = select(certificate).order_by(certificate.c.device, certificate.c.issued_ns, certificate.c.serial)
    with reading(engine) as connection:
        return [CertificateRecord(**row) for row in connection.execute(query).mappings()]


def audit(  # noqa: PLR0913 - what is known, and by what it is judged
    certificates: Iterable[CertificateRecord],
    now_ns: int,
    *,
    seen: Seen | None = None,
    authorities: Sequence[x509.Certificate] = (),
    rules: Rules = NO_RULES,
    policy: Policy = DEFAULT,
) -> list[Finding]:
    """Return what is wrong, by kind and subject.

    Args:
        certificates: those of `read_certificates`.
        now_ns: nanoseconds UTC.
        seen: when devices were last heard; None when nobody knows, and then nothing is said about use.
        authorities: the certificates of the CAs.
        rules: what each device's profile says of its certificates, by the device's id.
        policy: what else is taken for a fault.
    """
    held: _Held = defaultdict(list)
    for one in sorted(certificates, key=lambda record: record.issued_ns):
        held[one.device].append(one)
    findings = chain(
        _lifetimes(held, now_ns, policy),
        _keys(held, now_ns, policy),
        _departures(held, now_ns, rules, policy),
        _uses(held, seen, now_ns, policy) if seen is not None else (),
        _endings(authorities, now_ns, policy),
    )
    order = list(Fault)
    return sorted(findings, key=lambda finding: (order.index(finding.fault), finding.subject))


def _lifetimes(held: _Held, now_ns: int, policy: Policy) -> Iterator[Finding]:
    for name, records in held.items():
        good = [one for one in records if one.revoked_ns is None]
        if not good:
            continue
        last = max(good, key=lambda record: record.not_after_ns)
        if last.not_after_ns <= now_ns:
            yield Finding(Fault.EXPIRED, name, last.serial, f"Its last certificate ended on {_day(last.not_after_ns)}.")
        elif last.not_after_ns <= now_ns + policy.expiring_days * _DAY_NS:
            yield Finding(
                Fault.EXPIRING, name, last.serial, f"It ends on {_day(last.not_after_ns)} and is not renewed."
            )


def _keys(held: _Held, now_ns: int, policy: Policy) -> Iterator[Finding]:
    holders: defaultdict[str, set[str]] = defaultdict(set)
    born: dict[str, int] = {}
    for one in chain.from_iterable(held.values()):
        holders[one.key_fingerprint].add(one.device)
        born[one.key_fingerprint] = min(one.issued_ns, born.get(one.key_fingerprint, one.issued_ns))
    for one in _in_force(held, now_ns):
        others = sorted(holders[one.key_fingerprint] - {one.device})
        if others:
            yield Finding(Fault.SHARED_KEY, one.device, one.serial, f"{', '.join(others)} had the same key.")
        if born[one.key_fingerprint] < now_ns - policy.key_days * _DAY_NS:
            since = _day(born[one.key_fingerprint])
            yield Finding(Fault.OLD_KEY, one.device, one.serial, f"Its key has served since {since}.")


def _departures(held: _Held, now_ns: int, rules: Rules, policy: Policy) -> Iterator[Finding]:
    """What is weaker, or lives longer, than the device's profile lets it."""
    for one in _in_force(held, now_ns):
        rule = rules.get(one.device, USUAL)
        bits = policy.rsa_bits if rule.key is KeyKind.RSA else policy.ec_as_rsa_bits
        if _is_weak(one.key_kind, bits):
            sentence = f"Its key is {one.key_kind}; its profile asks for EC-256, or RSA from {bits} bits on."
            yield Finding(Fault.WEAK_KEY, one.device, one.serial, sentence)
        days = (one.not_after_ns - one.not_before_ns) // _DAY_NS
        if days > rule.days:
            sentence = f"It lives for {days} days, and its profile allows {rule.days}."
            yield Finding(Fault.LONG_LIFE, one.device, one.serial, sentence)


def _uses(held: _Held, seen: Seen, now_ns: int, policy: Policy) -> Iterator[Finding]:
    for name, records in held.items():
        last_seen, last = seen.latest.get(name), records[-1]
        out_since = max(now_ns if one.revoked_ns is None else one.revoked_ns for one in records)
        if last_seen is not None and last_seen > out_since + _CLOCKS_APART_NS:
            when = f"{utc(last_seen):%Y-%m-%d %H:%M} UTC"
            sentence = f"All its certificates were revoked by {_day(out_since)}, and it was heard at {when}."
            yield Finding(Fault.REVOKED_BUT_SEEN, name, last.serial, sentence)
        unused = last.revoked_ns is None and (last_seen or 0) < last.issued_ns
        if unused and last.issued_ns < now_ns - policy.unused_days * _DAY_NS:
            yield _unused(last, seen.from_ns)


def _unused(last: CertificateRecord, seen_from_ns: int) -> Finding:
    sentence = f"It was issued on {_day(last.issued_ns)}, and the device was not heard since"
    if last.issued_ns >= seen_from_ns:
        return Finding(Fault.NEVER_USED, last.device, last.serial, f"{sentence}.")
    sentence = f"{sentence} {_day(seen_from_ns)}; what was before is not kept."
    return Finding(Fault.LONG_UNUSED, last.device, last.serial, sentence)


def _endings(authorities: Sequence[x509.Certificate], now_ns: int, policy: Policy) -> Iterator[Finding]:
    for one in authorities:
        end = nanoseconds(one.not_valid_after_utc)
        if end <= now_ns + policy.authority_days * _DAY_NS:
            name = str(one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
            yield Finding(Fault.AUTHORITY_ENDING, name, None, f"It ends on {_day(end)}: see `cityhub ca rotate`.")


def _in_force(held: _Held, now_ns: int) -> Iterator[CertificateRecord]:
    for one in chain.from_iterable(held.values()):
        if one.revoked_ns is None and one.not_after_ns > now_ns:
            yield one


def _is_weak(kind: str | None, least_bits: int) -> bool:
    name, _, bits = (kind or "").partition("-")
    return name == "RSA" and int(bits) < least_bits


def _day(ns: int) -> str:
    return f"{utc(ns):%Y-%m-%d}"
