"""The directory of devices and the feed of their changes, as a running hub follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.database import open_engine
from provisioning.directory import DirectoryEntry
from provisioning.records import Agency, Contact, Lifecycle, NewDevice, Site, Uplink, Zone
from provisioning.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from provisioning.clock import Clock


def device(
    device_id: str, site: str | None = None, zones: tuple[str, ...] = (), agency: str | None = None
) -> NewDevice:
    return NewDevice(id=device_id, profile="generic_ipcamera", site=site, zones=zones, agency=agency)


@pytest.fixture
def city(registry: Registry) -> Registry:
    registry.add(Agency("dishub"))
    registry.add(Agency("dinkes"))
    registry.add(Site("pasar", agency="dishub"))
    registry.add_devices(
        [
            device("a", "pasar", ("traffic", "crime")),
            device("b", "pasar", agency="dinkes"),
            device("c", zones=("crime",)),
        ]
    )
    return registry


@pytest.fixture
def other(database: Path, clock: Clock) -> Iterator[Registry]:
    """The same registry, opened a second time as another process would."""
    engine = open_engine(database)
    yield Registry(engine, clock)
    engine.dispose()


def test_an_entry_holds_what_the_hub_must_know(city: Registry) -> None:
    expected = {
        DirectoryEntry("a", "generic_ipcamera", "dishub", "pasar", ("crime", "traffic"), None, None, None),
        DirectoryEntry("b", "generic_ipcamera", "dinkes", "pasar", (), None, None, None),
        DirectoryEntry("c", "generic_ipcamera", None, None, ("crime",), None, None, None),
    }
    assert set(city.entries()) == expected


def test_entries_can_be_asked_for_by_id(city: Registry) -> None:
    assert [entry.device for entry in city.entries(["c", "nobody"])] == ["c"]
    assert city.entries([]) == []


def test_entries_can_be_asked_for_by_many_ids(city: Registry) -> None:
    ids = {f"nobody-{number}" for number in range(2000)} | {"a", "c"}
    assert {entry.device for entry in city.entries(ids)} == {"a", "c"}


def test_a_retired_device_has_no_entry(city: Registry) -> None:
    city.move_device("a", Lifecycle.RETIRED)
    assert {entry.device for entry in city.entries()} == {"b", "c"}
    assert city.entries(["a"]) == []


def test_an_empty_registry_has_no_changes(registry: Registry) -> None:
    assert registry.latest_change() == 0
    assert registry.changes_since(0) == (0, set())


def test_nothing_changed_since_the_latest_change(city: Registry) -> None:
    last = city.latest_change()
    assert city.changes_since(last) == (last, set())


CHANGES: list[tuple[Callable[[Registry], object], set[str]]] = [
    (lambda registry: registry.add_device(device("d")), {"d"}),
    (lambda registry: registry.add_devices([device("d"), device("e")]), {"d", "e"}),
    (lambda registry: registry.update_device("a", name="A"), {"a"}),
    (lambda registry: registry.move_device("b", Lifecycle.RETIRED), {"b"}),
    (lambda registry: registry.remove_device("c"), {"c"}),
    (lambda registry: registry.update(Agency("dishub", "x")), {"a"}),
    (lambda registry: registry.update(Agency("dinkes", "x")), {"b"}),
    (lambda registry: registry.update(Site("pasar", agency="dinkes")), {"a", "b"}),
    (lambda registry: registry.update(Zone("crime", "x")), {"a", "c"}),
    (lambda registry: registry.add(Contact("budi", "dishub", "Budi", "+6281234567890")), set()),
    (lambda registry: registry.add(Uplink("fiber", "pasar", 1)), set()),
]


@pytest.mark.parametrize(("change", "touched"), CHANGES)
def test_another_engine_sees_which_devices_a_change_touched(
    city: Registry, other: Registry, change: Callable[[Registry], object], touched: set[str]
) -> None:
    seen = other.latest_change()
    change(city)
    last, ids = other.changes_since(seen)
    assert ids == touched
    assert other.changes_since(last) == (last, set())


def test_a_refused_change_touches_nothing(city: Registry) -> None:
    last = city.latest_change()
    with pytest.raises(Exception, match="exists already"):
        city.add_devices([device("d"), device("a")])
    assert city.changes_since(last) == (last, set())


def test_a_late_reader_gets_each_device_once(city: Registry) -> None:
    seen = city.latest_change()
    for name in ("1", "2", "3"):
        city.update_device("a", name=name)
    city.update_device("b", name="1")
    assert city.changes_since(seen) == (seen + 4, {"a", "b"})


def test_a_site_that_changes_hands_changes_the_agency_of_its_devices(city: Registry) -> None:
    city.update(Site("pasar", agency="dinkes"))
    assert [entry.agency for entry in city.entries(["a"])] == ["dinkes"]
