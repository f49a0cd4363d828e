"""The log of a supervised program: private, bounded, and fit to be quoted to a person."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 4 * 2**20
_QUOTED_BYTES = 4096


def open_log(path: Path) -> int:
    """Open the log for reading and appending, created with mode 0600; returns a file descriptor."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def size(path: Path) -> int:
    """Return the size of the log in bytes; 0 when there is none yet."""
    return path.stat().st_size if path.exists() else 0


def trim(path: Path, limit: int = _LIMIT) -> None:
    """Drop the older part of a log of more than `limit` bytes; the newest half of `limit` stays.

    The program may go on writing meanwhile: it appends, so it needs not be told. Lines that it writes within the
    same millisecond can be lost.
    """
    with os.fdopen(open_log(path), "r+b") as log:
        if log.seek(0, os.SEEK_END) > limit:
            log.seek(-(limit // 2), os.SEEK_END)
            newest = log.read()
            log.truncate(0)
            log.write(newest)


def last_words(path: Path, since: int = 0, lines: int = 8) -> str:
    """Return the last lines that were written after byte `since`; empty when there are none.

    Programs quote what strangers sent them, so whatever could upset a terminal is replaced by `?`.
    """
    with os.fdopen(open_log(path), "r+b") as log:
        end = log.seek(0, os.SEEK_END)
        start = since if since <= end else 0  # it was trimmed since
        log.seek(max(start, end - _QUOTED_BYTES))
        text = log.read().decode(errors="replace").rstrip()
    return "\n".join(_harmless(line) for line in text.splitlines()[-lines:])


def _harmless(line: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in line)
