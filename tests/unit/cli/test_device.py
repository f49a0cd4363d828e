"""The commands that register devices and make what is given to them."""

from __future__ import annotations

import json
import stat
import time
import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hub.cli.device import check_profile, register, sample_payload
from hub.decode.messages import compile_profile
from hub.decode.watch import Watch
from hub.errors import UsageError
from provisioning.database import open_engine, writing
from provisioning.errors import AuthorityProblem, BadRequest, InvalidIdentity, ProvisioningError, Unknown, UnknownDevice
from provisioning.kept_keys import KEPT_NS, KeptKeys
from tests.copies import write_copy
from tests.shipped import PROFILES, VOCABULARY
from tests.unit.cli.homes import commands, running, write_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run

ADD = ["device", "add", "cam-1", "--profile", "generic_ipcamera", "--agency", "dishub", "--site", "pasar"]
ZONES = ["--zone", "traffic", "--zone", "crime"]
WHERE = ["--lat", "-7.307", "--lon", "109.362", "--name", "Gerbang utara", "--serial", "DS1"]
WELL = {"maintenance_until_ns": None, "maintenance_reason": None}


APP = commands(register)


def _city(home: Path) -> None:
    write_copy(home, write_home)
    run = running(APP, home)
    run("agency", "add", "dishub", "--name", "Dinas Perhubungan")
    run("site", "add", "pasar", "--agency", "dishub", "--lat", "-7.307", "--lon", "109.362")


def _camera(home: Path) -> None:
    write_copy(home, _city)
    running(APP, home)(*ADD, *ZONES, *WHERE)


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub with an agency and a site."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, _city)
    return running(APP, tmp_path)


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same, with a camera there."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, _camera)
    return running(APP, tmp_path)


def test_agencies_and_sites_are_added_and_listed(city: Run) -> None:
    assert json.loads(city("agency", "list", "--json").stdout) == [
        {"id": "dishub", "name": "Dinas Perhubungan", "approval_required": False}
    ]
    assert json.loads(city("site", "list", "--json").stdout) == [
        {"id": "pasar", "name": "", "agency": "dishub", "lat": -7.307, "lon": 109.362, **WELL}
    ]
    assert city("site", "list").stdout.splitlines() == [
        "ID     AGENCY  LAT     LON      NAME",
        "pasar  dishub  -7.307  109.362  -",
    ]


def test_contacts_are_added_changed_listed_and_removed(city: Run) -> None:
    city("contact", "add", "piket", "--agency", "dishub", "--name", "Budi", "--phone", "0812-3456-7890")
    city("contact", "update", "piket", "--phone", "+62 813 2222 3333")
    assert json.loads(city("contact", "list", "--json").stdout) == [
        {"id": "piket", "agency": "dishub", "name": "Budi", "phone": "+6281322223333"}
    ]
    city("contact", "remove", "piket")
    assert city("contact", "list").stdout.split() == ["ID", "AGENCY", "NAME", "PHONE"]


