"""`cityhub demo` as a newcomer starts it, with a small city; and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.cli.status import ask
from hub.errors import CityhubError
from hub.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = (
    *("--cctv", "8", "--trackers", "4", "--sensors", "4", "--rate", "5"),
    *("--meters", "4", "--upses", "2", "--gauges", "2"),
)
DEVICES = 16
UNITS = 8
"""One of them is dead."""
CHILDREN = 4
"""Broker, database, devices, and units."""
KEYS = [
    "devices",
    "connected",
    "published",
    "acknowledged",
    "stored",
    "lost",
    "rejected",
    "latency_p50_ms",
    "latency_p99_ms",
    "units",
    "answering",
    "polled",
    "invented",
]

pytestmark = pytest.mark.slow


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo with `folder` as the place for temporary files; it is killed if the test leaves it running."""
    with (
        (folder / "stderr").open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "hub", "demo", *SMALL, *arguments],
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str]) -> str:
    """Return what it wrote on stdout until it ended."""
    output, _ = process.communicate(timeout=240)
    return output


def children(folder: Path) -> list[str]:
    """Return the command lines of all processes that were told something in `folder`: broker, database, city."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(f"{folder}/") for word in words):
            found.append(" ".join(words))
    return found


def wait_until(true: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, (children(folder), (folder / "stderr").read_text())
        time.sleep(0.02)


def in_full_swing(folder: Path) -> bool:
    """Whether each device holds a connection, and the hub has heard some hundred messages."""
    for file in folder.glob("cityhub-demo-*/cityhub.toml"):
        settings = load_settings(file, {})
        with suppress(CityhubError):
            return _connections(settings.local_broker.port) >= DEVICES and ask(settings).messages >= 20 * DEVICES
    return False


def _connections(port: int) -> int:
    """Count the connections to a port of 127.0.0.1, as the kernel lists them (proc(5): 01 is ESTABLISHED)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local == f"0100007F:{port:04X}" and state == "01" for _, local, _, state, *_ in rows)


def left_behind(folder: Path) -> tuple[list[str], list[Path]]:
    return children(folder), list(folder.glob("cityhub-demo-*"))


def test_it_stores_all_that_was_acknowledged_and_says_so_in_one_json_object(tmp_path: Path) -> None:
    with started(tmp_path, "--seconds", "20", "--json") as process:
        output = finished(process)
    assert process.returncode == 0, (tmp_path / "stderr").read_text()
    assert output.count("\n") == 1
    outcome = json.loads(output)
    assert list(outcome) == KEYS
    assert (outcome["devices"], outcome["connected"], outcome["lost"]) == (DEVICES, DEVICES, 0)
    assert outcome["stored"] > outcome["acknowledged"] > 0
    assert outcome["published"] >= outcome["acknowledged"]
    assert outcome["rejected"] > 0
    assert 0 < outcome["latency_p50_ms"] <= outcome["latency_p99_ms"]
    assert (outcome["units"], outcome["answering"], outcome["invented"]) == (UNITS, UNITS - 1, 0)
    assert outcome["polled"] >= UNITS - 1
    assert left_behind(tmp_path) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_stops_it_in_order_and_it_still_accounts(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--json") as process:
        wait_until(lambda: in_full_swing(tmp_path), tmp_path)
        process.send_signal(number)
        outcome = json.loads(finished(process))
    assert process.returncode == 0, (tmp_path / "stderr").read_text()
    assert (outcome["connected"], outcome["lost"]) == (DEVICES, 0)
    assert left_behind(tmp_path) == ([], [])


def test_a_signal_while_it_prepares_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path, "--json", "--cctv", "500") as process:
        wait_until(lambda: bool(list(tmp_path.glob("cityhub-demo-*/devices.json"))), tmp_path)
        process.send_signal(signal.SIGINT)
        assert finished(process) == ""
    assert process.returncode == 1
    assert "stopped before anything was counted" in (tmp_path / "stderr").read_text()
    assert left_behind(tmp_path) == ([], [])


def test_two_signals_end_it_at_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path, "--json") as process:
        wait_until(lambda: len(children(tmp_path)) == CHILDREN, tmp_path)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        finished(process)
    assert "Traceback" not in (tmp_path / "stderr").read_text()
    assert left_behind(tmp_path) == ([], [])


def test_killed_with_9_it_takes_broker_database_and_city_with_it(tmp_path: Path) -> None:
    with started(tmp_path, "--json") as process:
        wait_until(lambda: len(children(tmp_path)) == CHILDREN, tmp_path)
        process.kill()
    wait_until(lambda: not children(tmp_path), tmp_path)


def test_a_folder_that_was_named_is_kept(tmp_path: Path) -> None:
    with started(tmp_path, "--seconds", "10", "--dir", str(tmp_path / "purbalingga")) as process:
        output = finished(process)
    assert process.returncode == 0, (tmp_path / "stderr").read_text()
    assert output.splitlines()[0].split() == ["devices", str(DEVICES)]
    assert (tmp_path / "purbalingga" / "cityhub.toml").exists()
    assert (tmp_path / "purbalingga" / "devices" / "cam-bobotsari-01" / "device.key").stat().st_mode & 0o777 == 0o600
    assert children(tmp_path) == []


def test_a_city_without_devices_is_refused(tmp_path: Path) -> None:
    with started(tmp_path, "--cctv", "0", "--trackers", "0", "--sensors", "0") as process:
        finished(process)
    assert process.returncode == 2
    assert "ask for one at least" in (tmp_path / "stderr").read_text()
