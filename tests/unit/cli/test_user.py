"""The commands for users, their tokens, and the record of what was done."""

from __future__ import annotations

import json
import os
import pty
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from hub.cli.caller import caller
from hub.cli.context import UNWELL
from hub.cli.place import agencies
from hub.cli.user import register
from hub.errors import UsageError
from hub.settings import FILE_NAME, load_settings
from provisioning.access import Access, Role
from provisioning.audit import Actor
from provisioning.audit_tables import audit_row
from provisioning.database import open_engine, writing
from provisioning.errors import InvalidIdentity, NotAuthenticated, Unknown, WeakPassword
from provisioning.users import Users
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.unit.cli.homes import Run
PASSWORD = "kuda lumping menari"  # noqa: S105 - a test's own
ADD = ["user", "add", "budi", "--role", "technician", "--agency", "dishub", "--agency", "dinkes", "--name", "Budi S."]
PROGRAM = """
import sys, typer
from pathlib import Path
from hub.cli.context import Context
from hub.cli.user import register
app = typer.Typer()
register(app)
app(["user", "password", "budi"], obj=Context(Path(sys.argv[1])))
"""


APP = commands(register, lambda app: app.add_typer(agencies, name="agency"))


def _two_agencies(home: Path) -> None:
    write_copy(home, write_home_alone)
    run = running(APP, home)
    run("agency", "add", "dishub")
    run("agency", "add", "dinkes")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    write_copy(tmp_path, _two_agencies)
    return tmp_path / FILE_NAME


@pytest.fixture
def run(settings: Path) -> Run:
    """Runs a command in the home of a hub with two agencies."""
    return running(APP, settings.parent)


@pytest.fixture
def engine(settings: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(settings).registry_url)
    yield engine
    engine.dispose()


@pytest.fixture
def users(engine: Engine) -> Users:
    return Users(engine, time.time_ns)


@pytest.fixture
def budi(run: Run) -> Run:
    assert run(*ADD).stdout == (
        "Added budi, technician for dinkes, dishub. Next: cityhub user password budi, or cityhub user token add budi\n"
    )
    return run


def test_users_are_listed_for_people_and_for_programs(budi: Run) -> None:
    budi("user", "add", "wati", "--role", "viewer")
    assert budi("user", "list").stdout.splitlines() == [
        "ID    ROLE        AGENCIES        STATE    PASSWORD  NAME",
        "budi  technician  dinkes, dishub  enabled  no        Budi S.",
        "wati  viewer      the whole city  enabled  no        -",
    ]
    first, second = json.loads(budi("user", "list", "--json").stdout)
    assert (first["role"], first["agencies"], second["agencies"]) == ("technician", ["dinkes", "dishub"], None)


def test_what_is_given_is_changed(budi: Run) -> None:
    assert budi("user", "update", "budi", "--role", "operator").stdout == "Now budi, operator for dinkes, dishub.\n"
    assert budi("user", "update", "budi", "--agency", "dishub").stdout == "Now budi, operator for dishub.\n"
    assert budi("user", "update", "budi", "--whole-city").stdout == "Now budi, operator for the whole city.\n"
    assert budi("user", "update", "budi", "--name", "B.").stdout == "Now budi, operator for the whole city.\n"


@pytest.mark.slow
def test_a_password_is_read_from_standard_input(budi: Run, users: Users) -> None:
    assert budi("user", "password", "budi", stdin=PASSWORD + "\n").stdout == "Set the password of budi.\n"
    assert users.authenticate("budi", PASSWORD, "10.1.2.3").actor == Actor("budi", "10.1.2.3")


@pytest.mark.slow
def test_a_password_is_asked_for_twice_and_never_shown(budi: Run, users: Users, settings: Path) -> None:
    assert budi("user", "list").exit_code == 0
    ours, theirs = pty.openpty()
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(settings)], cwd=root, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    for question in (b"Password: ", b"confirmation: "):
        while not seen.endswith(question):
            seen += os.read(ours, 1024)
        os.write(ours, PASSWORD.encode() + b"\n")
    assert process.wait(60) == 0
    seen += os.read(ours, 1024)
    os.close(ours)
    assert PASSWORD.encode() not in seen
    assert users.authenticate("budi", PASSWORD, "").role is Role.TECHNICIAN


def test_a_disabled_user_is_shut_out_until_enabled(budi: Run, users: Users) -> None:
    token = budi("user", "token", "add", "budi").stdout.strip()
    budi("user", "disable", "budi")
    with pytest.raises(NotAuthenticated):
        users.authenticate_token(token, "x")
    assert "disabled" in budi("user", "list").stdout
    budi("user", "enable", "budi")
    assert users.authenticate_token(token, "x").actor.name == "budi"


