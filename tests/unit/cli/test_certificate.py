"""The commands about certificates and the authority behind them."""

from __future__ import annotations

import json
import stat
import time
from typing import TYPE_CHECKING

import pytest

from hub.cli.certificate import register
from hub.cli.context import UNWELL
from provisioning.ca import Authority
from provisioning.crl import read_lists
from provisioning.database import open_engine
from provisioning.enrolment import Enrolment
from provisioning.errors import AuthorityProblem, Unknown
from provisioning.files import write_atomically
from provisioning.records import NewDevice
from provisioning.registry import Registry
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.homes import Run

PASSPHRASE = b"correct horse battery staple\n"


APP = commands(register)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in the home of a hub."""
    write_copy(tmp_path, write_home)
    return running(APP, tmp_path)


@pytest.fixture
def enrolment(tmp_path: Path, run: Run) -> Iterator[Enrolment]:
    del run
    engine = open_engine(tmp_path / "state" / "registry.db")
    Registry(engine, time.time_ns).add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    yield Enrolment(engine, Authority.load(tmp_path / "state" / "pki", clock=time.time_ns), time.time_ns)
    engine.dispose()


def issuing(run: Run) -> list[str]:
    """The key ids of the issuing CAs, the one that signs first."""
    return [one["key"] for one in json.loads(run("ca", "show", "--json").output) if one["role"] != "root"]


def test_certificates_are_listed(run: Run, enrolment: Enrolment) -> None:
    enrolment.issue_with_hub_key("cam-1")
    heading, line = run("certs", "list").output.splitlines()
    assert heading.split() == ["DEVICE", "SERIAL", "KEY", "UNTIL", "REVOKED", "REASON"]
    assert line.split()[0] == "cam-1"
    assert json.loads(run("certs", "list", "--device", "cam-2", "--json").output) == []


def test_an_audit_that_finds_nothing_says_so(run: Run, enrolment: Enrolment) -> None:
    enrolment.issue_with_hub_key("cam-1")
    result = run("certs", "audit")
    assert (result.exit_code, result.stdout) == (0, "1 certificates, and nothing wrong with them.\n")
    assert result.stderr == "Nothing is said about use, as the database cannot be asked: the hub has not run yet\n"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_audit_that_finds_something_ends_unwell(run: Run, enrolment: Enrolment, options: tuple[str, ...]) -> None:
    enrolment.issue_with_hub_key("cam-1", days=10)
    result = run("certs", "audit", *options)
    assert result.exit_code == UNWELL
    assert "expiring" in result.output
    assert "cam-1" in result.output


def test_one_certificate_is_revoked_and_listed(run: Run, enrolment: Enrolment, tmp_path: Path) -> None:
    enrolment.issue_with_hub_key("cam-1")
    [issued] = json.loads(run("certs", "list", "--json").output)
    assert run("certs", "revoke", issued["serial"]).output == f"Revoked {issued['serial']} of cam-1.\n"
    run("certs", "crl", "--out", str(tmp_path / "crl.pem"))
    [found] = read_lists((tmp_path / "crl.pem").read_bytes())
    assert found.get_revoked_certificate_by_serial_number(int(issued["serial"], 16)) is not None
    assert stat.S_IMODE((tmp_path / "crl.pem").stat().st_mode) == 0o644


def test_the_issuing_ca_is_replaced_and_the_earlier_one_dropped(run: Run) -> None:
    [first] = issuing(run)
    run("ca", "rotate")
    second, earlier = issuing(run)
    assert earlier == first
    with pytest.raises(Unknown):
        run("ca", "drop", second)
    assert run("ca", "drop", first).output == f"The issuing CA {first} is gone.\n"
    assert issuing(run) == [second]


def test_the_authority_is_shown_to_people(run: Run) -> None:
    roles = [line.split()[0] for line in run("ca", "show").output.splitlines()]
    assert roles == ["ROLE", "signs", "root"]


def test_keys_are_encrypted_and_the_root_goes_offline(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, stick = tmp_path / "passphrase", tmp_path / "root.key"
    write_atomically(secret, PASSPHRASE)
    run("ca", "encrypt", str(secret))
    with pytest.raises(AuthorityProblem, match="is encrypted"):
        run("ca", "show")

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    secret.rename(tmp_path / "ca-passphrase")
    run("ca", "root-export", str(stick))
    with pytest.raises(AuthorityProblem, match="kept offline"):
        run("ca", "rotate")
    run("ca", "rotate", "--root-key", str(stick))
    run("ca", "root-import", str(stick), "--passphrase", str(tmp_path / "ca-passphrase"))
    run("ca", "rotate")
    assert len(issuing(run)) == 3