@pytest.mark.parametrize(
    ("agency", "phone", "error"), [("ghost", "0812345678", Unknown), ("dishub", "12", InvalidIdentity)]
)
def test_a_contact_of_nobody_or_without_a_number_is_refused(
    city: Run, agency: str, phone: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        city("contact", "add", "piket", "--agency", agency, "--name", "Budi", "--phone", phone)
    assert json.loads(city("contact", "list", "--json").stdout) == []


def test_adding_a_device_says_what_comes_next(city: Run) -> None:
    result = city(*ADD, *ZONES, *WHERE)
    assert result.stdout == "Registered cam-1. Next: cityhub device bundle cam-1\n"
    assert result.stderr == "New zone crime\nNew zone traffic\n"


def test_a_new_zone_that_resembles_an_old_one_is_pointed_out(camera: Run) -> None:
    result = camera("device", "add", "cam-2", "--profile", "generic_ipcamera", "--zone", "trafic")
    assert result.stderr == "New zone trafic; was traffic meant?\n"


def test_a_device_is_shown_with_all_its_fields(camera: Run) -> None:
    shown = json.loads(camera("device", "show", "cam-1", "--json").stdout)
    expected = {
        "id": "cam-1",
        "profile": "generic_ipcamera",
        "name": "Gerbang utara",
        "agency": "dishub",
        "site": "pasar",
        "zones": ["crime", "traffic"],
        "serial": "DS1",
        "imei": None,
        "lat": -7.307,
        "lon": 109.362,
        "parent": None,
        "modbus": None,
        "unit": None,
        "local_recording": False,
        **WELL,
        "lifecycle": "registered",
        "created_ns": shown["created_ns"],
        "updated_ns": shown["created_ns"],
        "maintenance_until_ns": None,
        "maintenance_reason": None,
        "certificates": [],
    }
    assert shown == expected


def test_adding_prints_the_device_as_json(city: Run) -> None:
    added = json.loads(city(*ADD, *ZONES, *WHERE, "--json").stdout)
    assert added | {"certificates": []} == json.loads(city("device", "show", "cam-1", "--json").stdout)


def test_a_device_is_shown_to_people_too(camera: Run) -> None:
    camera("device", "bundle", "cam-1")
    lines = camera("device", "show", "cam-1").stdout.splitlines()
    words = [line.split() for line in lines]
    assert ["zones", "crime,traffic"] in words
    assert ["lifecycle", "registered"] in words
    assert lines[-2].startswith("CERTIFICATE")


def test_devices_are_listed_by_zone(camera: Run) -> None:
    camera("device", "add", "gps-1", "--profile", "generic_tracker", "--zone", "disaster")
    assert [one["id"] for one in json.loads(camera("device", "list", "--json").stdout)] == ["cam-1", "gps-1"]
    assert camera("device", "list", "--zone", "disaster").stdout.splitlines() == [
        "ID     PROFILE          AGENCY  SITE  ZONES     LIFECYCLE   NAME",
        "gps-1  generic_tracker  -       -     disaster  registered  -",
    ]
    assert [one["id"] for one in json.loads(camera("zone", "list", "--json").stdout)] == [
        "crime",
        "disaster",
        "traffic",
    ]


def test_a_bundle_is_a_private_zip_with_a_key(camera: Run, tmp_path: Path) -> None:
    result = camera("device", "bundle", "cam-1")
    assert result.stdout.startswith("Wrote cam-1.zip.")
    assert stat.S_IMODE((tmp_path / "cam-1.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "cam-1.zip") as archive:
        assert archive.namelist() == ["device.key", "device.pem", "ca.pem", "config.json", "README.txt"]
        assert json.loads(archive.read("config.json"))["broker"]["port"] == 8883


def test_a_bundle_that_went_astray_is_made_once_more(camera: Run, tmp_path: Path) -> None:
    camera("device", "bundle", "cam-1")
    result = camera("device", "bundle", "cam-1", "--out", "again.zip")
    assert result.stdout.startswith(
        "The same key and certificate as before: no hub has heard cam-1 since.\nWrote again"
    )
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "cam-1.zip").read_bytes()
    assert len(json.loads(camera("device", "show", "cam-1", "--json").stdout)["certificates"]) == 1


def test_a_key_whose_day_is_over_is_gone_with_the_next_command(camera: Run, tmp_path: Path) -> None:
    camera("device", "bundle", "cam-1")
    engine = open_engine(tmp_path / "state" / "registry.db")
    with writing(engine) as connection:
        connection.exec_driver_sql(f"UPDATE kept_key SET kept_ns = kept_ns - {KEPT_NS}")
    camera("device", "list")
    assert KeptKeys(engine, time.time_ns).since() == {}
    engine.dispose()
    assert camera("device", "bundle", "cam-1", "--out", "again.zip").stdout.startswith("Wrote again.zip.")
    assert len(json.loads(camera("device", "show", "cam-1", "--json").stdout)["certificates"]) == 2


def test_a_bundle_for_a_request_holds_no_key(camera: Run, tmp_path: Path) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam-1")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    (tmp_path / "cam-1.csr").write_bytes(request.public_bytes(Encoding.PEM))
    camera("device", "bundle", "cam-1", "--csr", "cam-1.csr", "--out", "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["device.pem", "ca.pem", "config.json", "README.txt"]


def test_a_bundle_overwrites_nothing_and_issues_nothing_then(camera: Run, tmp_path: Path) -> None:
    (tmp_path / "cam-1.zip").write_bytes(b"a key in use")
    with pytest.raises(UsageError, match=r"cam-1\.zip is there already"):
        camera("device", "bundle", "cam-1")
    assert (tmp_path / "cam-1.zip").read_bytes() == b"a key in use"
    assert json.loads(camera("device", "show", "cam-1", "--json").stdout)["certificates"] == []


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["show", "cam-9"], UnknownDevice, "did you mean 'cam-1'"),
        (["bundle", "cam-9"], UnknownDevice, "did you mean 'cam-1'"),
        (["bundle", "../cam-1"], UnknownDevice, "did you mean 'cam-1'"),
        (["add", "cam-1", "--profile", "generic_ipcamera"], ProvisioningError, "exists already"),
        (["add", "cam-2", "--profile", "generic_ipcamera", "--site", "psar"], Unknown, "did you mean 'pasar'"),
        (["add", "cam-2", "--profile", "generic_ipcamra"], UsageError, "did you mean generic_ipcamera"),
        (["bundle", "cam-1", "--csr", "cityhub.toml"], BadRequest, "not a certificate signing request"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    camera: Run, words: list[str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        camera("device", *words)


def test_without_an_authority_there_is_no_bundle(camera: Run, tmp_path: Path) -> None:
    (tmp_path / "state" / "pki" / "issuing.key").unlink()
    with pytest.raises(AuthorityProblem, match=r"issuing\.key cannot be read"):
        camera("device", "bundle", "cam-1")


@pytest.mark.parametrize(
    "words", [["device", "add", "cam-1"], ["device", "fly"], ["device", "bundle", "x", "--csr", "no"]]
)
def test_wrong_usage_ends_with_two(city: Run, words: list[str]) -> None:
    assert city(*words).exit_code == 2


@pytest.mark.parametrize("group", ["device", "agency", "site", "zone"])
def test_each_group_explains_itself(city: Run, group: str) -> None:
    assert "list" in city(group, "--help").stdout


def test_an_unknown_profile_names_those_there_are() -> None:
    check_profile("generic_tracker")
    with pytest.raises(UsageError, match=r"there are .*generic_tracker"):
        check_profile("zzz")


def test_the_sample_of_each_shipped_profile_is_understood_by_its_decoder() -> None:
    samples = {name: sample_payload(VOCABULARY, profile) for name, profile in PROFILES.items()}
    now = time.time_ns()
    native = {name: sample.encode() for name, sample in samples.items() if sample}
    assert native.keys() >= {"generic_environment", "generic_ipcamera", "generic_tracker", "mikrotik_router"}
    for name, sample in native.items():
        decode = compile_profile(PROFILES[name], name, VOCABULARY, keep_ns=now)["telemetry"].bind("")
        assert decode(",device=d", sample, now, False, Watch("d", 0)).endswith(f" {now}\n")  # noqa: FBT003 - a decoder takes its arguments by position
