from __future__ import annotations

import gc
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hub.directory import Directory
from hub.pipeline.registry_feed import EVERY_S, RegistryFeed
from hub.profiles.schema import Profile
from provisioning.database import open_engine
from provisioning.errors import StorageProblem
from provisioning.records import Lifecycle, NewDevice
from provisioning.registry import Registry
from tests.databases import fresh_engine
from tests.shipped import GENERIC, VOCABULARY
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
    engine = fresh_engine(database)
    yield Registry(engine, lambda: NOW)
    engine.dispose()
    gc.unfreeze()


@pytest.fixture
def elsewhere(database: Path, registry: Registry) -> Iterator[Registry]:
    """The same registry as another process has it: the command line, or another hub."""
    engine = open_engine(database)
    yield Registry(engine, registry._clock)
    engine.dispose()


@pytest.fixture
def directory() -> Directory:
    return Directory(VOCABULARY, GENERIC, keep_ns=10**18)


@pytest.fixture
def feed(registry: Registry, directory: Directory) -> RegistryFeed:
    return RegistryFeed(registry, directory)


def tags(directory: Directory) -> str:
    """Return the tags of the device b."""
    route = directory.resolve("devices/b/telemetry")
    return "" if route is None else route.tags


async def test_what_is_registered_is_served_from_the_start(
    registry: Registry, directory: Directory, feed: RegistryFeed
) -> None:
    registry.add_devices(
        [NewDevice(id="a", profile="generic_ipcamera"), NewDevice(id="b", profile="generic_tracker", zones=("flood",))]
    )

    await feed.load()

    assert len(directory) == 2
    assert tags(directory) == ",device=b,profile=generic_tracker,zone=flood"


async def test_a_device_without_a_profile_here_is_said(
    registry: Registry, feed: RegistryFeed, caplog: pytest.LogCaptureFixture
) -> None:
    registry.add_devices([NewDevice(id=f"d{number}", profile="no_such_model") for number in range(7)])

    await feed.load()

    said, _, named = caplog.messages[0].partition(": ")
    assert said == "7 devices name a profile that this hub does not have"
    assert len(named.split(", ")) == 5


async def test_a_topic_that_two_devices_claim_is_said_once(
    registry: Registry, elsewhere: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"vendor": "V", "model": "M", "kind": "sensor", "about": "A", "interval_s": 60}
    mqtt = {"a": {"topics": ["x/{serial}"], "readings": {"event": {"name": "n"}}}}
    model = Profile.model_validate({**said, "manual": {"title": "T", "edition": "1"}, "mqtt": mqtt})
    directory = Directory(VOCABULARY, {"one": model, "two": model}, keep_ns=10**18)
    feed = RegistryFeed(registry, directory)
    registry.add_devices([NewDevice(id=name, profile=name, serial="S1") for name in ("one", "two")])
    await feed.load()
    elsewhere.add_device(NewDevice(id="three", profile="one", serial="S3"))
    await feed._follow()

    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["x/S1 is another device's already, so two is not heard there: compare the serials"]


async def test_changes_from_elsewhere_are_followed_while_the_hub_runs(
    registry: Registry, elsewhere: Registry, directory: Directory, feed: RegistryFeed, naps: list[float]
) -> None:
    registry.add_device(NewDevice(id="a", profile="generic_ipcamera"))
    await feed.load()

    async with running(feed.run()):
        elsewhere.add_device(NewDevice(id="b", profile="generic_ipcamera"))
        await until(lambda: directory.resolve("devices/b/telemetry") is not None)
        elsewhere.update_device("b", profile="generic_tracker")
        await until(lambda: "profile=generic_tracker" in tags(directory))
        elsewhere.remove_device("a")
        await until(lambda: directory.resolve("devices/a/telemetry") is None)

    assert len(directory) == 1
    assert set(naps) == {EVERY_S}


@pytest.mark.usefixtures("naps")
async def test_a_retired_device_is_served_no_more(
    registry: Registry, elsewhere: Registry, directory: Directory, feed: RegistryFeed
) -> None:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("a", "b")])
    await feed.load()

    async with running(feed.run()):
        elsewhere.move_device("a", Lifecycle.RETIRED)
        await until(lambda: len(directory) == 1)

    assert directory.resolve("devices/a/telemetry") is None
    assert directory.resolve("devices/b/telemetry") is not None


@pytest.mark.usefixtures("naps")
async def test_a_child_follows_its_new_gateway(
    registry: Registry, elsewhere: Registry, directory: Directory, feed: RegistryFeed
) -> None:
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in ("gw", "gw2")])
    registry.add_device(NewDevice(id="child", profile="generic_ipcamera", parent="gw"))
    await feed.load()
    assert directory.resolve("devices/gw/children/child/telemetry") is not None

    async with running(feed.run()):
        elsewhere.update_device("child", parent="gw2")
        await until(lambda: directory.resolve("devices/gw2/children/child/telemetry") is not None)

    assert directory.resolve("devices/gw/children/child/telemetry") is None


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
        assert directory.resolve("devices/a/telemetry") is not None
        rename(database, "lost", "change_counter")
        await until(lambda: not feed.trouble)
        registry.add_device(NewDevice(id="b", profile="generic_ipcamera"))
        await until(lambda: directory.resolve("devices/b/telemetry") is not None)

    assert [message.partition(":")[0] for message in caplog.messages] == [
        "cannot read the registry, going on with what is known",
        "reading the registry again",
        "registry",
    ]


async def test_a_registry_that_cannot_be_read_at_the_start_is_an_error(feed: RegistryFeed, database: Path) -> None:
    rename(database, "change_counter", "lost")

    with pytest.raises(StorageProblem, match="no such table: change_counter"):
        await feed.load()


def rename(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"ALTER TABLE {old} RENAME TO {new}")
