from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import ProfileError
from hub.profiles.loader import load_cases, load_profile, load_profiles, load_vocabulary, profile_names

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = """
common:
  uptime_s: { type: int, unit: s, min: 0, max: 10, about: Uptime }
measurements:
  weather:
    temperature_c: { type: float, unit: Cel, min: -60, max: 80, about: Air }
"""
PROFILE = """
vendor: V
model: M
kind: sensor
about: A sensor
manual: { title: T, edition: "1" }
interval_s: 60
mqtt:
  telemetry:
    time: { from: ts, unit: ms }
    readings:
      weather: { temperature_c: t, uptime_s: up }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vocabulary.yaml").write_text(VOCABULARY)
    (tmp_path / "v_m").mkdir()
    (tmp_path / "v_m" / "profile.yaml").write_text(PROFILE)
    return tmp_path


def test_the_shipped_profiles_are_found() -> None:
    names = profile_names()

    assert names == sorted(names)
    assert {"generic_environment", "generic_ipcamera", "generic_tracker", "eastron_sdm630", "onvif_events"} <= set(names)
    assert list(load_profiles()[1]) == profile_names()


def test_a_profile_is_a_folder_with_a_profile_in_it(folder: Path) -> None:
    (folder / "notes").mkdir()

    vocabulary, profiles = load_profiles(folder)

    assert vocabulary == load_vocabulary(folder)
    assert [profile.model for profile in profiles.values()] == ["M"]
    assert profile_names(folder) == ["v_m"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weather:", "wether:", "wether: no such measurement; did you mean weather?"),
        ("temperature_c:", "temperatur_c:", "temperatur_c: no such reading; did you mean temperature_c?"),
        ("temperature_c:", "zzz:", r"telemetry\.readings\.weather\.zzz: no such reading$"),
        ("interval_s: 60", "interval_s: 0", "interval_s: Input should be greater than 0"),
        ("kind: sensor", "kind: toaster", "kind: Input should be"),
        ("vendor: V", "vendor: V\ncolour: red", "colour: Extra inputs are not permitted"),
        ("unit: ms", "unit: h", r"mqtt\.telemetry\.time\.unit: "),
        ("vendor: V", "vendor: [", "is not YAML: "),
        ("vendor: V", "vendor: 2026-13-45", "is not YAML: "),
    ],
)
def test_a_wrong_profile_is_named_with_the_place_in_it(folder: Path, old: str, new: str, message: str) -> None:
    file = folder / "v_m" / "profile.yaml"
    file.write_text(PROFILE.replace(old, new))

    with pytest.raises(ProfileError, match=message) as caught:
        load_profile(folder / "v_m", load_vocabulary(folder))

    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "the whole file: "), (b"\xff", "is not YAML: "), (b"- 1", "the whole file: ")]
)
def test_a_file_that_holds_something_else_is_named(folder: Path, content: bytes, message: str) -> None:
    (folder / "vocabulary.yaml").write_bytes(content)

    with pytest.raises(ProfileError, match=message):
        load_vocabulary(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"vocabulary\.yaml: cannot be read: No such file or directory"):
        load_vocabulary(tmp_path)


def test_cases_are_read_in_the_order_of_their_names_and_may_be_missing(folder: Path) -> None:
    assert load_cases(folder / "v_m") == {}

    (folder / "v_m" / "cases").mkdir()
    for name in ("b", "a"):
        (folder / "v_m" / "cases" / f"{name}.yaml").write_text(f"about: {name}\npayload: '{{}}'")

    assert [(file, case.about) for file, case in load_cases(folder / "v_m").items()] == [
        ("a.yaml", "a"),
        ("b.yaml", "b"),
    ]
