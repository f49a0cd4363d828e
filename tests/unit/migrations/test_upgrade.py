"""The migrations lead to the schema that the code works with."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import hub.migrations
from hub.migrations import newest_revision, upgrade
from provisioning.database import open_engine, reading, writing
from provisioning.errors import StorageProblem
from provisioning.records import NewDevice
from provisioning.registry import Registry
from provisioning.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "100% registry.db"


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = open_engine(database)
    yield engine
    engine.dispose()


def schema(engine: Engine) -> dict[str, str]:
    """Every table and index as SQLite keeps it, but for white space and Alembic's own."""
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    return {name: "".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_the_migrations_and_the_tables_agree(engine: Engine) -> None:
    upgrade(engine)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrations_create_what_the_tables_would(engine: Engine, tmp_path: Path) -> None:
    direct = open_engine(tmp_path / "direct.db")
    metadata.create_all(direct)
    upgrade(engine)
    assert schema(engine) == schema(direct)
    direct.dispose()


def test_the_newest_revision_is_the_head_of_all() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(hub.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [newest_revision()]


def test_a_second_upgrade_keeps_what_is_there(engine: Engine) -> None:
    upgrade(engine)
    registry = Registry(engine, lambda: 0)
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    upgrade(engine)
    assert [device.id for device in registry.devices()] == ["cam-1"]


def test_two_upgrades_at_once_do_not_meet(database: Path) -> None:
    engines = [open_engine(database) for _ in range(4)]
    failures: list[Exception] = []
    threads = [threading.Thread(target=_upgrade, args=(engine, failures)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert failures == []


def test_a_database_from_the_future_is_refused(engine: Engine) -> None:
    upgrade(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageProblem, match="a newer version"):
        upgrade(engine)


def test_logging_stays_as_it_was(engine: Engine) -> None:
    before = (logging.root.handlers[:], logging.root.level, logging.root.manager.disable)
    upgrade(engine)
    assert (logging.root.handlers, logging.root.level, logging.root.manager.disable) == before


def _upgrade(engine: Engine, failures: list[Exception]) -> None:
    try:
        upgrade(engine)
    except Exception as error:  # noqa: BLE001 - a thread's exception would go unseen
        failures.append(error)
