"""Small batches whose lines can be told apart, and a look at a spool from outside."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from hub.model import Batch, DeadLetter
from hub.spool.options import SpoolOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hub.spool.sqlite import SqliteSpool

OPTIONS = SpoolOptions(max_mb=1, reserve_mb=0)


def batch(*numbers: int, size: int = 0) -> Batch:
    """Return one line for each number, padded to `size` bytes at least."""
    lines = [f"m n={number}i {number}".encode().ljust(size, b" ") + b"\n" for number in numbers]
    return Batch(b"".join(lines), len(lines))


def numbers(lines: bytes) -> list[int]:
    """Return the numbers of the lines that `batch` wrote."""
    return [int(line.split()[2]) for line in lines.splitlines()]


def letter(device: str, number: int = 0) -> DeadLetter:
    return DeadLetter(number, device, f"devices/{device}/telemetry", "bad_payload", f"detail {number}", b"\x00{")


def lines_on_disk(file: Path) -> bytes:
    """Return the lines that an independent connection sees committed, in the order of their positions."""
    with closing(sqlite3.connect(file)) as db:
        return b"".join(lines for (lines,) in db.execute("SELECT lines FROM batches ORDER BY position"))


def on_disk(file: Path) -> list[int]:
    """Return the numbers of these lines."""
    return numbers(lines_on_disk(file))


def impatient(spool: SqliteSpool) -> None:
    """Let a spool that finds its file locked give up at once, instead of waiting ten seconds."""
    spool._store._db.execute("PRAGMA busy_timeout = 0")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep everybody else from writing to the file."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


def as_after_a_crash(file: Path, folder: Path) -> Path:
    """Copy what is on disk now, as a kill -9 would leave it; the shared memory beside it does not survive."""
    folder.mkdir()
    for part in (file, file.with_name(file.name + "-wal")):
        if part.exists():
            shutil.copy(part, folder / part.name)
    return folder / file.name


async def until(met: Callable[[], object]) -> None:
    """Let everything else run until the condition holds; the test's own time limit ends it."""
    while not met():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)
