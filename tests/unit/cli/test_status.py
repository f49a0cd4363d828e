"""What `cityhub status` and `cityhub rejects` say, and the exit codes that scripts go by."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from hub.cli.context import Context
from hub.cli.status import Rejection, _letters, rejects, status
from hub.errors import CityhubError, SettingsError
from hub.model import Batch, DeadLetter
from hub.spool.store import Store
from hub.web.snapshot import Health
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]

HEALTH = Health(
    version="1.2.3", uptime_s=61.5, problems=[], devices=1200, broker_connected=True, broker_connections=2,
    messages=1000, messages_acknowledged=990, bytes=123_456, points_spooled=980, points_stored=970,
    spool_points=10, spool_bytes=2_000_000, commits=50, writes=40, write_failures=3,
    rejected={"bad_payload": 7},
)  # fmt: skip
UNWELL = HEALTH.model_copy(update={"problems": ["not connected to the broker: [Errno 111] refused"]})
RECEIVED = 1_790_000_000_000_000_000
SECOND = 1_000_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "cityhub.toml"
    file.touch()
    (tmp_path / "state").mkdir()
    return file


@pytest.fixture
def run(settings: Path) -> Run:
    """Runs a command with the settings; errors come out as they were raised."""
    app = typer.Typer()
    app.command()(status)
    app.command()(rejects)
    return lambda *words: CliRunner().invoke(
        app, words, obj=Context(settings), catch_exceptions=False, env={"COLUMNS": "200"}
    )


@contextmanager
def answering(settings: Path, body: bytes, code: int = 200) -> Iterator[None]:
    """Answer everything on the port of the settings."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        settings.write_text(f"[web]\nport = {server.server_port}\n")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def bury(settings: Path, *letters: DeadLetter, file: str = "spool.db") -> None:
    store = Store(settings.parent / "state" / file, 1000, 1000)
    store.commit(Batch(dead=list(letters)), [])
    store.close()


def letter(device: str = "cam", detail: str = "no JSON", payload: bytes = b"{") -> DeadLetter:
    return DeadLetter(RECEIVED, device, f"devices/{device}/telemetry", "bad_payload", detail, payload)


# --- status ---


@pytest.mark.parametrize(("health", "code", "word"), [(HEALTH, 0, "well"), (UNWELL, 3, "unwell")])
def test_the_exit_code_tells_whether_the_hub_is_well(
    run: Run, settings: Path, health: Health, code: int, word: str
) -> None:
    with answering(settings, health.model_dump_json().encode(), 200 if code == 0 else 503):
        for_people, for_machines = run("status"), run("status", "--json")

    assert (for_people.exit_code, for_machines.exit_code) == (code, code)
    assert Health.model_validate_json(for_machines.stdout) == health
    assert for_people.stdout.split()[:2] == ["hub", word]
    assert all(problem in for_people.stdout for problem in health.problems)
    assert "970 stored, 10 waiting (2.0 MB)" in for_people.stdout
    assert "bad_payload 7" in for_people.stdout


def test_a_hub_that_does_not_run_is_unwell(run: Run, settings: Path) -> None:
    settings.write_text(f"[web]\nport = {free_ports(1)[0]}\n")
    for_people, for_machines = run("status"), run("status", "--json")

    assert (for_people.exit_code, for_machines.exit_code) == (3, 3)
    assert for_people.stdout == ""
    assert for_people.stderr.startswith("no hub answers at 127.0.0.1:")
    assert for_people.stderr.endswith("; `cityhub up` starts it\n")
    assert json.loads(for_machines.stdout) == {"problems": [for_people.stderr.strip()]}


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"{}", b"", b'"\xff"'])
def test_another_server_on_the_port_is_no_hub(run: Run, settings: Path, body: bytes) -> None:
    with answering(settings, body):
        result = run("status")

    assert result.exit_code == 3
    assert "is not this hub; see web.port in " in result.stderr


def test_wrong_settings_are_wrong_usage_and_not_an_unwell_hub(run: Run, settings: Path) -> None:
    settings.unlink()
    with pytest.raises(SettingsError, match=r"cityhub\.toml does not exist; `cityhub init` writes one"):
        run("status", "--json")


# --- rejects ---


