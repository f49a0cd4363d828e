from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import ProfileError
from hub.profiles.loader import (
    load_cases,
    load_profile,
    load_profiles,
    load_vocabulary,
    profile_folders,
    profile_names,
    profile_problems,
)

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = """
common:
  uptime_s: { type: int, unit: s, min: 0, max: 10, about: Uptime }
measurements:
  weather:
    temperature_c: { type: float, unit: Cel, min: -60, max: 80, about: Air }
    raining: { type: bool, about: Rain }
    state: { type: string, about: State }
"""
PROFILE = """
vendor: V
model: M
kind: sensor
about: A sensor
manual: { title: T, edition: "1" }
interval_s: 60
vitals: [weather.temperature_c]
own:
  door: { type: bool, about: A door }
mqtt:
  telemetry:
    time: { from: ts, unit: ms }
    readings:
      weather:
        temperature_c: t
        uptime_s: up
      own:
        door: d
  vendors:
    topics: ["x/{serial}/data"]
    readings:
      weather:
        state: s
modbus:
  groups:
    all:
      every_s: 10
      table: holding
      readings:
        weather:
          temperature_c: { at: 5, type: int16, scale: 0.1 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vocabulary.yaml").write_text(VOCABULARY)
    put(tmp_path, "v_m")
    return tmp_path


def put(folder: Path, name: str, content: str = PROFILE) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "profile.yaml").write_text(content)


def said(folder: Path, old: str, new: str) -> list[str]:
    """Return what is wrong with the profile once `old` is written as `new`, without the file's name."""
    assert PROFILE.count(old) == 1, old
    file = folder / "v_m" / "profile.yaml"
    file.write_text(PROFILE.replace(old, new))
    found = profile_problems(folder / "v_m", load_vocabulary(folder))
    assert all(sentence.startswith(str(file)) for sentence in found)
    return [sentence.removeprefix(str(file)) for sentence in found]


@pytest.mark.slow
def test_the_shipped_profiles_are_found_and_right() -> None:
    vocabulary, profiles = load_profiles()

    assert list(profiles) == profile_names()
    assert {"generic_environment", "generic_ipcamera", "generic_tracker"} <= set(profiles)
    assert [profile_problems(folder, vocabulary) for folder in profile_folders().values()] == [[]] * len(profiles)


def test_a_profile_is_a_folder_with_a_profile_in_it(folder: Path) -> None:
    (folder / "notes").mkdir()

    vocabulary, profiles = load_profiles(folder)

    assert vocabulary == load_vocabulary(folder)
    assert [profile.model for profile in profiles.values()] == ["M"]
    assert profile_names(folder) == ["v_m"]


def test_a_citys_own_profiles_stand_beside_the_others_and_shadow_none(folder: Path) -> None:
    put(folder / "own", "a_b")

    assert list(load_profiles(folder, folder / "own")[1]) == ["a_b", "v_m"]

    put(folder / "own", "v_m")
    with pytest.raises(ProfileError, match=r"own/v_m: there is a profile v_m that ships with the hub"):
        profile_names(folder, folder / "own")
    with pytest.raises(ProfileError, match=r"nowhere: there is no such folder; see \[profiles\] in the settings"):
        profile_names(folder, folder / "nowhere")


