from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.local.logfile import last_words, open_log, size, trim


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    os.close(open_log(path))
    return path


def test_a_log_is_private_from_its_first_byte(log: Path) -> None:
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_is_appended_to(log: Path) -> None:
    log.write_text("before\n")
    descriptor = open_log(log)
    os.write(descriptor, b"after\n")
    os.close(descriptor)
    assert log.read_text() == "before\nafter\n"


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert size(tmp_path / "absent.log") == 0


def test_the_last_lines_are_quoted(log: Path) -> None:
    log.write_text("one\ntwo\nthree\n\n")
    assert last_words(log, lines=2) == "two\nthree"


def test_lines_of_an_earlier_start_are_not_quoted(log: Path) -> None:
    log.write_text("earlier\n")
    since = size(log)
    log.write_text("earlier\nport in use\n")
    assert last_words(log, since) == "port in use"


def test_a_log_that_was_trimmed_since_is_quoted_all_the_same(log: Path) -> None:
    log.write_text("port in use\n")
    assert last_words(log, since=1000) == "port in use"


def test_what_could_upset_a_terminal_is_not_quoted(log: Path) -> None:
    log.write_bytes(b"Client \x1b[2Jevil\x07 refused\n")
    assert last_words(log) == "Client ?[2Jevil? refused"


@given(content=st.binary(max_size=6000), since=st.integers(0, 7000), lines=st.integers(1, 10))
def test_any_bytes_yield_a_few_printable_lines(content: bytes, since: int, lines: int) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        log.write_bytes(content)
        quoted = last_words(log, since, lines).split("\n")
    assert len(quoted) <= lines
    assert all(line.isprintable() for line in quoted)


def test_a_log_within_its_bound_is_left_alone(log: Path) -> None:
    log.write_bytes(b"x" * 100)
    trim(log, limit=100)
    assert log.read_bytes() == b"x" * 100


def test_a_log_beyond_its_bound_keeps_its_newest_part(log: Path) -> None:
    log.write_bytes(b"old" * 50 + b"n" * 50)
    trim(log, limit=100)
    assert log.read_bytes() == b"n" * 50


def test_a_program_that_has_the_log_open_goes_on_at_its_new_end(log: Path) -> None:
    descriptor = open_log(log)
    os.write(descriptor, b"o" * 150)
    trim(log, limit=100)
    os.write(descriptor, b"new")
    os.close(descriptor)
    assert log.read_bytes() == b"o" * 50 + b"new"
