"""What a device is given."""

from __future__ import annotations

import json
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from provisioning.bundle import bundle_files, write_folder, write_zip
from provisioning.errors import StorageProblem
from provisioning.issued import Issued, IssuedWithKey

if TYPE_CHECKING:
    from pathlib import Path

BROKER = ("hub.local", 8883)
SAMPLE = '{"temperature": 28.5}'
WITH_KEY = IssuedWithKey(b"leaf\n", b"issuing\n", b"root\n", b"key\n")
WITHOUT_KEY = Issued(b"leaf\n", b"issuing\n", b"root\n")


def files(issued: Issued = WITH_KEY) -> dict[str, bytes]:
    return bundle_files("cam-1", issued, broker=BROKER, sample=SAMPLE)


def test_a_bundle_holds_key_certificates_configuration_and_explanation() -> None:
    assert list(files()) == ["device.key", "device.pem", "ca.pem", "config.json", "README.txt"]
    assert files()["device.key"] == b"key\n"
    assert files()["device.pem"] == b"leaf\nissuing\n"
    assert files()["ca.pem"] == b"root\nissuing\n"


def test_a_key_born_on_the_device_is_not_in_the_bundle() -> None:
    assert list(files(WITHOUT_KEY)) == ["device.pem", "ca.pem", "config.json", "README.txt"]
    assert "The key was made on the device" in files(WITHOUT_KEY)["README.txt"].decode()


def test_the_configuration_names_broker_and_topics() -> None:
    def topic(name: str, *, retain: bool) -> dict[str, object]:
        return {"topic": f"devices/cam-1/{name}", "qos": 1, "retain": retain}

    assert json.loads(files()["config.json"]) == {
        "device": "cam-1",
        "client_id": "cam-1",
        "broker": {"host": "hub.local", "port": 8883, "tls": True, "protocols": ["MQTT 5", "MQTT 3.1.1"]},
        "files": {"key": "device.key", "certificate": "device.pem", "ca": "ca.pem"},
        "topics": {
            "write": [
                topic("telemetry", retain=False),
                topic("events", retain=False),
                topic("status", retain=True),
                topic("reported", retain=True),
                topic("replies", retain=False),
            ],
            "read": [
                topic("desired", retain=True),
                topic("commands/+", retain=False),
                topic("acks", retain=False),
            ],
        },
        "will": {"topic": "devices/cam-1/status", "qos": 1, "retain": True, "payload": "offline"},
    }


def test_the_explanation_speaks_both_languages_and_shows_the_command() -> None:
    text = files()["README.txt"].decode()
    assert "BAHASA INDONESIA" in text
    assert "ENGLISH" in text
    assert "device.key adalah rahasia" in text
    assert "mosquitto_pub -h hub.local -p 8883 --cafile ca.pem --cert device.pem --key device.key" in text
    assert "-t devices/cam-1/telemetry -m '{\"temperature\": 28.5}'" in text


def test_topics_of_the_vendors_own_are_named_and_stand_in_for_a_command_where_there_is_no_sample() -> None:
    issued, vendors = WITH_KEY, ["tele/cam-1/SENSOR", "S1/event/#"]
    made = bundle_files("cam-1", issued, broker=BROKER, sample="", vendors=vendors)

    written = json.loads(made["config.json"])["topics"]["write"]
    assert [one["topic"] for one in written[5:]] == vendors
    assert "\n\n    tele/cam-1/SENSOR\n    S1/event/#\n\n" in made["README.txt"].decode()
    assert "mosquitto_pub" not in made["README.txt"].decode()
    native = bundle_files("cam-1", issued, broker=BROKER, sample="")
    assert "\n\n    devices/cam-1/telemetry\n\n" in native["README.txt"].decode()


def test_a_zip_is_ours_alone_and_so_is_the_key_in_it(tmp_path: Path) -> None:
    write_zip(tmp_path / "cam-1.zip", files())
    assert stat.S_IMODE((tmp_path / "cam-1.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "cam-1.zip") as archive:
        modes = {entry.filename: stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()}
        content = {name: archive.read(name) for name in archive.namelist()}
    expected = dict.fromkeys(files(), 0o644) | {"device.key": 0o600}
    assert modes == expected
    assert content == files()


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write_zip(tmp_path / name, files())
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_folder_is_ours_alone_and_so_is_the_key_in_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "devices" / "cam-1", files())
    folder = tmp_path / "devices" / "cam-1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "device.key").stat().st_mode) == 0o600
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageProblem, match=r"missing/cam-1\.zip cannot be written"):
        write_zip(tmp_path / "missing" / "cam-1.zip", files())
    (tmp_path / "file").touch()
    with pytest.raises(StorageProblem, match="file cannot be made"):
        write_folder(tmp_path / "file", files())
