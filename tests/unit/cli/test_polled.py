"""`cityhub device` with devices on Modbus, and what it asks of a running hub."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from hub.cli.device import register
from hub.settings import FILE_NAME
from provisioning.errors import InvalidIdentity
from tests.copies import write_copy
from tests.ports import free_ports
from tests.unit.cli.homes import commands, running, write_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.homes import Run

METER = ["device", "add", "m1", "--profile", "generic_ipcamera", "--modbus", "tcp://10.20.3.4:502"]
ANSWERED_NS = 1_790_000_000_000_000_000


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


APP = commands(register)


@pytest.fixture
def run(tmp_path: Path, port: int) -> Run:
    write_copy(tmp_path, write_home)
    (tmp_path / FILE_NAME).write_text(f"[web]\nport = {port}\n")
    return running(APP, tmp_path)


@contextmanager
def hub(port: int, status: int, body: object) -> Iterator[list[str]]:
    """Answer on loopback as a hub would; give the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield asked
        server.shutdown()


def polling(run: Run) -> object:
    return json.loads(run("device", "show", "m1", "--json").stdout)["polling"]


def test_a_device_is_registered_with_its_address(run: Run) -> None:
    assert run(*METER, "--unit", "7").stdout == "Registered m1. Next: cityhub device show m1\n"
    shown = json.loads(run("device", "show", "m1", "--json").stdout)
    assert (shown["modbus"], shown["unit"]) == ("tcp://10.20.3.4:502", 7)


def test_an_address_without_a_unit_is_refused(run: Run) -> None:
    with pytest.raises(InvalidIdentity, match="needs both an address and a unit"):
        run(*METER)


def test_without_a_hub_nobody_polls(run: Run) -> None:
    run(*METER, "--unit", "7")
    assert polling(run) == "not polled: the hub does not run"
    lines = run("device", "show", "m1").stdout.splitlines()
    assert any(line.split() == ["polling", "not", "polled:", "the", "hub", "does", "not", "run"] for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answered_ns", "fault", "words"),
    [
        (0, "", "no answer yet"),
        (0, "no answer within 1 s", "no answer within 1 s; no answer yet"),
        (ANSWERED_NS, "", "answers; last answer 2026-09-21 14:13:20 UTC"),
        (ANSWERED_NS, "it is busy", "it is busy; last answer 2026-09-21 14:13:20 UTC"),
    ],
)
def test_a_running_hub_says_how_it_answers(run: Run, port: int, answered_ns: int, fault: str, words: str) -> None:
    run(*METER, "--unit", "7")
    state: dict[str, Any] = {"device": "m1", "answered_ns": answered_ns, "failed_ns": 0, "fault": fault}
    with hub(port, 200, state) as asked:
        assert polling(run) == words
    assert asked == ["/devices/m1/modbus"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "not polled: the hub does not know it yet"), (200, "not polled: the hub does not run")],
)
def test_another_answer_is_no_state(run: Run, port: int, status: int, words: str) -> None:
    run(*METER, "--unit", "7")
    with hub(port, status, {"other": 1}):
        assert polling(run) == words
