from __future__ import annotations

import string
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.errors import SettingsError
from hub.settings import FILE_NAME, Settings, load_settings
from hub.sinks.options import InfluxV1Options, InfluxV2Options

SECRET = "hunter2-correct-horse"  # noqa: S105 - stands in for one
BROKER = """
[broker]
host = "broker.city"
ca_file = "ca.pem"
cert_file = "hub.pem"
key_file = "/etc/cityhub/hub.key"
"""
INFLUX = f"""
[influxdb]
version = 2
url = "http://influx.city:8086"
token = "{SECRET}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def load(file: Path, text: str = "", **environment: str) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {f"CITYHUB_{name}": value for name, value in environment.items()})


def complaint(file: Path, text: str = "", **environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(file, text, **environment)
    return str(caught.value)


def test_an_empty_file_is_a_one_box_hub(file: Path) -> None:
    settings = load(file)

    assert (settings.broker, settings.influxdb) == (None, None)
    assert settings.file == file
    assert settings.city.timezone == "Asia/Jakarta"
    assert settings.registry_url == f"sqlite:///{file.parent}/state/registry.db"
    assert (settings.pki_dir, settings.spool_file) == (file.parent / "state/pki", file.parent / "state/spool.db")


def test_what_a_camera_is_set_to_is_said_by_its_profile_or_itself(file: Path) -> None:
    health = load(file, "[health.promises]\ncamera = { fps = 25 }\n[health.devices.cam-1]\nbitrate_bps = 9").health

    assert (health.promises["camera"].fps, health.devices["cam-1"].bitrate_bps) == (25, 9)


def test_paths_are_relative_to_the_file_wherever_the_hub_is_started(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        f'state_dir = "../var"\n{BROKER}{INFLUX.replace("token", "token_file")}[local_broker]\nprogram = "bin/mq"'
    )
    monkeypatch.chdir(file.parent)

    settings = load_settings(Path(FILE_NAME), {})

    assert settings.state_dir == file.parent / "../var"
    assert settings.broker is not None
    assert settings.broker.ca_file == file.parent / "ca.pem"
    assert settings.broker.key_file == Path("/etc/cityhub/hub.key")
    assert isinstance(settings.influxdb, InfluxV2Options)
    assert settings.influxdb.token_file == file.parent / SECRET
    assert settings.local_broker.program == file.parent / "bin/mq"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour = 1", "colour: there is no such key; known here: api, broker, bundle, city, "),
        ("state_dri = 'x'", "state_dri: there is no such key; did you mean state_dir?"),
        ("[brokr]", "brokr: there is no such key; did you mean broker?"),
        ("[spool]\nmax_megabytes = 1", "spool.max_megabytes: there is no such key; did you mean max_mb?"),
        ("[web]\nzzz = 1", "web.zzz: there is no such key; known here: host, port"),
        (INFLUX + "buket = 'x'", "influxdb.buket: there is no such key; did you mean bucket?"),
        ("file = 'x'", "file: there is no such key"),
        (BROKER.replace("host", "#host"), "broker.host: is missing"),
        (BROKER + "port = 0", "broker.port: Input should be greater than or equal to 1"),
        ("influxdb = 1", "influxdb: is a section with keys of its own, not a value"),
        (INFLUX.replace("version", "#version"), "influxdb: `version` says which InfluxDB it is: 1, 2 or 3"),
        (BROKER + "port = 'x'", "broker.port: Input should be a valid integer"),
        ("city = 'Bandung'", "city: is a section with keys of its own, not a value"),
        ("[city]\nname = ''", "city.name: String should have at least 1 character"),
        ("[city]\ntimezone = 'Asia/Purbalingga'", "city.timezone: is no time zone; Indonesia has Asia/Jakarta, "),
        ("[city]\ntimezone = 'Asia'", "city.timezone: is no time zone"),
        ("[city]\ntimezone = '../../etc/passwd'", "city.timezone: is no time zone"),
        (INFLUX.replace("version = 2", "version = 9"), "influxdb: `version` says which InfluxDB it is: 1, 2 or 3"),
        (INFLUX.replace("http://", f"http://u:{SECRET}@"), "influxdb.url: leave user name and password out"),
        (INFLUX + f"token_file = '{SECRET}'", "influxdb: give `token` or `token_file`, not both"),
        ("[pipeline]\ncommit_every_ms = nan", "pipeline.commit_every_ms: "),
        (
            "[health.devices.cam-1]\nbitrate = 1",
            "health.devices.cam-1.bitrate: there is no such key; did you mean bitr",
        ),
        ("[health.devices.cam-1]\nfps = 0", "health.devices.cam-1.fps: Input should be greater than 0"),
    ],
)
def test_what_is_wrong_is_said_with_file_key_and_remedy(file: Path, text: str, expected: str) -> None:
    said = complaint(file, text)

    assert said.startswith(f"{file}: {expected}")
    assert SECRET not in said


@pytest.mark.parametrize("text", ["state_dir = ", "[a]\n[a]", "x = " + "1" * 5000, f"token = {SECRET}"])
def test_what_is_not_toml_is_named_with_its_place(file: Path, text: str) -> None:
    said = complaint(file, text)

    assert said.startswith(f"{file} is not TOML: ")
    assert SECRET not in said


def test_a_missing_file_says_which_command_writes_one(file: Path) -> None:
    with pytest.raises(SettingsError, match=f"{FILE_NAME} does not exist; `cityhub init` writes one"):
        load_settings(file, {})


def test_what_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: "):
        load_settings(file.parent, {})

    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=f"{FILE_NAME} cannot be read: 'utf-8' codec"):
        load_settings(file, {})


def test_the_environment_replaces_keys_of_the_file_and_adds_to_them(file: Path) -> None:
    settings = load(
        file,
        BROKER,
        BROKER__PORT="8884",
        PIPELINE__COMMIT_EVERY_MS="2.5",
        CITY__NAME="Purbalingga",
        STATE_DIR="/srv/hub",
    )

    assert settings.broker is not None
    assert (settings.broker.port, settings.broker.host) == (8884, "broker.city")
    assert settings.pipeline.commit_every_ms == 2.5
    assert settings.city.name == "Purbalingga"
    assert settings.state_dir == Path("/srv/hub")


def test_a_server_may_be_named_by_the_environment_alone(file: Path) -> None:
    settings = load(file, INFLUXDB__VERSION="1", INFLUXDB__URL="http://influx.city:8086")

    assert isinstance(settings.influxdb, InfluxV1Options)


@pytest.mark.parametrize("password", ["123456", "true", "1_000", "1e5", "nan", "0x1F", " 7 ", '"quoted"', "a\n1"])
def test_a_password_in_the_environment_is_taken_as_it_is(file: Path, password: str) -> None:
    settings = load(
        file, "[influxdb]\nversion = 1\nurl = 'http://influx.city'\nusername = 'hub'", INFLUXDB__PASSWORD=password
    )

    assert isinstance(settings.influxdb, InfluxV1Options)
    assert settings.influxdb.password.get_secret_value() == password


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("BROKER__PORT", "0", "CITYHUB_BROKER__PORT: broker.port: Input should be greater than or equal to 1"),
        ("BROKER__PORT", "many", "CITYHUB_BROKER__PORT: broker.port: Input should be a valid integer"),
        ("BROKR__PORT", "1", "CITYHUB_BROKR__PORT: brokr: there is no such key; did you mean broker?"),
        ("BROKER__PROT", "1", "CITYHUB_BROKER__PROT: broker.prot: there is no such key; did you mean port?"),
        ("COLOUR", "red", "CITYHUB_COLOUR: colour: there is no such key"),
        ("CITY", "Bandung", "CITYHUB_CITY: city: is a section"),
        ("STATE_DIR__X", "1", "CITYHUB_STATE_DIR__X: state_dir: is no path; write one in quotes"),
        ("INFLUXDB__URL", "http://a", "CITYHUB_INFLUXDB__URL: influxdb: `version` says which"),
        ("BROKER__HOST__NAME", "x", "CITYHUB_BROKER__HOST__NAME: host is no section"),
        ("FILE", "x", "CITYHUB_FILE: file: there is no such key"),
        ("CITY__TIMEZONE", "Mars/Phobos", "CITYHUB_CITY__TIMEZONE: city.timezone: is no time zone"),
    ],
)
def test_a_wrong_variable_is_named(file: Path, variable: str, value: str, expected: str) -> None:
    assert expected in complaint(file, BROKER, **{variable: value})


def test_a_section_that_is_wrong_as_a_whole_is_the_files_when_the_file_has_a_part_in_it(file: Path) -> None:
    said = complaint(file, "[api]\ncert_file = 'a.pem'", API__PORT="8444")
    assert said.startswith(f"{file}: api: cert_file and key_file belong together")


def test_other_variables_and_the_one_that_names_the_file_are_left_alone(file: Path) -> None:
    file.write_text("")

    assert load_settings(file, {"HOME": "/root", "CITYHUB_CONFIG": "x", "MYCITYHUB_X": "1"}).file == file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BROKER, ("broker.city", 8883)),
        ("[local_broker]\nport = 9883", (gethostname(), 9883)),
        (BROKER + "[bundle]\nbroker_host = 'mqtt.city'\nbroker_port = 443", ("mqtt.city", 443)),
    ],
)
def test_devices_are_told_where_the_broker_is(file: Path, text: str, expected: tuple[str, int]) -> None:
    assert load(file, text).broker_address == expected


def test_settings_are_frozen(file: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(load(file), "city", None)  # noqa: B010 - mypy refuses the plain form, as it should


def test_no_secret_is_printed(file: Path) -> None:
    url = f"postgresql://hub:{SECRET}@db.city/cityhub"
    settings = load(file, INFLUX, REGISTRY__URL=url)

    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.registry_url == url


KEYS = st.sampled_from([*Settings.model_fields, "host", "port", "version", "url", "token", "name", "timezone", "zzz"])
WORDS = st.sampled_from(
    ["1", "0", "-1", "1.5", "nan", "true", "'x'", "'Asia/Jakarta'", "[]", "{}", "1979-05-27", "'http://a'"]
)
TEXT = st.text(string.printable, max_size=20).map(repr)
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, WORDS | TEXT),
    st.builds("[{}]".format, KEYS),
    st.builds("{}.{} = {}".format, KEYS, KEYS, WORDS),
)


@given(st.lists(LINES, max_size=6).map("\n".join) | st.text())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("[influxdb]\nversion = 1\nurl = 'http://a'")
def test_any_text_is_settings_or_an_error_that_names_the_file(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))

    try:
        settings = load_settings(file, {})
    except SettingsError as error:
        assert str(error).startswith(str(file))  # noqa: PT017 - settings are as good an end
    else:
        assert settings.state_dir.is_absolute()


ENVIRONMENT = st.dictionaries(
    st.lists(KEYS.map(str.upper) | st.text("AZ_", max_size=3), min_size=1, max_size=3).map(
        lambda parts: "CITYHUB_" + "__".join(parts)
    ),
    WORDS | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    max_size=4,
)


@given(ENVIRONMENT)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_environment_is_settings_or_an_error_that_names_a_variable_or_the_file(
    file: Path, environment: dict[str, str]
) -> None:
    file.write_text("")
    known: Any = (str(file), *environment)

    try:
        load_settings(file, environment)
    except SettingsError as error:
        assert str(error).startswith(known)  # noqa: PT017 - settings are as good an end
