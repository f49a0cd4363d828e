from __future__ import annotations

from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions

# The outermost validator decides whether errors repeat their input, so the settings that hold these set it too.
OPTIONS: TypeAdapter[SinkOptions] = TypeAdapter(SinkOptions, config=ConfigDict(hide_input_in_errors=True))
URL = "http://db.city.example:8086"


@pytest.mark.parametrize(("version", "expected"), [(1, InfluxV1Options), (2, InfluxV2Options), (3, InfluxV2Options)])
def test_the_version_chooses_the_kind_of_database(version: int, expected: type) -> None:
    assert type(OPTIONS.validate_python({"version": version, "url": URL})) is expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "http://hub:hunter2@db.city.example"}, "leave user name and password out of `url`"),
        ({"url": f"{URL}/?db=x"}, "`url` ends before `?`"),
        ({"url": f"{URL}/#x"}, "`url` ends before `?`"),
        ({"password": "hunter2", "password_file": "/x"}, "not both"),
        ({"version": 2, "token": "hunter2", "token_file": "/x"}, "not both"),
        ({"username": "a:b"}, "pattern"),
        ({"databse": "x"}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OPTIONS.validate_python({"version": 1, "url": URL} | changes)

    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_address_takes_a_path_behind_it() -> None:
    addresses = [InfluxV1Options.model_validate({"url": url}).address for url in (URL, f"{URL}/", f"{URL}/influx/")]

    assert addresses == [URL, URL, f"{URL}/influx"]


def test_secrets_do_not_print() -> None:
    options = OPTIONS.validate_python({"version": 2, "url": URL, "token": "hunter2"})

    assert "hunter2" not in repr(options)
