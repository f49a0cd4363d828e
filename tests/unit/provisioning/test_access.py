"""Who may do what, and to whose devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.access import LEAST_ROLE, Access, Role, check, check_role
from provisioning.audit import Actor
from provisioning.errors import Forbidden

BUDI = Actor("budi", "10.1.2.3")
AGENCIES = st.sampled_from(["dishub", "dinkes", "bpbd"])
LIMITS = st.none() | st.frozensets(AGENCIES)


def allowed(access: Access, action: str, agency: str | None) -> bool:
    try:
        check(access, action, agency)
    except Forbidden:
        return False
    return True


def test_roles_are_ordered_by_trust() -> None:
    assert sorted(Role, reverse=True) == [
        Role.ADMINISTRATOR,
        Role.OPERATOR,
        Role.TECHNICIAN,
        Role.VIEWER,
        Role.REPORTER,
    ]
    assert Role.VIEWER <= Role.VIEWER < Role.ADMINISTRATOR


@pytest.mark.parametrize(
    ("action", "least"),
    [
        ("event.add", Role.REPORTER),
        ("device.read", Role.VIEWER),
        ("incident.read", Role.VIEWER),
        ("device.maintenance", Role.TECHNICIAN),
        ("incident.acknowledge", Role.OPERATOR),
        ("device.add", Role.TECHNICIAN),
        ("certificate.issue", Role.TECHNICIAN),
        ("certificate.revoke", Role.OPERATOR),
        ("approval.decide", Role.OPERATOR),
        ("device.transfer", Role.OPERATOR),
        ("agency.add", Role.ADMINISTRATOR),
        ("user.add", Role.ADMINISTRATOR),
        ("audit.read", Role.ADMINISTRATOR),
    ],
)
def test_an_action_takes_a_role_or_a_higher_one(action: str, least: Role) -> None:
    assert [role for role in Role if allowed(Access(BUDI, role), action, "dishub")] == [
        role for role in Role if role >= least
    ]


def test_a_reporter_tells_and_reads_nothing() -> None:
    assert [action for action, least in LEAST_ROLE.items() if least is Role.REPORTER] == ["event.add"]


def test_a_viewer_only_reads() -> None:
    assert {action.partition(".")[2] for action, least in LEAST_ROLE.items() if least is Role.VIEWER} == {"read"}


@given(st.sampled_from(sorted(LEAST_ROLE)), LIMITS, AGENCIES | st.none())
def test_a_higher_role_may_do_all_that_a_lower_one_may(
    action: str, agencies: frozenset[str] | None, agency: str | None
) -> None:
    may = [allowed(Access(BUDI, role, agencies), action, agency) for role in Role]
    assert may == sorted(may)


@given(st.sampled_from(sorted(LEAST_ROLE)), st.sampled_from(Role), st.frozensets(AGENCIES), AGENCIES | st.none())
def test_a_limit_only_ever_takes_away(action: str, role: Role, agencies: frozenset[str], agency: str | None) -> None:
    limited, whole_city = (allowed(Access(BUDI, role, limit), action, agency) for limit in (agencies, None))
    assert limited == (whole_city and agency in agencies)


def test_what_is_the_whole_citys_is_not_for_those_who_are_limited() -> None:
    limited = Access(BUDI, Role.ADMINISTRATOR, frozenset({"dishub"}))
    with pytest.raises(Forbidden, match="budi is limited to dishub, and this belongs to the whole city"):
        check(limited, "device.update", None)


def test_a_refusal_says_what_is_missing() -> None:
    with pytest.raises(Forbidden, match=r"budi has the role viewer, and device\.update takes technician or higher"):
        check(Access(BUDI, Role.VIEWER), "device.update", "dishub")
    with pytest.raises(Forbidden, match="budi is limited to bpbd, dishub, and this belongs to the agency 'dinkes'"):
        check(Access(BUDI, Role.TECHNICIAN, frozenset({"dishub", "bpbd"})), "device.update", "dinkes")
    with pytest.raises(Forbidden, match="budi is limited to no agency"):
        check(Access(BUDI, Role.TECHNICIAN, frozenset()), "device.update", "dinkes")


def test_a_list_is_open_to_the_role_and_narrowed_to_what_is_covered() -> None:
    limited = Access(BUDI, Role.VIEWER, frozenset({"dishub"}))
    check_role(limited, "device.read")
    assert [agency for agency in ("dishub", "dinkes", None) if limited.covers(agency)] == ["dishub"]
    with pytest.raises(Forbidden):
        check_role(limited, "device.add")


def test_an_action_that_is_not_in_the_table_is_nobodys() -> None:
    with pytest.raises(KeyError):
        check(Access(BUDI, Role.ADMINISTRATOR), "device.destroy", None)