def test_a_token_is_alone_on_standard_output_and_works(budi: Run, users: Users) -> None:
    result = budi("user", "token", "add", "budi", "--name", "wall display", "--days", "90")
    expected = Access(Actor("budi", "x"), Role.TECHNICIAN, frozenset({"dishub", "dinkes"}))
    assert users.authenticate_token(result.stdout.removesuffix("\n"), "x") == expected
    assert "can act as budi for 90 days" in result.stderr


def test_tokens_are_listed_without_their_secrets_and_revoked(budi: Run) -> None:
    _, number, secret = budi("user", "token", "add", "budi", "--name", "wall display").stdout.strip().split("_", 2)
    listed = budi("user", "token", "list", "budi").stdout
    assert listed.splitlines()[1].split()[:2] == [number, "budi"]
    assert "valid" in listed
    assert secret not in listed + budi("user", "token", "list", "--json").stdout
    budi("user", "token", "revoke", number)
    assert "revoked" in budi("user", "token", "list").stdout
    assert json.loads(budi("user", "token", "list", "wati", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["user", "add", "b", "--role", "viewer", "--agency", "dishup"], Unknown, "did you mean 'dishub'"),
        (["user", "disable", "bud"], Unknown, "did you mean 'budi'"),
        (["user", "password", "bud"], Unknown, "did you mean 'budi'"),
        (["user", "password", "budi"], WeakPassword, "this one has 0"),
        (["user", "token", "add", "bud"], Unknown, "did you mean 'budi'"),
        (["user", "token", "add", "budi", "--days", "0"], InvalidIdentity, "for 0 days"),
        (["user", "token", "revoke", "123"], Unknown, "There is no token '123'"),
        (["user", "update", "budi", "--agency", "dishub", "--whole-city"], UsageError, "contradict"),
        (["audit", "verify", "--head", "7"], UsageError, "copy it as"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    budi: Run, words: list[str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        budi(*words, stdin="")


@pytest.mark.parametrize(
    "words", [["user", "add", "wati"], ["user", "add", "wati", "--role", "king"], ["audit", "list", "--limit", "0"]]
)
def test_wrong_usage_ends_with_two(run: Run, words: list[str]) -> None:
    assert run(*words).exit_code == 2


# The record


def test_the_record_names_the_person_and_the_machine(budi: Run) -> None:
    rows = json.loads(budi("audit", "list", "--json").stdout)
    assert [row["action"] for row in rows] == ["user.add", "agency.add", "agency.add"]
    assert {(row["actor"], row["origin"]) for row in rows} == {(caller().name, caller().origin)}
    assert caller().origin.startswith("cli@")


def test_the_record_is_listed_by_subject(budi: Run) -> None:
    budi("user", "disable", "budi")
    lines = budi("audit", "list", "--subject", "user/budi", "--limit", "1").stdout.splitlines()
    assert lines[0].split() == ["ROW", "UTC", "ACTOR", "ORIGIN", "ACTION", "SUBJECT", "DETAIL"]
    assert lines[1].endswith('user.update  user/budi  {"disabled": [false, true]}')
    assert len(lines) == 2


def test_a_whole_record_shows_its_head_to_be_noted(budi: Run) -> None:
    said = budi("audit", "verify").stdout
    assert said.startswith("The record is whole. Its head: 3:")
    budi("user", "disable", "budi")
    assert budi("audit", "verify", "--head", said.split()[-1]).exit_code == 0


def test_a_record_that_was_altered_is_unwell(budi: Run, engine: Engine) -> None:
    noted = budi("audit", "verify").stdout.split()[-1]
    with writing(engine) as connection:
        connection.execute(delete(audit_row).where(audit_row.c.seq == 3))
    result = budi("audit", "verify", "--head", noted)
    assert result.exit_code == UNWELL
    assert result.stdout.splitlines() == [
        "The head, row 3, does not match the end, row 2: rows were cut off, put in or altered.",
        "Row 3 is not the one that was noted: the log was rebuilt, or cut off, since then.",
    ]


def test_behind_sudo_the_caller_is_who_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getlogin", lambda: "siti")
    monkeypatch.setenv("SUDO_USER", "somebody-else")
    assert caller().name == "siti"


def test_without_a_login_the_caller_is_who_called_sudo_or_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getlogin", _no_login)
    monkeypatch.setenv("SUDO_USER", "siti")
    assert caller().name == "siti"
    monkeypatch.delenv("SUDO_USER")
    assert caller().name == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert caller().name == "uid 4000000"


def _no_login() -> str:
    raise OSError
