from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hub.directory import Directory
from hub.pipeline.kept_keys import EVERY_S, release_keys
from provisioning.ca import Authority
from provisioning.enrolment import Enrolment
from provisioning.kept_keys import KeptKeys
from provisioning.records import NewDevice
from provisioning.registry import Registry
from tests.databases import fresh_engine
from tests.shipped import GENERIC, VOCABULARY
from tests.unit.pipeline.helpers import running
from tests.unit.spool.helpers import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = fresh_engine(tmp_path / "registry.db")
    yield engine
    engine.dispose()


@pytest.fixture
def directory(engine: Engine, tmp_path: Path) -> Directory:
    """Of two cameras whose keys are kept."""
    registry = Registry(engine, time.time_ns)
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("cam-1", "cam-2")])
    authority = Authority.create(tmp_path / "pki", clock=time.time_ns)
    Enrolment(engine, authority, time.time_ns).issue_with_hub_keys(["cam-1", "cam-2"])
    directory = Directory(VOCABULARY, GENERIC, keep_ns=10**18)
    directory.update(registry.entries())
    return directory


async def test_the_key_of_a_device_that_speaks_is_gone(engine: Engine, directory: Directory, naps: list[float]) -> None:
    keys = KeptKeys(engine, time.time_ns)
    directory.watches["cam-2"].heard_ns = keys.since()["cam-2"] - 1
    async with running(release_keys(keys, directory)):
        await until(lambda: len(naps) > 1)
        assert set(keys.since()) == {"cam-1", "cam-2"}
        directory.watches["cam-1"].heard_ns = time.time_ns()
        await until(lambda: set(keys.since()) == {"cam-2"})
    assert set(naps) == {EVERY_S}


@pytest.mark.usefixtures("naps")
async def test_a_registry_that_cannot_be_read_ends_nothing(engine: Engine, directory: Directory) -> None:
    keys = KeptKeys(engine, time.time_ns)
    directory.watches["cam-1"].heard_ns = time.time_ns()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE kept_key RENAME TO lost")
    async with running(release_keys(keys, directory)):
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE lost RENAME TO kept_key")
        await until(lambda: set(keys.since()) == {"cam-2"})
