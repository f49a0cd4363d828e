"""What is wrong with the certificates that are out there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.certificate_rules import CertificateRule, KeyKind
from provisioning.certificates import make_root
from provisioning.clock import utc
from provisioning.hygiene import Fault, Finding, Policy, Seen, audit, read_certificates
from provisioning.records import CertificateRecord, NewDevice
from tests.unit.provisioning.life import DAY_NS, NOW_NS

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry


def held(  # noqa: PLR0913 - what a case may differ in
    device: str = "cam-1",
    *,
    serial: str = "1",
    key: str = "",
    issued: int = -10,
    ends: int | None = None,
    revoked: int | None = None,
    kind: str = "EC-256",
) -> CertificateRecord:
    """A certificate; times in days from now; of a year unless its end is given."""
    ends = issued + 365 if ends is None else ends
    return CertificateRecord(
        serial=serial,
        device=device,
        fingerprint="f",
        key_fingerprint=key or f"key of {device}",
        not_before_ns=NOW_NS + issued * DAY_NS,
        not_after_ns=NOW_NS + ends * DAY_NS,
        issued_ns=NOW_NS + issued * DAY_NS,
        revoked_ns=None if revoked is None else NOW_NS + revoked * DAY_NS,
        key_kind=kind,
    )


def faults(
    *certificates: CertificateRecord, seen: dict[str, float] | None = None, kept: int = 400
) -> list[tuple[Fault, str]]:
    """The faults and their subjects; `seen` in days from now, of the `kept` last days."""
    latest = {device: NOW_NS + int(days * DAY_NS) for device, days in (seen or {}).items()}
    known = None if seen is None else Seen(latest, NOW_NS - kept * DAY_NS)
    return [(one.fault, one.subject) for one in audit(certificates, NOW_NS, seen=known)]


def test_a_good_certificate_is_not_mentioned() -> None:
    assert faults(held(), seen={"cam-1": 0}) == []


@pytest.mark.parametrize(
    ("ends", "expected"),
    [(-1, [Fault.EXPIRED]), (0, [Fault.EXPIRED]), (1, [Fault.EXPIRING]), (30, [Fault.EXPIRING]), (31, [])],
)
def test_a_certificate_near_its_end_is_mentioned(ends: int, expected: list[Fault]) -> None:
    assert faults(held(ends=ends)) == [(fault, "cam-1") for fault in expected]


def test_a_certificate_that_was_renewed_may_end() -> None:
    assert faults(held(serial="1", issued=-300, ends=5), held(serial="2", issued=-1, ends=364)) == []


def test_a_newer_one_that_was_revoked_does_not_count() -> None:
    assert faults(held(serial="1", ends=5), held(serial="2", issued=-1, ends=364, revoked=0)) == [
        (Fault.EXPIRING, "cam-1")
    ]


def test_a_shared_key_is_mentioned_for_each_that_holds_it() -> None:
    found = audit([held("cam-1", serial="1", key="k"), held("cam-2", serial="2", key="k")], NOW_NS)
    assert found == [
        Finding(Fault.SHARED_KEY, "cam-1", "1", "cam-2 had the same key."),
        Finding(Fault.SHARED_KEY, "cam-2", "2", "cam-1 had the same key."),
    ]


def test_a_key_that_a_device_kept_is_not_shared() -> None:
    assert faults(held(serial="1"), held(serial="2", issued=-1)) == []


@pytest.mark.parametrize(("kind", "weak"), [("RSA-2048", True), ("RSA-3072", False), ("EC-256", False), (None, False)])
def test_a_key_weaker_than_p256_is_mentioned(kind: str, *, weak: bool) -> None:
    assert faults(held(kind=kind)) == ([(Fault.WEAK_KEY, "cam-1")] if weak else [])


@pytest.mark.parametrize(
    ("kind", "bits", "weak"), [("RSA-1024", 2048, 1), ("RSA-2048", 2048, 0), ("RSA-2048", 3072, 1)]
)
def test_a_model_without_elliptic_curves_is_judged_by_what_it_can(kind: str, bits: int, weak: int) -> None:
    rules = {"cam-1": CertificateRule(key=KeyKind.RSA)}
    found = audit([held(kind=kind)], NOW_NS, rules=rules, policy=Policy(rsa_bits=bits))
    assert [one.fault for one in found] == [Fault.WEAK_KEY] * weak


@pytest.mark.parametrize(("years", "ends", "expected"), [(1, 355, 0), (1, 356, 1), (5, 1815, 0), (5, 1816, 1)])
def test_a_certificate_that_lives_longer_than_its_profile_allows_is_mentioned(
    years: int, ends: int, expected: int
) -> None:
    found = audit([held(ends=ends)], NOW_NS, rules={"cam-1": CertificateRule(years)})
    assert [one.fault for one in found] == [Fault.LONG_LIFE] * expected


def test_a_key_grows_old_through_all_its_certificates() -> None:
    assert faults(held(serial="1", issued=-1900, ends=-1535), held(serial="2", issued=-1)) == [(Fault.OLD_KEY, "cam-1")]


def test_a_new_key_is_young() -> None:
    assert faults(held(serial="1", issued=-1900, ends=-1535, key="old"), held(serial="2", issued=-1)) == []


@pytest.mark.parametrize(
    ("seen", "expected"), [(-2, []), (-1 + 9 / 1440, []), (-1 + 11 / 1440, [(Fault.REVOKED_BUT_SEEN, "cam-1")])]
)
def test_a_device_that_is_heard_after_its_revocation_is_mentioned(
    seen: float, expected: list[tuple[Fault, str]]
) -> None:
    assert faults(held(revoked=-1), seen={"cam-1": seen}) == expected


def test_a_device_with_a_good_certificate_may_be_heard() -> None:
    assert faults(held(serial="1", revoked=-1), held(serial="2", issued=-1), seen={"cam-1": 0}) == []


@pytest.mark.parametrize(
    ("issued", "seen", "expected"),
    [
        (-31, {}, [Fault.NEVER_USED]),
        (-31, {"cam-1": -40}, [Fault.NEVER_USED]),
        (-31, {"cam-1": -20}, []),
        (-29, {}, []),
    ],
)
def test_a_certificate_that_was_never_used_is_mentioned(
    issued: int, seen: dict[str, float], expected: list[Fault]
) -> None:
    assert faults(held(issued=issued), seen=seen) == [(fault, "cam-1") for fault in expected]


def test_a_certificate_older_than_what_is_kept_may_have_been_used_before() -> None:
    assert faults(held(issued=-31), seen={}, kept=30) == [(Fault.LONG_UNUSED, "cam-1")]


def test_nothing_is_said_about_use_when_nobody_knows() -> None:
    assert faults(held(issued=-300)) == []


@pytest.mark.parametrize(("years_on", "expected"), [(17, []), (18, [Fault.AUTHORITY_ENDING])])
def test_an_authority_must_outlive_what_it_issues(years_on: int, expected: list[Fault]) -> None:
    root = make_root(utc(NOW_NS)).certificate
    found = audit([], NOW_NS + (years_on * 365 + 1) * DAY_NS, authorities=[root])
    assert [one.fault for one in found] == expected


def test_findings_are_in_the_order_of_their_kinds() -> None:
    found = faults(held("b", ends=5), held("a", ends=5), held("c", ends=-5))
    assert found == [(Fault.EXPIRED, "c"), (Fault.EXPIRING, "a"), (Fault.EXPIRING, "b")]


def test_what_was_issued_is_read_from_the_registry(registry: Registry, enrolment: Enrolment, engine: Engine) -> None:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-2", "cam-1")])
    enrolment.issue_with_hub_keys(["cam-2", "cam-1"])
    found = read_certificates(engine)
    assert [(one.device, one.key_kind) for one in found] == [("cam-1", "EC-256"), ("cam-2", "EC-256")]
    assert audit(found, NOW_NS) == []
