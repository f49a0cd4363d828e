"""Opening the database that the registry and its neighbours share."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PRAGMAS = (
    "busy_timeout = 5000",  # first: the switch to WAL below may already have to wait for another process
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",  # a kept key is overwritten when it is deleted
)

_SNAPSHOT = {"isolation_level": "REPEATABLE READ"}  # PostgreSQL's default shows each statement a later moment


def open_engine(where: str | Path) -> Engine:
    """Open a database for this process; nothing is created but an empty SQLite file, mode 0600.

    A SQLite file may be used by several processes at once: readers see a consistent snapshot, writers wait
    for each other up to five seconds. Dispose of the engine when done.

    Args:
        where: an SQLAlchemy URL, or the path of a SQLite file.

    Raises:
        StorageProblem: not a URL of a known database, or the file cannot be created.
    """
    url = _url(where)
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StorageProblem(f"The database {url!r} cannot be opened: {error}. Check the registry's URL.") from error
    if url.get_backend_name() == "sqlite":
        _create_private(url)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Read one consistent snapshot.

    Raises:
        StorageProblem: the database is away, damaged, or lacks its tables.
    """
    options = {} if engine.dialect.name == "sqlite" else _SNAPSHOT
    with _storage(engine), engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that writes: committed at the end of the block, undone when the block raises.

    Raises:
        StorageProblem: the database is away, damaged, full, lacks its tables, or another writer held it too long.
    """
    with _storage(engine), engine.execution_options(writing=True).begin() as connection:
        yield connection


@contextmanager
def _storage(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # whoever wrote knows which rule it broke
    except (DBAPIError, sqlite3.Error) as error:  # a failing PRAGMA on connecting is not wrapped
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StorageProblem(
            f"The database {engine.url!r} cannot be used: {cause}. Check that it is prepared, reachable and has space."
        ) from error


def _url(where: str | Path) -> URL:
    text = str(where)
    try:
        return make_url(text) if "://" in text else URL.create("sqlite", database=text)
    except ArgumentError as error:
        raise StorageProblem("The registry's URL is none: write sqlite:///path or postgresql://…") from error


def _create_private(url: URL) -> None:
    """Create the file before SQLite would, with its mode; the -wal and -shm files inherit it."""
    if url.database in (None, "", ":memory:"):
        return
    try:
        os.close(os.open(str(url.database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageProblem(
            f"The registry {url.database} cannot be opened: {error.strerror}. Check the folder and its owner."
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection has no common type
    connection.isolation_level = None  # sqlite3 begins no transactions of its own; _begin_sqlite does
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another process wrote in between;
    # one that takes the write lock at its beginning waits its turn.
    immediate = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
