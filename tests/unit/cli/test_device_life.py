"""The commands by which devices get in with a code, and get out."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from hub.cli.certificate import register as register_certificates
from hub.cli.device import register as register_devices
from hub.cli.device_life import register, register_agencies
from hub.errors import UsageError
from provisioning.approvals import Pending
from provisioning.ca import Authority
from provisioning.claim_code import ClaimText, parse_claim_text
from provisioning.claims import Claims
from provisioning.database import open_engine
from provisioning.errors import Refused, WrongState
from provisioning.issued import Issued
from tests.copies import write_copy
from tests.unit.cli.homes import ADDRESS, commands, running, write_home
from tests.unit.provisioning.life import fresh_key, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.homes import Run


APP = commands(
    register_devices, register_certificates, groups={"device-life": register, "agency-life": register_agencies}
)


def _city(home: Path) -> None:
    write_copy(home, write_home, ADDRESS)
    run = running(APP, home)
    run("agency", "add", "dishub")
    run("agency", "add", "satpolpp")
    run("device", "add", "cam-1", "--profile", "generic_ipcamera", "--agency", "dishub", "--serial", "DS1")


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub with a camera."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, _city)
    return running(APP, tmp_path)


@pytest.fixture
def claims(tmp_path: Path, city: Run) -> Iterator[Claims]:
    del city
    engine = open_engine(tmp_path / "state" / "registry.db")
    yield Claims(engine, Authority.load(tmp_path / "state" / "pki", clock=time.time_ns), time.time_ns)
    engine.dispose()


def test_a_claim_code_is_shown_with_the_text_of_its_sticker(city: Run, claims: Claims) -> None:
    shown = json.loads(city("device-life", "claim", "cam-1", "--days", "3", "--json").output)
    sticker = parse_claim_text(shown["text"])
    assert sticker == ClaimText("cam-1", "hub.local", 8443, shown["code"])
    assert isinstance(claims.redeem(sticker.code, request(fresh_key(), "cam-1")), Issued)


def test_a_claim_code_is_shown_to_people(city: Run) -> None:
    code, sticker, warning = city("device-life", "claim", "cam-1").output.splitlines()
    assert code.split()[1] in sticker
    assert warning == "Whoever has it can become cam-1, for 14 days."


def test_claims_are_listed_without_their_codes(city: Run) -> None:
    shown = json.loads(city("device-life", "claim", "cam-1", "--json").output)
    listed = city("device-life", "claims").output
    assert listed.splitlines()[1].split()[0] == "cam-1"
    assert shown["code"] not in listed + city("device-life", "claims", "--json").output


def test_a_code_can_be_withdrawn(city: Run, claims: Claims) -> None:
    code = claims.create("cam-1")
    assert city("device-life", "unclaim", "cam-1").output == "The code of cam-1 is void.\n"
    assert city("device-life", "unclaim", "cam-1").output == "cam-1 had no code.\n"
    with pytest.raises(Refused):
        claims.redeem(code, request(fresh_key(), "cam-1"))


def test_an_operator_approves(city: Run, claims: Claims) -> None:
    city("agency-life", "approval", "dishub", "--required")
    code, csr = claims.create("cam-1"), request(fresh_key(), "cam-1")
    assert claims.redeem(code, csr) == Pending()
    device, agency, key, *_ = city("device-life", "waiting").output.splitlines()[1].split()
    assert (device, agency) == ("cam-1", "dishub")
    with pytest.raises(UsageError, match="does not wait with the key 00000000"):
        city("device-life", "approve", "cam-1", "00000000")
    with pytest.raises(UsageError, match="too short"):
        city("device-life", "approve", "cam-1", key[:7])
    city("device-life", "approve", "cam-1", key)
    assert isinstance(claims.redeem(code, csr), Issued)


def test_an_operator_refuses(city: Run, claims: Claims) -> None:
    city("agency-life", "approval", "dishub", "--required")
    code, csr = claims.create("cam-1"), request(fresh_key(), "cam-1")
    claims.redeem(code, csr)
    [waiting] = json.loads(city("device-life", "waiting", "--json").output)
    city("device-life", "refuse", "cam-1", waiting["key_fingerprint"], "--reason", "nobody ordered it")
    with pytest.raises(Refused, match="nobody ordered it"):
        claims.redeem(code, csr)


def test_an_agency_may_do_without_approvals(city: Run, claims: Claims) -> None:
    city("agency-life", "approval", "dishub", "--required")
    assert city("agency-life", "approval", "dishub", "--not-required").output == "Claims of dishub need no approval.\n"
    assert isinstance(claims.redeem(claims.create("cam-1"), request(fresh_key(), "cam-1")), Issued)


def test_a_device_is_revoked(city: Run, claims: Claims) -> None:
    assert city("device-life", "revoke", "cam-1").output == "cam-1 had no certificate to revoke.\n"
    claims.redeem(claims.create("cam-1"), request(fresh_key(), "cam-1"))
    said = city("device-life", "revoke", "cam-1", "--reason", "key_compromise", "--note", "stolen").output
    [issued] = json.loads(city("certs", "list", "--device", "cam-1", "--json").output)
    assert said == f"Revoked 1 of cam-1: {issued['serial']}\n"
    assert issued["reason"] == "key_compromise"


def test_a_device_is_handed_over_replaced_and_retired(city: Run) -> None:
    assert city("device-life", "transfer", "cam-1", "satpolpp").output == "cam-1 belongs to satpolpp now.\n"
    assert "has the serial number DS9 now" in city("device-life", "replace", "cam-1", "--serial", "DS9").output
    assert city("device-life", "retire", "cam-1").output.startswith("cam-1 is retired.\n")
    device = json.loads(city("device", "show", "cam-1", "--json").output)
    assert (device["agency"], device["serial"], device["lifecycle"]) == ("satpolpp", "DS9", "retired")
    with pytest.raises(WrongState):
        city("device-life", "claim", "cam-1")


def test_a_device_goes_into_the_workshop_and_back(city: Run) -> None:
    assert city("device-life", "lifecycle", "cam-1", "maintenance").output == "cam-1 is maintenance now.\n"
    city("device-life", "lifecycle", "cam-1", "active")
    assert json.loads(city("device", "show", "cam-1", "--json").output)["lifecycle"] == "active"


def test_a_retired_device_is_registered_again(city: Run) -> None:
    city("device-life", "retire", "cam-1")
    city("device-life", "lifecycle", "cam-1", "registered")
    city("device-life", "claim", "cam-1")


def test_retiring_is_no_mere_change_of_state(city: Run) -> None:
    with pytest.raises(UsageError, match="cityhub device retire cam-1"):
        city("device-life", "lifecycle", "cam-1", "retired")


def test_what_is_shown_of_a_device_tells_which_certificates_were_revoked(city: Run) -> None:
    city("device", "bundle", "cam-1", "--out", "bundle.zip")
    city("device-life", "revoke", "cam-1", "--reason", "superseded")
    heading, line = city("device", "show", "cam-1").output.splitlines()[-2:]
    assert heading.split() == ["CERTIFICATE", "UNTIL", "REVOKED", "REASON"]
    assert line.split()[3] == "superseded"