WRONG_KEYS = [
    ("vendor: V", "vendor: V\ncolour: red", ":3: colour: there is no such key"),
    ("interval_s: 60", "intervals: 60", ":7: intervals: there is no such key; did you mean interval_s?"),
    ("table: holding", "tabel: holding", ":29: modbus.groups.all.tabel: there is no such key; did you mean table?"),
    ("type: int16,", "typ: int16,", "temperature_c.typ: there is no such key; did you mean type?"),
    ("temperature_c: t", "temperature_c: { frm: t }", "temperature_c.frm: there is no such key; did you mean from?"),
    ('edition: "1"', "editon: '1'", ":6: manual.editon: there is no such key; did you mean edition?"),
    ("kind: sensor", "", ":1: kind: is missing"),
    ("kind: sensor", "kind: toaster", ":4: kind: Input should be 'cctv'"),
    ("interval_s: 60", "interval_s: 0", ":7: interval_s: Input should be greater than 0"),
    ('edition: "1"', "edition: 1", ":6: manual.edition: needs quotes: YAML reads it as 1"),
    ("uptime_s: up", "uptime_s: { from: up, map: { 1: 2 } }", "uptime_s.map.1: needs quotes: YAML reads it as 1"),
    ("      own:\n", "      Own:\n", "mqtt.telemetry.readings.Own: is no name: use small letters"),
    ("unit: ms", "unit: h", ":13: mqtt.telemetry.time.unit: Input should be 's'"),
    ("vendor: V", "vendor: [", " is not YAML: "),
    ("vendor: V", "vendor: 2026-13-45", ": is not YAML: "),
    ("model: M", "model: M\nvendor: W", ":4: vendor: this key stands twice"),
    (
        "        uptime_s: up",
        "        temperature_c: x",
        ":17: mqtt.telemetry.readings.weather.temperature_c: this",
    ),
    ("about: A sensor", "about: !!python/object:os.system x", " is not YAML: "),
]
VITALS, DOOR = "vitals: [weather.temperature_c]", "{ type: bool, about: A door }"
NUMBER = "{ type: int, unit: %s, min: 0, max: 1, about: N }"
IN_WEATHER = ":17: mqtt.telemetry.readings.weather"
WRONG_READINGS = [
    ("      weather:\n        temperature_c: t", "      wether:\n        temperature_c: t", "did you mean weather?"),
    ("uptime_s: up", "uptime: up", f"{IN_WEATHER}.uptime: no such reading; did you mean uptime_s?"),
    ("uptime_s: up", "zzz: up", f"{IN_WEATHER}.zzz: no such reading"),
    ("        door: d", "        dor: d", ":19: mqtt.telemetry.readings.own.dor: no such reading; did you mean door?"),
    (
        "        door: d",
        "        door: d\n      rain: { x: y }",
        ":20: mqtt.telemetry.readings.rain: no such measurement",
    ),
    (
        "          temperature_c: {",
        "          temp_c: {",
        "weather.temp_c: no such reading; did you mean temperature_c?",
    ),
    (VITALS, "vitals: [weather.raining]", ":8: vitals.0: weather.raining is not among the readings"),
    (VITALS, "vitals: [weather.temperatur_c]", "did you mean weather.temperature_c?"),
    (VITALS, "vitals: [weather.state, weather.state]", "vitals.1: weather.state stands twice"),
    (VITALS, "vitals: [Temp]", ":8: vitals.0: String should match pattern"),
    (DOOR, f"{DOOR}\n  lamp: {DOOR}", ":11: own.lamp: is defined but never read"),
    (DOOR, NUMBER % "kmh", "own.door.unit: there is no unit 'kmh' here; did you mean km/h?"),
    (DOOR, NUMBER % "snow", "those that are known stand in docs/profiles.md"),
]
WRONG_CONVERSIONS = [
    ("{ from: t, min: -61 }", "temperature_c.min: -61 is wider than the reading's own -60"),
    ("{ from: t, max: 99 }", "temperature_c.max: 99 is wider than the reading's own 80"),
    ("{ from: t, min: 5, max: 4 }", "temperature_c.min: leaves nothing between 5 and 4"),
    ("{ from: t, scale: 0 }", "temperature_c.scale: makes every value the same"),
    ("{ from: t, bit: 3 }", "temperature_c.bit: gives true or false, and this reading is a float"),
    ("{ from: t, map: { a: warm } }", "temperature_c.map.a: 'warm' is no float"),
    ("{ from: t, map: { a: true } }", "temperature_c.map.a: True is no float"),
    ("{ from: t, map: { a: 81 } }", "temperature_c.map.a: 81 is not in -60 ... 80 Cel"),
    ("{ from: t, bit: 1, map: { a: 1 } }", "bit and map exclude each other"),
    ("{ from: t, default: 900 }", "temperature_c.default: 900 is not in -60 ... 80 Cel"),
    ("{ from: t, default: cold }", "temperature_c.default: 'cold' is no float"),
    ("{ from: t, map: { a: 1 }, default: b }", "temperature_c.default: 'b' is not in the map"),
    ("{ from: t, separator: ';' }", "temperature_c.separator: is what a text is cut at"),
    ("{ from: t, at: 1 }", "temperature_c.at: belongs to binary, and the format is json"),
    ("{ from: t, type: int8 }", "temperature_c.type: belongs to binary, and the format is json"),
    ("{ from: t, little: true }", "temperature_c.little: belongs to binary, and the format is json"),
    ("{ scale: 2 }", "temperature_c.from: is missing"),
    ("$topic.1", "topics: what stands in the native topic is the device"),
    ("$topic.x", "temperature_c.from: a level of the topic is $topic.0"),
]
TIME = "time: { from: ts, unit: s }"
WRONG_MESSAGES = [
    (["format: text"], ["state: {}", "uptime_s: {}"], "readings: a text is one value, and 2 readings take it whole"),
    (["format: text"], ["state: s"], "state.from: has no meaning in a text"),
    (["format: text"], ["raining: {}"], "raining: needs a map or a bit to become true or false"),
    (["format: text", TIME], ["state: {}"], "time: a text holds no time"),
    (["format: senml", TIME], ["state: s"], "time: SenML has times of its own"),
    (["format: senml", "samples: x"], ["state: s"], "samples: belongs to JSON, and the format is senml"),
    (
        ["format: senml"],
        ["uptime_s: { from: t, scale: 60 }"],
        "uptime_s.unit: is missing: the number is scaled, so say",
    ),
    (["format: senml"], ["state: { from: t, unit: K }"], "state.unit: belongs to the numbers of SenML records"),
    ([], ["uptime_s: { from: t, unit: min }"], "uptime_s.unit: belongs to the numbers of SenML records"),
    (["format: binary"], ["uptime_s: { at: 1 }"], "uptime_s.type: is missing"),
    (["format: binary"], ["uptime_s: up"], "uptime_s.from: has no meaning in a binary"),
    (["format: binary"], ["state: { at: 1, type: int8 }"], "state: needs a map to become a text"),
    (["format: binary"], ["raining: { at: 1, type: float32, bit: 2 }"], "raining.bit: there are no bits in a float32"),
    (["format: binary"], ["uptime_s: { at: 1, type: int8, part: 2 }"], "uptime_s.part: belongs to texts"),
    (["when: { $topic.1: x }"], ["state: s"], "when.$topic.1: only readings may stand in the topic"),
    ([], ["state: $topic.3"], "state.from: no topic of this message has a level 3; they are counted from 0"),
    ([], ["state: { from: s, scale: 2 }"], "state.scale: belongs to numbers, and this reading is a string"),
]
WRONG_TOPICS = [
    ("x/data", "x/data holds none of {device}, {serial} and {imei}: two devices would share it"),
    ("x/{mac}", "x/{mac} there is no placeholder {mac}; use {device}, {serial} or {imei}"),
    ("x/{serial", "has a brace that belongs to no placeholder"),
    ("x/#/{serial}", "is no MQTT filter"),
    ("x+/{serial}", "is no MQTT filter"),
    ("{serial}/#", "has no level that is fixed"),
    ("x-{serial}/#", "has no level that is fixed"),
    ("$SYS/{serial}", "begins with $"),
    ("devices/{serial}/telemetry", "or with devices/, the hub's own"),
    ("+/{serial}/status", "reaches into the hub's own topics, such as devices/x/status"),
    ("devices/{device}/#", "or with devices/, the hub's own"),
    ("{device}/x/telemetry/#", "reaches into the hub's own topics, such as devices/x/telemetry"),
    ("+/{serial}/#", "has no level that is fixed"),
    ("", "is 1 to 200 printable characters"),
]
WRONG_MODBUS = [
    ("{ at: 5, type: bit }", "temperature_c.type: the table holding holds registers"),
    ("{ at: 5, type: bit }", "temperature_c.type: bit cannot give a reading of type float"),
    ("{ at: 5, type: string, length: 2 }", "temperature_c.type: string cannot give a reading of type float"),
    ("{ at: 5, type: string }", "length belongs to bcd and string"),
    ("{ at: 65535, type: int32 }", "temperature_c.at: is beyond the addresses"),
    ("{ at: 5, type: string, length: 2, bit: 1 }", "temperature_c.bit: there are no bits in a string"),
    ("{ at: 5, type: int16, dead_band: 1 }", "dead_band and silence_s go together"),
    ("{ at: 5, type: int16, max: 99 }", "temperature_c.max: 99 is wider"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG_KEYS + WRONG_READINGS)
def test_a_wrong_profile_is_named_with_the_line_and_what_was_meant(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    assert sentence in "\n".join(said(folder, old, new))


@pytest.mark.parametrize(("source", "sentence"), WRONG_CONVERSIONS)
def test_a_source_that_cannot_give_the_reading_is_refused(folder: Path, source: str, sentence: str) -> None:
    assert sentence in "\n".join(said(folder, "        temperature_c: t", f"        temperature_c: {source}"))


@pytest.mark.parametrize(("head", "readings", "sentence"), WRONG_MESSAGES)
def test_a_message_whose_format_does_not_allow_it_is_refused(
    folder: Path, head: list[str], readings: list[str], sentence: str
) -> None:
    spec = "".join(f"\n    {line}" for line in [*head, "readings:", "  weather:", *(f"    {one}" for one in readings)])

    assert sentence in "\n".join(said(folder, "\n    readings:\n      weather:\n        state: s", spec))


@pytest.mark.parametrize(("topic", "sentence"), WRONG_TOPICS)
def test_a_topic_that_two_devices_would_share_or_that_is_the_hubs_is_refused(
    folder: Path, topic: str, sentence: str
) -> None:
    (found,) = said(folder, "x/{serial}/data", topic)

    assert found.startswith(":21: mqtt.vendors.topics.0: ")
    assert sentence in found


@pytest.mark.parametrize(("register", "sentence"), WRONG_MODBUS)
def test_a_register_that_cannot_give_the_reading_is_refused(folder: Path, register: str, sentence: str) -> None:
    assert sentence in "\n".join(said(folder, "{ at: 5, type: int16, scale: 0.1 }", register))


def test_other_wrong_things_are_named(folder: Path) -> None:
    presence = 'presence: { topics: [x], from: $topic.1, online: ["1"], offline: ["0"] }\nmodbus:'
    limits = "modbus:\n  limits: { forbidden: ['1-2', x] }"

    assert "mqtt.vendors: needs topics; only telemetry and events" in said(folder, 'topics: ["x/{serial}/data"]', "")[0]
    assert [text.split(": ")[1] for text in said(folder, "modbus:", presence)] == ["presence.topics.0", "presence.from"]
    assert "'x' is no address and no span such as 100-119" in said(folder, "modbus:", limits)[0]
    assert "cannot mean both" in said(folder, "modbus:", presence.replace('["0"]', '["1"]'))[0]
    again = "modbus:\n  groups:\n    more:\n      every_s: 5\n      table: input\n      readings:\n        weather:\n"
    again += "          temperature_c: { at: 1, type: int16 }"
    assert "stands in the group more already" in said(folder, "modbus:\n  groups:", again)[0]
    assert "how shall the device be heard?" in said(folder, PROFILE[PROFILE.index("mqtt:") :], "")[0]


def test_all_that_is_wrong_is_told_in_the_order_of_the_file(folder: Path) -> None:
    found = said(folder, 'topics: ["x/{serial}/data"]', 'topics: [x, "y/{mac}"]')

    assert [text.split(": ")[1] for text in found] == ["mqtt.vendors.topics.0", "mqtt.vendors.topics.1"]


def test_the_first_thing_that_is_wrong_is_raised(folder: Path) -> None:
    put(folder, "Bad Name")

    with pytest.raises(ProfileError, match=r"the whole file: its folder 'Bad Name' is no name"):
        load_profile(folder / "Bad Name", load_vocabulary(folder))


@pytest.mark.parametrize(
    ("content", "message"), [(b"", ":1: the whole file: "), (b"\xff", ": is not YAML: "), (b"- 1", "the whole file: ")]
)
def test_a_file_that_holds_something_else_is_named(folder: Path, content: bytes, message: str) -> None:
    (folder / "vocabulary.yaml").write_bytes(content)

    with pytest.raises(ProfileError, match=message):
        load_vocabulary(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"vocabulary\.yaml: cannot be read: No such file or directory"):
        load_vocabulary(tmp_path)
    put(tmp_path, "v_m")
    (tmp_path / "v_m" / "profile.yaml").unlink()
    with pytest.raises(ProfileError, match=r"profile\.yaml: cannot be read"):
        load_profile(tmp_path / "v_m", load_vocabulary())


def test_cases_are_read_in_the_order_of_their_names_and_may_be_missing(folder: Path) -> None:
    assert load_cases(folder / "v_m") == {}

    (folder / "v_m" / "cases").mkdir()
    for name in ("b", "a"):
        (folder / "v_m" / "cases" / f"{name}.yaml").write_text(f"about: {name}\npayload: '{{}}'")

    assert [(file, case.about) for file, case in load_cases(folder / "v_m").items()] == [
        ("a.yaml", "a"),
        ("b.yaml", "b"),
    ]
