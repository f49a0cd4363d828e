from __future__ import annotations

import gc
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hub.directory import Directory
from hub.migrations import upgrade
from hub.pipeline.registry_feed import EVERY_S, RegistryFeed
from hub.profiles.loader import load_profiles
from provisioning.database import open_engine
from provisioning.records import NewDevice
from provisioning.registry import Registry
from tests.unit.pipeline.helpers import NOW, running
from tests.unit.spool.helpers import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def registry(database: Path) -> Iterator[Registry]:
    engine = open_engine(database)
    upgrade(engine)
    yield Registry(engine, lambda: NOW)
    engine.dispose()
    gc.unfreeze()


@pytest.fixture
def directory() -> Directory:
    return Directory(*load_profiles(), keep_ns=10**18)


@pytest.fixture
def feed(registry: Registry, directory: Directory) -> RegistryFeed:
    return RegistryFeed(registry, directory)


async def test_what_is_registered_is_served_from_the_start(
    registry: Registry, directory: Directory, feed: RegistryFeed
) -> None:
    registry.add_devices(
        [NewDevice(id="a", profile="generic_ipcamera"), NewDevice(id="b", profile="generic_tracker", zones=("flood",))]
    )

    await feed.load()

    assert len(directory) == 2
    assert directory.routes["devices/b/telemetry"].tags == ",device=b,profile=generic_tracker,zone=flood"


async def test_a_device_without_a_profile_here_is_said(
    registry: Registry, feed: RegistryFeed, caplog: pytest.LogCaptureFixture
) -> None:
    registry.add_devices([NewDevice(id=f"d{number}", profile="no_such_model") for number in range(7)])

    await feed.load()

    said, _, named = caplog.messages[0].partition(": ")
    assert said == "7 devices name a profile that this hub does not have"
    assert len(named.split(", ")) == 5


async def test_changes_are_followed_while_the_hub_runs(
    registry: Registry, directory: Directory, feed: RegistryFeed, naps: list[float]
) -> None:
    registry.add_device(NewDevice(id="a", profile="generic_ipcamera"))
    await feed.load()

    async with running(feed.run()):
        registry.add_device(NewDevice(id="b", profile="generic_ipcamera"))
        await until(lambda: "devices/b/telemetry" in directory.routes)
        registry.update_device("b", profile="generic_tracker")
        await until(lambda: "profile=generic_tracker" in directory.routes["devices/b/telemetry"].tags)
        registry.remove_device("a")
        await until(lambda: "devices/a/telemetry" not in directory.routes)

    assert len(directory) == 1
    assert set(naps) == {EVERY_S}


@pytest.mark.usefixtures("naps")
async def test_a_registry_that_cannot_be_read_is_said_once_and_its_return_is_said_once(
    registry: Registry, directory: Directory, feed: RegistryFeed, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hub.pipeline.registry_feed")
    registry.add_device(NewDevice(id="a", profile="generic_ipcamera"))
    await feed.load()

    async with running(feed.run()):
        rename(database, "change_counter", "lost")
        await until(lambda: feed.trouble)
        assert "devices/a/telemetry" in directory.routes
        rename(database, "lost", "change_counter")
        await until(lambda: not feed.trouble)

    assert [message.partition(":")[0] for message in caplog.messages] == [
        "cannot read the registry, going on with what is known",
        "reading the registry again",
    ]


def rename(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"ALTER TABLE {old} RENAME TO {new}")
