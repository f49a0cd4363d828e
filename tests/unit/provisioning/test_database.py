"""One SQLite file, several processes."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from provisioning.database import open_engine, reading, writing
from provisioning.errors import StorageProblem
from provisioning.registry import Registry
from provisioning.tables import agency, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from provisioning.clock import Clock

ADD_DEVICES = """
import sys, time
from provisioning.database import open_engine
from provisioning.records import NewDevice
from provisioning.registry import Registry

registry = Registry(open_engine(sys.argv[1]), time.time_ns)
for number in range(50):
    registry.add_device(NewDevice(id=f"{sys.argv[2]}-{number}", profile="p", zones=("traffic",)))
"""


@pytest.mark.slow
def test_two_processes_write_one_registry(engine: Engine, database: Path, clock: Clock) -> None:
    command = [sys.executable, "-W", "error", "-c", ADD_DEVICES, str(database)]
    root = Path(__file__).parents[3]
    processes = [subprocess.Popen([*command, name], cwd=root) for name in ("left", "right")]
    assert [process.wait(60) for process in processes] == [0, 0]

    registry = Registry(engine, clock)
    expected = {f"{name}-{number}" for name in ("left", "right") for number in range(50)}
    assert {device.id for device in registry.devices()} == expected
    assert registry.changes_since(0) == (100, expected)


def test_the_file_and_its_neighbours_are_ours_alone(engine: Engine, database: Path) -> None:
    with writing(engine) as connection:
        connection.execute(insert(agency), {"id": "dishub", "name": ""})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.parent.glob("registry.db*")}
    assert modes == {"registry.db": 0o600, "registry.db-wal": 0o600, "registry.db-shm": 0o600}


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_sqlite_is_set_for_several_processes(engine: Engine, pragma: str, expected: object) -> None:
    with reading(engine) as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == expected


def test_a_block_that_raises_leaves_nothing_behind(engine: Engine) -> None:
    with pytest.raises(StorageProblem, match="no such table"), writing(engine) as connection:
        _insert_and_fail(connection)
    with reading(engine) as connection:
        assert connection.execute(select(agency)).all() == []


def test_a_reader_sees_one_moment(engine: Engine) -> None:
    with reading(engine) as connection:
        before = connection.execute(select(agency)).all()
        with writing(engine) as other:
            other.execute(insert(agency), {"id": "dishub", "name": ""})
        assert connection.execute(select(agency)).all() == before


def test_a_url_is_taken_as_well_as_a_path(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'by-url.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert stat.S_IMODE((tmp_path / "by-url.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["nonsense://host/db", "sqlite:///missing/folder/registry.db", "a b://"])
def test_what_cannot_be_opened_is_a_storage_problem(where: str) -> None:
    with pytest.raises(StorageProblem):
        open_engine(where)


def test_a_password_is_never_in_the_sentence() -> None:
    with pytest.raises(StorageProblem) as refused:
        open_engine("nonsense://hub:wonderful@host/db")
    assert "wonderful" not in str(refused.value)


def test_a_file_that_is_no_database_is_a_storage_problem(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "letter.txt").write_text("Dear hub, " * 1000)
    engine = open_engine(tmp_path / "letter.txt")
    with pytest.raises(StorageProblem, match="file is not a database"):
        Registry(engine, clock).devices()
    engine.dispose()


def test_a_database_without_its_tables_is_a_storage_problem(tmp_path: Path, clock: Clock) -> None:
    engine = open_engine(tmp_path / "empty.db")
    with pytest.raises(StorageProblem, match="no such table"):
        Registry(engine, clock).devices()
    engine.dispose()


def _insert_and_fail(connection: Connection) -> None:
    connection.execute(insert(agency), {"id": "dishub", "name": ""})
    connection.exec_driver_sql("DELETE FROM nowhere")
