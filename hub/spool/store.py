"""The spool's SQLite file: one connection, used by one thread; plain functions that are called there.

WAL with synchronous=FULL: a commit returns after fsync. SECURE_DELETE is off, for Debian compiles it in and it
doubles what is written. Deletions ride in the next insert's transaction.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import ExitStack, closing
from typing import IO, TYPE_CHECKING, Final

from hub.errors import CityhubError
from hub.model import Batch, DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE batches (position INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, lines BLOB NOT NULL);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ns INTEGER NOT NULL, device TEXT NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX dead_letters_device ON dead_letters (device, id);
PRAGMA user_version = 1;
"""
_BURY: Final = (
    "INSERT INTO dead_letters (received_ns, device, topic, reason, detail, payload) VALUES (?, ?, ?, ?, ?, ?)"
)
_TRIM: Final = "DELETE FROM dead_letters WHERE id <= (SELECT id FROM dead_letters ORDER BY id DESC LIMIT 1 OFFSET ?)"
_TRIM_DEVICE: Final = (
    "DELETE FROM dead_letters WHERE device = ?1 AND id <= "
    "(SELECT id FROM dead_letters WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"
)


class Store:
    """Every method is one transaction or one whole read. Not thread-safe: give it to one thread.

    Raises:
        CityhubError: the file cannot be opened, is no SQLite file, or is of another version.
    """

    def __init__(self, file: Path, max_dead: int, max_dead_per_device: int) -> None:
        self._max_dead = max_dead
        self._max_dead_per_device = max_dead_per_device
        with ExitStack() as opened:
            try:
                opened.enter_context(_lock(file))
                self._db = opened.enter_context(closing(_open(file)))
            except (OSError, sqlite3.Error) as error:
                raise CityhubError(f"the spool {file} cannot be opened: {error}; mend that or move it away") from error
            self._opened = opened.pop_all()

    def waiting(self) -> list[tuple[int, int, int]]:
        """Return (position, lines, bytes) of every batch on disk, oldest first."""
        return self._db.execute("SELECT position, count, length(lines) FROM batches ORDER BY position").fetchall()

    def commit(self, batch: Batch, released: Iterable[int]) -> int:
        """Insert a batch with its dead letters, delete what was released; returns the position, 0 without lines."""
        position = 0
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._delete(released)
            if batch.count:
                insert = "INSERT INTO batches (count, lines) VALUES (?, ?)"
                position = self._db.execute(insert, (batch.count, batch.lines)).lastrowid or 0
            self._bury(batch.dead)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return position

    def read(self, first: int, max_bytes: int) -> list[tuple[int, int, bytes]]:
        """Return (position, lines, text) from `first` on: as many as fit into `max_bytes`, but at least one."""
        rows: list[tuple[int, int, bytes]] = []
        size = 0
        query = "SELECT position, count, lines FROM batches WHERE position >= ? ORDER BY position"
        with closing(self._db.execute(query, (first,))) as cursor:
            for row in cursor:
                rows.append(row)
                size += len(row[2])
                if size >= max_bytes:
                    break
        return rows

    def close(self) -> None:
        """Close the file; the WAL is folded into it."""
        self._opened.close()

    def _delete(self, positions: Iterable[int]) -> None:
        self._db.executemany("DELETE FROM batches WHERE position = ?", [(position,) for position in positions])

    def _bury(self, dead: Sequence[DeadLetter]) -> None:
        if not dead:
            return
        rows = [(one.received_ns, one.device, one.topic, one.reason, one.detail, one.payload) for one in dead]
        self._db.executemany(_BURY, rows)
        devices = {one.device for one in dead}
        self._db.executemany(_TRIM_DEVICE, [(device, self._max_dead_per_device) for device in devices])
        self._db.execute(_TRIM, (self._max_dead,))


def _lock(file: Path) -> IO[bytes]:
    """Keep a second hub away: it would send, and release, what the first has in its hands."""
    path = file.with_name(f"{file.name}.lock")
    path.touch(mode=0o600, exist_ok=True)
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise CityhubError(f"another hub is using the spool {file}: stop it first") from error
    return lock


def _open(file: Path) -> sqlite3.Connection:
    file.touch(mode=0o600, exist_ok=True)
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=OFF", "wal_autocheckpoint=4000"):
            db.execute(f"PRAGMA {pragma}")
        _migrate(db, file)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, file: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
    elif version != _VERSION:
        raise CityhubError(f"{file} was written by another version of Cityhub (format {version}); move it away")


def read_dead_letters(file: Path, limit: int, device: str = "") -> list[DeadLetter]:
    """Return the newest dead letters, newest first, beside a running hub; none when there is no spool yet."""
    if not file.exists():
        return []
    where, values = ("WHERE device = ?", (device, limit)) if device else ("", (limit,))
    columns = "received_ns, device, topic, reason, detail, payload"
    # S608: `where` is one of the two texts above.
    query = f"SELECT {columns} FROM dead_letters {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
        return [DeadLetter(*row) for row in db.execute(query, values).fetchall()]
