from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import SettingsError
from hub.sinks.credentials import authorization
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.influx_v2 import InfluxV2Sink
from hub.sinks.options import InfluxV1Options, InfluxV2Options

if TYPE_CHECKING:
    from pathlib import Path

    from hub.sinks.base import Sink

URL = "http://127.0.0.1:8086"
WORDS = "open sesame"


def with_password_file(file: Path) -> InfluxV1Options:
    return InfluxV1Options(url=URL, username="hub", password_file=file)


def test_1x_is_greeted_with_basic() -> None:
    options = InfluxV1Options(url=URL, username="Aladdin", password=WORDS)

    # The example of RFC 7617, 2.
    assert authorization(options) == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}


def test_2x_and_3x_are_greeted_with_a_token() -> None:
    assert authorization(InfluxV2Options(url=URL, version=3, token=WORDS)) == {"Authorization": f"Token {WORDS}"}


@pytest.mark.parametrize("options", [InfluxV1Options(url=URL), InfluxV2Options(url=URL, version=2)])
def test_without_credentials_nothing_is_sent(options: InfluxV1Options | InfluxV2Options) -> None:
    assert authorization(options) == {}


def test_a_secret_file_may_end_its_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")

    assert authorization(InfluxV2Options(url=URL, version=2, token_file=file)) == {"Authorization": "Token abc"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory; create it"),
        (b"", "is empty; write the password into it"),
        (b"\n", "is empty; write the password into it"),
        (b"one\ntwo\n", "holds more than one line"),
        (b"\x00", "control character"),
        (b"\xff", "is not UTF-8 text"),
    ],
)
def test_an_unusable_secret_file_is_named_with_its_key(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        authorization(with_password_file(file))

    assert f"`password_file` {file}" in str(caught.value)
    assert message in str(caught.value)


def test_a_folder_is_no_secret_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        authorization(with_password_file(tmp_path))


def test_a_secret_with_a_line_break_is_refused_without_printing_it() -> None:
    with pytest.raises(SettingsError, match="`token` holds more than one line") as caught:
        authorization(InfluxV2Options(url=URL, version=2, token=f"{WORDS}\r\nX-Injected: 1"))

    assert WORDS not in str(caught.value)


async def test_a_sink_reads_its_secret_when_it_opens_and_not_before(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    sinks: list[Sink] = [
        InfluxV1Sink(with_password_file(missing)),
        InfluxV2Sink(InfluxV2Options(url=URL, version=2, token_file=missing)),
    ]

    for sink in sinks:
        with pytest.raises(SettingsError, match=str(missing)):
            await sink.open()
        await sink.close()
