"""Databases of a registry for tests: the schema is made once, and each test has a copy of the file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hub.migrations import upgrade
from provisioning.database import open_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine


def fresh_engine(file: Path) -> Engine:
    """Write an empty database that is up to date, and open it; the caller disposes of the engine."""
    write_fresh(file)
    return open_engine(file)


def write_fresh(file: Path) -> None:
    """Write an empty database that is up to date, for its owner alone."""
    file.touch(0o600)
    file.write_bytes(_fresh())


@cache
def _fresh() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "registry.db")
        engine = open_engine(file)
        upgrade(engine)
        engine.dispose()
        return file.read_bytes()