def test_before_the_first_start_nothing_was_rejected(run: Run) -> None:
    assert run("rejects").stdout == "Nothing was rejected.\n"
    assert run("rejects", "--json").stdout == ""


def test_rejects_are_listed_newest_first_with_the_reason(run: Run, settings: Path) -> None:
    bury(settings, letter("a"), letter("b", detail="bitrate is [red]"), letter("a", payload=b"12"))

    rows = [line.split() for line in run("rejects").stdout.splitlines()]

    assert rows[0] == ["received", "(UTC)", "device", "reason", "detail", "payload"]
    assert rows[1] == ["2026-09-21", "14:13:20", "a", "bad_payload", "no", "JSON", "12"]
    assert rows[2][2:] == ["b", "bad_payload", "bitrate", "is", "[red]", "{"]
    assert [row[2] for row in rows[1:]] == ["a", "b", "a"]


def test_rejects_can_be_narrowed(run: Run, settings: Path) -> None:
    bury(settings, *(letter(device, detail=str(number)) for number in range(3) for device in "ab"))

    narrowed = run("rejects", "--json", "--device", "b", "--limit", "2").stdout.splitlines()

    assert [(one["device"], one["detail"]) for one in map(json.loads, narrowed)] == [("b", "2"), ("b", "1")]


def test_what_the_history_refused_is_listed_among_the_rest_and_marked(run: Run, settings: Path) -> None:
    line = b"bandwidth_day,device=cam rx_bytes=1i 1\n"
    refused = [DeadLetter(RECEIVED + n * SECOND, "cam", "", "refused_by_database", str(n), line) for n in (1, 3, 5)]
    bury(settings, *refused, file="history.db")
    bury(settings, *(replace(letter(detail=str(n)), received_ns=RECEIVED + n * SECOND) for n in (0, 2, 4)))

    told = [json.loads(one) for one in run("rejects", "--json").stdout.splitlines()]

    assert [(one["detail"], one["history"]) for one in told] == [(str(n), n % 2 == 1) for n in (5, 4, 3, 2, 1, 0)]
    rows = run("rejects", "--limit", "2", "--device", "cam").stdout.splitlines()[1:]
    assert [row.split()[3:6] for row in rows] == [["refused_by_database", "(history)", "5"], ["bad_payload", "4", "{"]]
    assert run("rejects", "--device", "other").stdout == "Nothing was rejected.\n"


def test_machines_get_the_exact_payload_also_when_it_is_no_text(run: Run, settings: Path) -> None:
    bury(settings, letter(payload=b'{"a"\n'), letter(payload=b"\xff\0"))

    binary, text = map(json.loads, run("rejects", "--json").stdout.splitlines())

    expected = {
        "received_ns": RECEIVED, "device": "cam", "topic": "devices/cam/telemetry", "reason": "bad_payload",
        "detail": "no JSON", "payload": '{"a"\n', "history": False,
    }  # fmt: skip
    assert text == expected
    assert base64.b64decode(binary["payload_base64"]) == b"\xff\0"


@given(device=st.text(), detail=st.text(), payload=st.binary())
@example(device="\x1b[2J", detail=r"\[/bold]", payload=b"[/]\\[bold")
def test_nothing_that_a_device_sends_reaches_the_terminal_as_a_command(
    device: str, detail: str, payload: bytes
) -> None:
    console = Console(width=1000, color_system=None)
    with console.capture() as captured:
        console.print(_letters([Rejection(letter(device, detail, payload), history=False)]))

    assert all(char.isprintable() or char == "\n" for char in captured.get())


def test_markup_is_shown_as_it_was_sent(run: Run, settings: Path) -> None:
    bury(settings, letter(device="[red]x", detail=r"\[/bold]", payload=b"[link=x]y"))

    assert run("rejects").stdout.splitlines()[1].split()[2:] == ["[red]x", "bad_payload", r"\[/bold]", "[link=x]y"]


@pytest.mark.parametrize("file", ["spool.db", "history.db"])
def test_a_damaged_spool_is_named(run: Run, settings: Path, file: str) -> None:
    spool = settings.parent / "state" / file
    for content in (b"nonsense" * 1000, b""):
        spool.write_bytes(content)
        with pytest.raises(CityhubError, match=rf"{file} cannot be read: ") as caught:
            run("rejects")
        assert isinstance(caught.value.__cause__, sqlite3.Error)
