"""The commands with which one writes a profile, without a hub and without settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hub.cli.context import Context
from hub.cli.profile import register
from hub.cli.trial import read_registers
from hub.errors import ProfileError, UsageError
from hub.profiles.loader import profile_names
from hub.profiles.modbus import words_problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from hub.profiles.modbus import TableName

    Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder; errors come out as they were raised."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    register(app)
    context = Context(tmp_path / "cityhub.toml")
    return lambda *words: CliRunner().invoke(app, ("profile", *words), obj=context, catch_exceptions=False)


@pytest.fixture
def own(run: Run, tmp_path: Path) -> Path:
    """Return the folder of a new profile."""
    assert run("new", "davis_vantage", "--folder", "own").exit_code == 0
    return tmp_path / "own" / "davis_vantage"


def change(own: Path, old: str, new: str, file: str = "profile.yaml") -> None:
    content = (own / file).read_text()
    assert old in content
    (own / file).write_text(content.replace(old, new))


def test_the_profiles_that_ship_are_listed_and_shown(run: Run) -> None:
    assert [one["name"] for one in json.loads(run("list", "--json").stdout)] == profile_names()
    assert "generic_tracker" in run("list").stdout
    shown = run("show", "generic_environment").stdout
    assert [line.split() for line in shown.splitlines() if "water_level_m" in line][-1] == [
        *("devices/{device}/telemetry", "level", "water_level_m", "m", "level_cm"),
    ]
    assert json.loads(run("show", "generic_environment", "--json").stdout)["mqtt"]["telemetry"]["time"] == {
        "from": "ts",
        "unit": "ms",
    }


def test_registers_and_own_readings_and_what_is_not_confirmed_are_shown(run: Run, own: Path) -> None:
    commented = [line for line in (own / "profile.yaml").read_text().splitlines() if line.startswith("# modbus")]
    assert commented
    content = (own / "profile.yaml").read_text()
    (own / "profile.yaml").write_text(
        content[: content.index("# modbus")] + content[content.index("# modbus") :].replace("\n# ", "\n")[2:]
    )

    shown = run("show", "own/davis_vantage").stdout

    assert "not confirmed: Whether the temperature is the air's" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("holding")] == [
        *(["holding", "every", "10", "s", "weather", "temperature_c", "Cel", "0", "int16"],),
    ]


def test_a_new_profile_is_right_from_the_start(run: Run, own: Path) -> None:
    result = run("check", "own/davis_vantage")

    assert (result.stdout, result.exit_code) == ("davis_vantage: right, 2 cases\n", 0)
    assert (own / "profile.yaml").read_text().startswith("# yaml-language-server: $schema=")


WRONG = [
    ("profile.yaml", "interval_s: 60", "intervals: 60", "profile.yaml:13: intervals: there is no such key; did"),
    ("profile.yaml", "from: hum,", "from: hum, bit: 3,", "humidity_percent.bit: gives true or false, and this"),
    ("cases/usual.yaml", " temperature_c=28.5", " temperature_c=29", "usual.yaml: line 1 is `"),
    ("cases/usual.yaml", "about:", "abuot:", "usual.yaml:1: abuot: there is no such key; did you mean about?"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "sentence"), [(one[:3], one[3]) for one in WRONG])
def test_what_is_wrong_is_one_sentence_with_its_file(
    run: Run, own: Path, changed: tuple[str, str, str], sentence: str
) -> None:
    file, old, new = changed
    change(own, old, new, file)

    result = run("check", "own/davis_vantage")

    assert result.exit_code == 1
    assert sentence in result.stdout
    told = json.loads(run("check", "own/davis_vantage", "--json").stdout)
    assert told["profile"] == "davis_vantage"
    assert any(sentence in problem for problem in told["problems"])


def test_a_profile_without_cases_is_not_right(run: Run, own: Path) -> None:
    for case in (own / "cases").iterdir():
        case.unlink()

    assert "a profile without an example proves nothing" in run("check", "own/davis_vantage").stdout


def test_the_shipped_profiles_are_right_by_their_names(run: Run) -> None:
    assert run("check", "generic_tracker").stdout.startswith("generic_tracker: right, ")


@pytest.mark.usefixtures("own")
def test_a_payload_is_tried_and_its_readings_have_units(run: Run) -> None:
    result = run("try", "own/davis_vantage", "--payload", '{"temp": 21.5, "hum": 900}')

    assert result.exit_code == 1
    head, reading, rejected = result.stdout.splitlines()
    assert head.split() == ["MEASUREMENT", "READING", "VALUE", "UNIT", "TIME"]
    assert reading.split()[:4] == ["weather", "temperature_c", "21.5", "Cel"]
    assert rejected == "rejected (out_of_range): hum: 900 is not in 0 ... 100 %"


def test_what_is_tried_is_told_to_programs_too(run: Run) -> None:
    payload = json.dumps({"fps": 25, "recording": True, "firmware": 'a "b", c', "seq": 7}).encode().hex()
    tried = json.loads(run("try", "generic_ipcamera", "--payload-hex", payload, "--json").stdout)

    assert {one["reading"]: (one["value"], one["unit"]) for one in tried["readings"]} == {
        "fps": (25, "/s"),
        "recording": (True, ""),
        "firmware": ('a "b", c', ""),
        "seq": (7, "1"),
    }
    assert (tried["presence"], tried["rejected"]) == ("", [])


def test_registers_are_tried_as_they_stand_in_the_manual(run: Run) -> None:
    words = ("--registers", "input:0=0x4366, 0x3333", "--registers", "input:70=16968,0")

    rows = [line.split()[:4] for line in run("try", "eastron_sdm120", *words).stdout.splitlines()[1:]]

    assert rows == [["energy", "voltage_v", "230.1999969482422", "V"], ["energy", "frequency_hz", "50.0", "Hz"]]
    (tried,) = json.loads(run("try", "teltonika_rut", "--registers", "holding:205=2", "--json").stdout)["readings"]
    assert (tried["measurement"], tried["reading"], tried["value"]) == ("gateway_ext", "teltonika_rut_active_sim", 2)


def test_what_registers_may_not_hold_is_told_and_their_neighbours_are_read(run: Run) -> None:
    result = run("try", "teltonika_rut", "--registers", "holding:3=0,99,0,410", "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [one["value"] for one in told["readings"]] == [41]
    assert [one["reason"] for one in told["rejected"]] == ["out_of_range"]


def test_coils_and_discrete_inputs_are_tried_too(run: Run, own: Path) -> None:
    groups = {table: {"every_s": 10, "table": table, "readings": {"own": {table: {"at": 3, "type": "bit"}}}}
              for table in ("coil", "discrete")}  # fmt: skip
    bits = {table: {"type": "bool", "about": table} for table in groups}
    with (own / "profile.yaml").open("a") as file:
        file.write(f"own: {json.dumps(bits)}\nmodbus: {json.dumps({'groups': groups})}\n")

    tried = run("try", "own/davis_vantage", "--registers", "coil:2=0,1", "--registers", "discrete:3=0", "--json")

    values = {one["reading"]: one["value"] for one in json.loads(tried.stdout)["readings"]}
    assert values == {"davis_vantage_coil": True, "davis_vantage_discrete": False}


@given(st.text())
def test_whatever_is_typed_as_registers_is_read_or_refused(text: str) -> None:
    try:
        registers = read_registers([text])
    except UsageError:
        return
    assert [words_problem(table, *block) for table, held in registers.items() for block in held.items()] == [""]


@given(
    st.sampled_from(["holding", "input"]),
    st.integers(0, 65000),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125),
    st.sampled_from([str, hex]),
)
def test_registers_are_read_as_they_were_written(
    table: TableName, first: int, words: list[int], written: Callable[[int], str]
) -> None:
    assert read_registers([f"{table}:{first}={','.join(map(written, words))}"]) == {table: {first: words}}


def test_presence_retained_messages_and_what_is_ignored_are_told(run: Run, own: Path) -> None:
    status = run("try", "generic_ipcamera", "--topic", "devices/cam-1/status", "--payload", "online")
    assert status.stdout == "The device says that it is online.\n"
    retained = run("try", "generic_ipcamera", "--payload", '{"fps":1}', "--retained")
    assert "rejected (bad_time): a retained message without a time of its own" in retained.stdout
    change(own, "    time:", '    topics: ["vendor/{serial}/#"]\n    when: { kind: report }\n    time:')
    ignored = run("try", "own/davis_vantage", "--topic", "vendor/S1/x", "--payload", "{}")
    assert (ignored.stdout.startswith("Nothing is stored of it"), ignored.exit_code) == (True, 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "generic_ipcamer"], "is no folder and no profile; did you mean generic_ipcamera?"),
        (["show", "zzz"], "zzz is no folder and no profile$"),
        (["try", "generic_ipcamera"], "give one of --payload, --payload-hex and --registers"),
        (["try", "generic_ipcamera", "--payload", "1", "--registers", "coil:0=1"], "give one of --payload, --pay"),
        (["try", "generic_ipcamera", "--registers", "coil:0=1"], "this profile reads no registers: give --payload"),
        (["try", "teltonika_rut", "--registers", "holding:1=5"], "`cityhub profile show teltonika_rut` tells where"),
        (["try", "teltonika_rut", "--registers", "holding"], "holding: write it as holding:0=230,1, numbers dec"),
        (["try", "teltonika_rut", "--registers", "holding:1=x"], "holding:1=x: write it as holding:0=230,1"),
        (["try", "teltonika_rut", "--registers", "holding:1="], "holding:1=: write it as holding:0=230,1"),
        (["try", "teltonika_rut", "--registers", "coils:1=1"], "begins with one of holding, input, coil, discrete"),
        (["try", "teltonika_rut", "--registers", "coil:1=2"], "coil:1=2: coil 1: 2 is not in 0 ... 1$"),
        (["try", "teltonika_rut", "--registers", "input:1=65536"], "input 1: 65536 is not in 0 ... 65535"),
        (["try", "teltonika_rut", "--registers", "input:65537=1"], "input 65537: is beyond the addresses"),
        (["try", "teltonika_rut", "--registers", "input:1=1,2", "--registers", "input:2=3"], "input 2 is given twice"),
        (["try", "generic_ipcamera", "--payload", "1", "--payload-hex", "31"], "give one of --payload"),
        (["try", "generic_ipcamera", "--payload-hex", "3"], "takes two hexadecimal digits a byte"),
        (["try", "generic_ipcamera", "--topic", "x", "--payload", "1"], "say nothing on x; they speak on devices/"),
        (["new", "Davis"], "'Davis' is no name"),
        (["new", "generic_ipcamera"], "ships with the hub; choose another name"),
        (["new", "davis_vantage", "--folder", "own"], "own/davis_vantage is there already"),
        (["new", "other", "--folder", "/proc"], "/proc/other cannot be written"),
    ],
)
@pytest.mark.usefixtures("own")
def test_wrong_usage_is_told(run: Run, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(*words)


@pytest.mark.usefixtures("own")
def test_the_citys_own_profiles_are_known_where_the_settings_name_their_folder(run: Run, tmp_path: Path) -> None:
    assert "davis_vantage" not in run("list").stdout
    (tmp_path / "cityhub.toml").write_text('[profiles]\nfolder = "own"\n')

    assert "davis_vantage" in run("list").stdout
    assert run("check", "davis_vantage").exit_code == 0

    (tmp_path / "own" / "davis_vantage").rename(tmp_path / "own" / "generic_tracker")
    with pytest.raises(ProfileError, match="there is a profile generic_tracker that ships with the hub"):
        run("list")


def test_the_schema_is_printed_for_editors(run: Run) -> None:
    schema = json.loads(run("schema").stdout)

    assert schema["title"] == "Cityhub device profile"
    assert "mqtt" in schema["properties"]
