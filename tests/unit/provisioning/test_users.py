"""Users, their passwords and the tokens that act for them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from provisioning import audit
from provisioning.access import Access, Role
from provisioning.audit import Actor
from provisioning.database import reading, writing
from provisioning.errors import (
    AlreadyExists,
    InvalidIdentity,
    NotAuthenticated,
    StillInUse,
    Unknown,
    WeakPassword,
)
from provisioning.passwords import hash_password, is_password
from provisioning.records import Agency
from provisioning.tokens import Token, TokenText
from provisioning.user_tables import token, user, user_agency
from provisioning.users import NewUser, User, UserChanges, Users

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.clock import Clock
    from provisioning.registry import Registry

NOW_NS = 1_790_000_000_000_000_000
DAY_NS = 86_400 * 10**9
PASSWORD = "kuda lumping menari"  # noqa: S105 - a test's own
SITI = Actor("siti", "cli@hub-1")
BUDI = NewUser(id="budi", role=Role.TECHNICIAN, agencies=frozenset({"dishub", "dinkes"}), name="Budi Santoso")


@pytest.fixture
def users(engine: Engine, clock: Clock, registry: Registry) -> Users:
    """Users, acted on by Siti, in a city of two agencies."""
    registry.add(Agency("dishub"))
    registry.add(Agency("dinkes"))
    return Users(engine, clock).acting(SITI)


def recorded(engine: Engine) -> list[tuple[str, str, str, object]]:
    """What Siti did, in order."""
    rows = [row for row in reversed(audit.read(engine, 100)) if row.actor == "siti"]
    return [(row.origin, row.action, row.subject, row.detail) for row in rows]


# Users


def test_a_user_keeps_all_that_it_was_added_with(users: Users) -> None:
    expected = User(
        id="budi",
        role=Role.TECHNICIAN,
        agencies=frozenset({"dishub", "dinkes"}),
        name="Budi Santoso",
        disabled=False,
        has_password=False,
        created_ns=NOW_NS,
        updated_ns=NOW_NS,
    )
    assert users.add(BUDI) == expected
    assert users.get("budi") == expected
    assert users.all() == [expected]


def test_a_user_without_agencies_is_the_whole_citys(users: Users) -> None:
    assert users.add(NewUser(id="wati", role=Role.VIEWER)).agencies is None


def test_what_is_given_changes_and_the_rest_stays(users: Users) -> None:
    before = users.add(BUDI)
    assert users.update("budi", role=Role.OPERATOR) == users.get("budi") == replace(before, role=Role.OPERATOR)
    users.update("budi", agencies=frozenset({"dinkes"}))
    assert users.get("budi").agencies == frozenset({"dinkes"})
    users.update("budi", agencies=None)
    assert users.get("budi").agencies is None


@pytest.mark.parametrize(
    ("new", "error", "sentence"),
    [
        (NewUser(id="a b", role=Role.VIEWER), InvalidIdentity, "The user 'a b' cannot be used"),
        (NewUser(id="b", role=Role.VIEWER, name="a\n"), InvalidIdentity, "The name"),
        (NewUser(id="b", role=Role.VIEWER, agencies=frozenset()), InvalidIdentity, "no agency at all"),
        (NewUser(id="b", role=Role.VIEWER, agencies=frozenset({"dishup"})), Unknown, "did you mean 'dishub'"),
        (BUDI, AlreadyExists, "The user 'budi' exists already"),
    ],
)
def test_a_user_that_breaks_a_rule_is_refused(
    users: Users, new: NewUser, error: type[Exception], sentence: str
) -> None:
    users.add(BUDI)
    with pytest.raises(error, match=sentence):
        users.add(new)
    assert [one.id for one in users.all()] == ["budi"]


@pytest.mark.parametrize("changes", [{"agencies": frozenset()}, {"agencies": frozenset({"x"})}, {"name": "\t"}])
def test_a_change_that_breaks_a_rule_is_refused(users: Users, changes: UserChanges) -> None:
    before = users.add(BUDI)
    with pytest.raises((InvalidIdentity, Unknown)):
        users.update("budi", **changes)
    assert users.get("budi") == before


def test_nothing_is_done_for_somebody_unknown(users: Users) -> None:
    users.add(BUDI)
    with pytest.raises(Unknown, match="There is no user 'bud'; did you mean 'budi'"):
        users.get("bud")
    with pytest.raises(Unknown, match="There is no user 'bud'"):
        users.update("bud", disabled=True)
    with pytest.raises(Unknown, match="There is no user 'bud'"):
        users.set_password("bud", PASSWORD)
    with pytest.raises(Unknown, match="There is no user 'bud'"):
        users.add_token("bud")
    assert [action for _, action, *_ in recorded(users._engine)] == ["user.add"]


def test_an_agency_that_users_are_limited_to_is_not_removed(users: Users, registry: Registry) -> None:
    users.add(BUDI)
    with pytest.raises(StillInUse, match="The agency 'dishub' is still referred to by 1 user_agency entry"):
        registry.remove(Agency, "dishub")


def test_a_lost_limit_opens_nothing(users: Users, engine: Engine) -> None:
    users.add(BUDI)
    with writing(engine) as connection:
        connection.execute(delete(user_agency))
    assert users.get("budi").agencies == frozenset()


# Passwords


@pytest.mark.slow
def test_a_password_opens_what_its_user_may_do(users: Users) -> None:
    users.add(BUDI)
    users.set_password("budi", PASSWORD)
    expected = Access(Actor("budi", "10.1.2.3"), Role.TECHNICIAN, frozenset({"dishub", "dinkes"}))
    assert users.authenticate("budi", PASSWORD, "10.1.2.3") == expected
    assert users.get("budi").has_password


@pytest.mark.slow
def test_a_wrong_password_an_unknown_user_and_a_disabled_one_look_the_same(users: Users) -> None:
    users.add(BUDI)
    users.add(NewUser(id="wati", role=Role.VIEWER))
    users.set_password("budi", PASSWORD)
    tries = [("budi", "Kuda lumping menari"), ("nobody", PASSWORD), ("wati", PASSWORD), ("wati", "")]
    assert len({refusal(users, *one) for one in tries}) == 1

    users.update("budi", disabled=True)
    assert refusal(users, "budi", PASSWORD) == refusal(users, "nobody", PASSWORD)
    users.update("budi", disabled=False)
    assert users.authenticate("budi", PASSWORD, "").role is Role.TECHNICIAN


def refusal(users: Users, name: str, password: str) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        users.authenticate(name, password, "10.1.2.3")
    return str(refused.value)


@pytest.mark.slow
def test_a_new_password_replaces_the_old_one(users: Users) -> None:
    users.add(BUDI)
    users.set_password("budi", PASSWORD)
    users.set_password("budi", PASSWORD + "!")
    assert users.authenticate("budi", PASSWORD + "!", "").actor.name == "budi"
    refusal(users, "budi", PASSWORD)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("elevenchars", "has 11"), ("x" * 1025, "has 1025"), ("two lines\nof it", "control characters")],
)
def test_a_password_that_will_not_do_is_refused_without_being_repeated(password: str, sentence: str) -> None:
    with pytest.raises(WeakPassword, match=sentence) as refused:
        hash_password(password)
    assert password not in str(refused.value)


@pytest.mark.slow
def test_passwords_are_kept_as_argon2id() -> None:
    assert hash_password(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hash_password(PASSWORD) != hash_password(PASSWORD)


@pytest.mark.slow
def test_the_same_password_typed_on_another_keyboard_is_the_same() -> None:
    assert is_password(hash_password("café au lait ②"), "cafe\u0301 au lait 2")


@pytest.mark.parametrize("stored", ["", "$argon2id$v=19$m=8,t=1,p=1$xx", "plain text password"])
def test_a_hash_that_was_ruined_matches_nothing(stored: str) -> None:
    assert not is_password(stored, stored)


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["", "\0", "\ud800", "x" * 100_000])
def test_whatever_is_typed_is_just_wrong(typed: str) -> None:
    assert not is_password(hash_password(PASSWORD), typed)
    assert not is_password(None, typed)


# Tokens


def test_a_token_acts_for_its_user(users: Users) -> None:
    users.add(BUDI)
    made = users.add_token("budi", "wall display", days=90)
    expected = Access(Actor("budi", "10.1.2.3"), Role.TECHNICIAN, frozenset({"dishub", "dinkes"}))
    assert users.authenticate_token(made.reveal(), "10.1.2.3") == expected
    assert users.tokens() == users.tokens("budi")
    assert users.tokens() == [Token(made.id, "budi", "wall display", NOW_NS, NOW_NS + 90 * DAY_NS)]


def test_tokens_are_listed_by_user(users: Users) -> None:
    users.add(BUDI)
    users.add(NewUser(id="wati", role=Role.VIEWER))
    users.add_token("budi")
    made = users.add_token("wati")
    assert [one.id for one in users.tokens("wati")] == [made.id]
    assert len(users.tokens()) == 2


def test_a_change_of_the_user_bites_at_once(users: Users) -> None:
    users.add(BUDI)
    made = users.add_token("budi").reveal()
    users.update("budi", role=Role.VIEWER, agencies=None)
    assert users.authenticate_token(made, "x") == Access(Actor("budi", "x"), Role.VIEWER)
    users.update("budi", disabled=True)
    with pytest.raises(NotAuthenticated, match="ask an administrator for a new one"):
        users.authenticate_token(made, "x")


def test_a_revoked_token_opens_nothing_and_its_neighbour_still_does(users: Users, engine: Engine) -> None:
    users.add(BUDI)
    made, other = users.add_token("budi"), users.add_token("budi")
    users.revoke_token(made.id)
    users.revoke_token(made.id)
    with pytest.raises(NotAuthenticated):
        users.authenticate_token(made.reveal(), "x")
    assert users.authenticate_token(other.reveal(), "x").actor.name == "budi"
    assert [action for _, action, *_ in recorded(engine)].count("token.revoke") == 1
    with pytest.raises(Unknown, match="There is no token 'xxx'"):
        users.revoke_token("xxx")


def test_a_token_ends_with_its_last_day(users: Users, engine: Engine) -> None:
    users.add(BUDI)
    made = users.add_token("budi", days=1).reveal()
    assert Users(engine, lambda: NOW_NS + DAY_NS - 1).authenticate_token(made, "x").actor.name == "budi"
    with pytest.raises(NotAuthenticated):
        Users(engine, lambda: NOW_NS + DAY_NS).authenticate_token(made, "x")


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_token_lives_a_day_to_ten_years(users: Users, days: int) -> None:
    users.add(BUDI)
    with pytest.raises(InvalidIdentity, match=f"cannot be valid for {days} days"):
        users.add_token("budi", days=days)


def test_another_secret_with_a_known_id_opens_nothing(users: Users) -> None:
    users.add(BUDI)
    forged = replace(users.add_token("budi"), secret=TokenText.new().secret)
    with pytest.raises(NotAuthenticated):
        users.authenticate_token(forged.reveal(), "x")


@given(st.text())
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert TokenText.parse(text) is None


def test_a_token_is_read_as_it_was_written() -> None:
    made = TokenText.new()
    assert TokenText.parse(made.reveal()) == made
    for ruined in (made.reveal() + "x", made.reveal()[:-1], " " + made.reveal(), made.reveal() + "\n"):
        assert TokenText.parse(ruined) is None


def test_a_token_does_not_print_its_secret() -> None:
    made = TokenText.new()
    assert made.secret not in f"{made} {made!r}"


# What is kept of it


def test_each_change_is_recorded_without_secrets_and_without_names(users: Users, engine: Engine) -> None:
    users.add(BUDI)
    users.update("budi", role=Role.OPERATOR, agencies=None, name="B.")
    users.update("budi", disabled=True)
    users.set_password("budi", PASSWORD)
    made = users.add_token("budi", "wall display")
    users.revoke_token(made.id)
    expires = {"expires_ns": NOW_NS + 365 * DAY_NS}
    assert recorded(engine) == [
        ("cli@hub-1", action, "user/budi", detail)
        for action, detail in [
            ("user.add", {"role": "technician", "agencies": ["dinkes", "dishub"]}),
            ("user.update", {"role": ["technician", "operator"], "agencies": [["dinkes", "dishub"], None]}),
            ("user.update", {"disabled": [False, True]}),
            ("user.password", {}),
            ("token.add", {"token": made.id, "name": "wall display"} | expires),
            ("token.revoke", {"token": made.id}),
        ]
    ]
    assert audit.verify(engine) == []


def test_no_secret_is_on_disk(users: Users, engine: Engine, database: Path) -> None:
    users.add(BUDI)
    users.set_password("budi", PASSWORD)
    made = users.add_token("budi")
    with reading(engine) as connection:
        assert str(connection.scalar(select(user.c.password_hash))).startswith("$argon2id$")
        assert connection.scalar(select(token.c.secret_hash)) == hashlib.sha256(made.secret.encode()).hexdigest()
    kept = b"".join(path.read_bytes() for path in database.parent.glob("registry.db*"))
    assert made.id.encode() in kept
    assert PASSWORD.encode() not in kept
    assert made.secret.encode() not in kept


def test_a_token_can_be_said_in_json_without_its_secret(users: Users) -> None:
    users.add(BUDI)
    made = users.add_token("budi")
    assert made.secret not in json.dumps([asdict(one) for one in users.tokens()])
