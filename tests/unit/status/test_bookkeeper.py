"""The bookkeeper between the tables, the ledger, the registry and the history's spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.decode.watch import Watch
from hub.errors import SpoolFull
from hub.spool.options import SpoolOptions
from hub.spool.sqlite import SqliteSpool
from hub.status.bandwidth import Bandwidth
from hub.status.bookkeeper import Bookkeeper
from hub.status.counters import SECOND
from hub.status.ledger import Ledger
from hub.status.trips import Trips
from provisioning.database import open_engine
from provisioning.records import Agency, Geofence, NewDevice, Site, Tariff, Uplink
from provisioning.registry import Registry
from tests.copies import write_copy
from tests.databases import fresh_engine
from tests.unit.status.city import City, History, Place, profile
from tests.unit.status.hubs import JAKARTA, MIDNIGHT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR = 3600 * SECOND
DAY = 24 * HOUR
MONTH, MONTH_END = JAKARTA.month("2026-09")
CITY = City(
    {
        "gw-1": Place("gw-1", "router", "kominfo", "pasar"),
        "cam-1": Place("cam-1", "camera", "dishub", "pasar"),
        "bus-1": Place("bus-1", "tracker", "dishub"),
    },
    {
        "router": profile("gateway", "tx_bytes"),
        "camera": profile("cctv", "tx_bytes"),
        "tracker": profile("gps", "lat", "lon"),
    },
)
DEVICES = list(CITY.entries)
AREA = '{"type":"Polygon","coordinates":[[[109,-7],[110,-7],[110,-6],[109,-7]]]}'


class Office:
    """A bookkeeper with all that it stands between."""

    def __init__(self, folder: Path, spool: SqliteSpool, registry: Registry) -> None:
        self.now_ns = MIDNIGHT
        self.folder = folder
        self.spool = spool
        self.registry = registry
        self.history = History()
        self.hire()

    def hire(self) -> None:
        ledger = Ledger(self.folder / "ledger.db", JAKARTA)
        self.bandwidth = Bandwidth(CITY, JAKARTA, ledger.meters())
        self.trips = Trips(CITY, ledger.states("trips"))
        self.keeper = Bookkeeper(
            self.bandwidth, self.trips, ledger=ledger, periods=JAKARTA, spool=self.spool, registry=self.registry,
            clock=lambda: self.now_ns,
        )  # fmt: skip

    def hear(self, device: str, *values: float | None) -> None:
        watch = Watch(device, DEVICES.index(device))
        entry = CITY.entries[device]
        for part in (part for part in (self.bandwidth, self.trips) if part.wants(entry.profile)):
            part.observe(entry, watch, [(self.now_ns, self.now_ns, *values)], self.now_ns)

    async def delivered(self) -> History:
        while self.spool.lines:
            parcel = await self.spool.take(1_000, 1_000_000)
            self.history.write(parcel.lines.decode())
            self.spool.release(parcel)
        return self.history

    def said(self) -> History:
        """The lines of costs that were said since."""
        said = History()
        lines = self.bandwidth.tick(self.now_ns).splitlines()
        said.write("\n".join(line for line in lines if line.startswith("cost")))
        return said


def _market(folder: Path) -> None:
    engine = fresh_engine(folder / "registry.db")
    registry = Registry(engine, lambda: 0)
    registry.add(Agency("dishub"))
    registry.add(Site("pasar", agency="dishub"))
    registry.add_device(NewDevice(id="gw-1", profile="generic_ipcamera"))
    registry.add(Uplink("fiber", "pasar", 10**8, Tariff.PER_GIGABYTE, 10_000, router="gw-1"))
    engine.dispose()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    write_copy(tmp_path, _market)
    engine = open_engine(tmp_path / "registry.db")
    registry = Registry(engine, lambda: 0)
    async with SqliteSpool(tmp_path / "history.db", SpoolOptions(reserve_mb=0)) as spool:
        office = Office(tmp_path, spool, registry)
        await office.keeper.load()
        yield office
        office.keeper.close()
    engine.dispose()


async def send(office: Office, hours: int, device: str, amount: int) -> None:
    for number in range(hours + 1):
        office.hear(device, number * amount)
        await office.keeper.keep()
        office.now_ns += HOUR


async def test_the_history_gets_what_was_booked(office: Office) -> None:
    await send(office, 2, "cam-1", 1_000)
    await office.keeper.publish()
    history = await office.delivered()
    assert history.total("bandwidth_hour", "agency", "tx_bytes") == {"dishub": 2_000}
    assert history.total("bandwidth_day", "device", "tx_bytes") == {"cam-1": 2_000}
    await office.keeper.publish()
    assert office.spool.lines == 0


async def test_what_came_last_is_written_down_when_the_hub_stops(office: Office) -> None:
    office.hear("cam-1", 0)
    office.now_ns += 60 * SECOND
    office.hear("cam-1", 500)
    office.keeper.close()
    office.hire()
    await office.keeper.load()
    office.now_ns += 60 * SECOND
    office.hear("cam-1", 700)
    await office.keeper.keep()
    await office.keeper.publish()
    assert (await office.delivered()).total("bandwidth_day", "device", "tx_bytes") == {"cam-1": 700}


async def test_the_months_cost_is_said_once_an_hour(office: Office) -> None:
    await send(office, 2, "cam-1", 10**9)
    await office.keeper.charge()
    assert office.said().total("cost", "agency", "rupiah") == {"dishub": 0, "": 0}  # its router has counted nothing
    await send(office, 4, "gw-1", 10**9)
    await office.keeper.charge()
    said = office.said()
    assert said.total("cost", "agency", "rupiah") == {"dishub": 20_000, "": 20_000}
    assert said.total("cost", "uplink", "bytes") == {"fiber": 4 * 10**9}
    assert {fields["month"] for fields in said.points.values()} == {"2026-09"}
    await office.keeper.charge()
    assert office.said().points == {}


async def test_the_last_word_on_a_month_is_said_at_its_end(office: Office) -> None:
    office.now_ns = MONTH_END - 2 * HOUR
    await send(office, 3, "gw-1", 10**9)
    await office.keeper.charge()
    points = office.said().points
    assert {time: (fields["month"], fields["rupiah"]) for (_, _, time), fields in points.items()} == {
        MONTH_END - 1: ("2026-09", 20_000),
        JAKARTA.start("hour", office.now_ns): ("2026-10", 10_000),
    }


async def test_a_full_spool_keeps_the_rest_for_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await send(office, 2, "cam-1", 1_000)
    full = SpoolFull("the disk has 3 MB left")

    async def refuse(_batch: object) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(office.spool, "append", refuse)
        await office.keeper.round(publish=True)
    assert office.keeper.trouble == "the ledger of bytes is behind: the disk has 3 MB left"
    await office.keeper.round(publish=True)
    assert office.keeper.trouble == ""
    assert (await office.delivered()).total("bandwidth_hour", "agency", "tx_bytes") == {"dishub": 2_000}


async def test_a_ledger_that_somebody_holds_loses_nothing(office: Office) -> None:
    await send(office, 1, "cam-1", 1_000)
    office.hear("cam-1", 5_000)
    office.keeper._ledger._db.execute("PRAGMA busy_timeout = 0")
    other = Ledger(office.folder / "ledger.db", JAKARTA)
    other._db.execute("BEGIN IMMEDIATE")
    await office.keeper.round(publish=False)
    assert "database is locked" in office.keeper.trouble
    other._db.execute("ROLLBACK")
    other.close()
    office.now_ns += HOUR
    office.hear("cam-1", 6_000)
    await office.keeper.round(publish=True)
    assert office.keeper.trouble == ""
    assert (await office.delivered()).total("bandwidth_day", "device", "tx_bytes") == {"cam-1": 6_000}


async def test_areas_and_uplinks_are_followed_while_the_hub_runs(office: Office) -> None:
    office.hear("bus-1", -6.9, 109.95)
    office.registry.add(Geofence("alun-alun", AREA))
    office.registry.add(Geofence("broken", "{}"))
    office.registry.remove(Uplink, "fiber")
    await office.keeper.round(publish=False)
    assert office.bandwidth.uplinks.links == {}
    office.now_ns += 300 * SECOND
    office.hear("bus-1", -6.9, 110.1)
    assert 'name="geofence_leave",severity="info",text="alun-alun"' in office.trips.tick(office.now_ns)


async def test_a_vehicle_is_where_it_was_after_a_restart(office: Office) -> None:
    office.registry.add(Geofence("alun-alun", AREA))
    await office.keeper.round(publish=False)
    office.hear("bus-1", -6.9, 109.95)
    office.keeper.close()
    office.hire()
    await office.keeper.load()
    office.now_ns += 300 * SECOND
    office.hear("bus-1", -6.9, 110.1)
    assert "geofence_leave" in office.trips.tick(office.now_ns)


async def test_devices_that_are_gone_are_forgotten(office: Office) -> None:
    office.hear("cam-1", 5)
    office.hear("bus-1", -6.9, 109.95)
    gone = {name: CITY.entries.pop(name) for name in ("cam-1", "bus-1")}
    await office.keeper.round(publish=True)
    CITY.entries.update(gone)
    assert (set(office.bandwidth._accounts), office.trips._trips) == ({None}, {})
