"""The inventory: from the registry to lines, again and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from hub.status import inventory as room
from hub.status.inventory import InventoryWriter, inventory_lines
from hub.status.options import LevelOptions
from provisioning.errors import StorageProblem
from provisioning.inventory import InventoryEntry, read_inventory
from provisioning.records import Agency, Lifecycle, NewDevice, Site
from provisioning.registry import Registry
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

NOW = 1_790_000_000 * 10**9
DAY = 86_400 * 10**9
CAMERA = InventoryEntry(
    "cam-1", "generic_ipcamera", "dishub", "pasar", ("crime", "traffic"), -7.4, 109.3, NOW + 40 * DAY
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = fresh_engine(tmp_path / "registry.db")
    yield made
    made.dispose()


def test_a_device_has_its_own_place_or_its_sites(engine: Engine) -> None:
    registry = Registry(engine, lambda: NOW)
    registry.add(Agency("dishub"))
    registry.add(Site("pasar", agency="dishub", lat=-7.4, lon=109.3))
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera", site="pasar"))
    registry.add_device(NewDevice(id="cam-2", profile="generic_ipcamera", site="pasar", lat=-7.5, lon=109.4))
    registry.add_device(NewDevice(id="gone", profile="generic_ipcamera", site="pasar"))
    registry.move_device("gone", Lifecycle.RETIRED)
    found = {
        entry.device: (entry.agency, entry.lat, entry.lon, entry.certificate_ends_ns)
        for entry in [*read_inventory(engine, "", 1), *read_inventory(engine, "cam-1", 9)]
    }
    assert found == {"cam-1": ("dishub", -7.4, 109.3, None), "cam-2": ("dishub", -7.5, 109.4, None)}


def test_a_line_says_where_a_device_is_and_how_long_its_certificate_holds() -> None:
    assert inventory_lines([CAMERA], {"generic_ipcamera": "cctv"}, {}, NOW) == (
        "inventory,agency=dishub,device=cam-1,kind=cctv,profile=generic_ipcamera,site=pasar,zone=crime+traffic "
        f"lat=-7.4,lon=109.3,certificate_days=40i {NOW}\n"
    )


def test_a_certificate_that_has_ended_has_negative_days_left() -> None:
    assert "certificate_days=-1i" in inventory_lines([CAMERA._replace(certificate_ends_ns=NOW - 1)], {}, {}, NOW)


def test_a_device_of_which_nothing_is_known_has_no_line() -> None:
    assert inventory_lines([CAMERA._replace(lat=None, lon=None, certificate_ends_ns=None)], {}, {}, NOW) == ""


def test_a_gauge_has_the_limits_of_the_settings_also_where_nothing_else_is_known() -> None:
    gauge = InventoryEntry("klawing-01", "generic_environment", None, None, (), None, None, None)
    levels = {"klawing-01": LevelOptions(warning_m=2.5, critical_m=3)}
    assert inventory_lines([gauge], {"generic_environment": "sensor"}, levels, NOW) == (
        f"inventory,device=klawing-01,kind=sensor,profile=generic_environment warning_m=2.5,critical_m=3.0 {NOW}\n"
    )


async def test_it_is_written_again_also_after_a_fault_and_when_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "EVERY_S", 0.001)
    monkeypatch.setattr(room, "RETRY_S", 0.001)
    answers: list[Sequence[InventoryEntry] | None] = [None, [CAMERA]]
    written: list[str] = []
    enough = asyncio.Event()

    def read(after: str, most: int) -> Sequence[InventoryEntry]:
        assert most == room.AT_ONCE
        if after:
            return []
        answer = answers.pop(0) if answers else [CAMERA]
        if answer is None:
            raise StorageProblem("away")
        return answer

    def write(text: str) -> bool:
        written.append(text)
        if len(written) == 3:
            enough.set()
        return len(written) != 1

    task = asyncio.create_task(InventoryWriter(read, {}, {}, write, lambda: NOW).run())
    async with asyncio.timeout(60):
        await enough.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert {text.count("\n") for text in written} == {1}
