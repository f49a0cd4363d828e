"""The city that is simulated: agencies, sites and devices of Purbalingga, as the registry takes them. Pure, seeded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from hub.sim.geography import DISTRICTS, RIVERS, ROUTES, District, Point, River
from hub.sim.plan import Behaviour, CameraPlan, DevicePlan, ModelPlan, RiverPlan, TrackerPlan, WeatherPlan
from provisioning.records import Agency, Contact, NewDevice, Site, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAMERA, TRACKER, SENSOR = "generic_ipcamera", "generic_tracker", "generic_environment"
"""Names of the device profiles that the simulated devices speak."""

AGENCIES: Final = (
    Agency("dishub", "Dinas Perhubungan"),
    Agency("kominfo", "Dinas Komunikasi dan Informatika"),
    Agency("bpbd", "Badan Penanggulangan Bencana Daerah"),
    Agency("satpolpp", "Satuan Polisi Pamong Praja"),
)
ZONES: Final = (Zone("traffic", "Lalu lintas"), Zone("crime", "Keamanan"), Zone("disaster", "Bencana"))
CONTACTS: Final = (
    Contact("dishub-piket", "dishub", "Piket Dishub", "+622810000101"),
    Contact("kominfo-piket", "kominfo", "Piket Kominfo", "+622810000102"),
    Contact("bpbd-pusdalops", "bpbd", "Pusdalops BPBD", "+622810000103"),
    Contact("satpolpp-piket", "satpolpp", "Piket Satpol PP", "+622810000104"),
)
"""Nobody answers there: no subscriber's number begins with 0."""


class Duty(NamedTuple):
    """What a device is for: the part its site's or its own id and name get, who owns it, and its zones."""

    id: str
    name: str
    agency: str
    zones: tuple[str, ...]


DUTIES: Final = (
    Duty("simpang", "Simpang", "dishub", ("traffic",)),
    Duty("pasar", "Pasar", "satpolpp", ("crime",)),
    Duty("alun-alun", "Alun-alun", "kominfo", ("crime", "traffic")),
    Duty("jembatan", "Jembatan", "bpbd", ("disaster", "traffic")),
)
FLEETS: Final = (
    Duty("bus", "Bus sekolah", "dishub", ("traffic",)),
    Duty("patroli", "Mobil patroli", "satpolpp", ("crime",)),
    Duty("rescue", "Mobil penyelamat", "bpbd", ("disaster",)),
    Duty("teknisi", "Mobil teknisi", "kominfo", ("traffic",)),
)
IN_TURN: Final = tuple(DISTRICTS.values())
POST: Final = Duty("pos", "Pos", "bpbd", ("disaster",))
FLOODED: Final = {"klawing", "pekacangan"}
"""Rivers on which a flood wave travels downstream."""


_Place = TypeVar("_Place", District, River, Duty)


class Nth(NamedTuple, Generic[_Place]):
    """Where a device stands when those of its kind are dealt out in turn, its number there, and that among them all.

    Both numbers are counted from 1.
    """

    place: _Place
    number: int
    of_all: int


@dataclass(frozen=True, slots=True)
class CityDevice:
    """A device, as the registry takes it and as the simulation plays it."""

    record: NewDevice
    plan: DevicePlan


@dataclass(frozen=True, slots=True)
class City:
    """All that is to be registered, in an order in which it can be."""

    agencies: tuple[Agency, ...]
    contacts: tuple[Contact, ...]
    zones: tuple[Zone, ...]
    sites: tuple[Site, ...]
    devices: tuple[CityDevice, ...]


class _Draft(NamedTuple):
    record: NewDevice
    site: Site
    model: ModelPlan


def plan_city(cctv: int = 60, trackers: int = 30, sensors: int = 30, seed: int = 2026) -> City:
    """Return a city with so many devices of each kind; the same arguments give the same city."""
    rng = Random(seed)  # noqa: S311 - a simulation
    groups = [
        [_camera(index, rng) for index in range(cctv)],
        [_tracker(index, rng) for index in range(trackers)],
        [_sensor(index, rng) for index in range(sensors)],
    ]
    sites = {draft.site.id: draft.site for group in groups for draft in group}
    devices = tuple(device for group in groups for device in _cast(group, rng))
    return City(AGENCIES, CONTACTS, ZONES, tuple(sites.values()), devices)


def _cast(group: list[_Draft], rng: Random) -> Iterator[CityDevice]:
    """Give each device its behaviour and seed; in each way one of twenty misbehaves, and one at least of a few."""
    each = max(1, len(group) // 20) if len(group) >= len(Behaviour) else 0
    parts = [behaviour for behaviour in Behaviour if behaviour is not Behaviour.STEADY for _ in range(each)]
    chosen = dict(zip(rng.sample(range(len(group)), len(parts)), parts, strict=True))
    for index, draft in enumerate(group):
        behaviour = chosen.get(index, Behaviour.STEADY)
        plan = DevicePlan(id=draft.record.id, behaviour=behaviour, seed=rng.getrandbits(32), model=draft.model)
        yield CityDevice(draft.record, plan)


def _camera(index: int, rng: Random) -> _Draft:
    duty, site = camera_site(index)
    camera = nth(IN_TURN, index)
    record = recorded("cam", camera, CAMERA, f"Kamera {site.name} {camera.number}", site, duty)
    return _Draft(record, site, CameraPlan(bitrate_bps=rng.choice((2, 3, 4, 6)) * 1_000_000))


def camera_site(index: int) -> tuple[Duty, Site]:
    """Return what camera `index` watches, and where it hangs."""
    district, number, _ = nth(IN_TURN, index)
    duty = DUTIES[(number - 1) % len(DUTIES)]
    return duty, site_near(f"{district.id}-{duty.id}", f"{duty.name} {district.name}", district.centre, number)


def _tracker(index: int, rng: Random) -> _Draft:
    tracker = nth(FLEETS, index)
    fleet, centre = tracker.place, DISTRICTS["purbalingga"].centre
    site = site_near(f"kantor-{fleet.agency}", f"Kantor {fleet.agency}", centre, FLEETS.index(fleet))
    record = recorded("gps", tracker, TRACKER, f"{fleet.name} {tracker.number}", site, fleet)
    route = tuple(DISTRICTS[stop].centre for stop in ROUTES[index % len(ROUTES)])
    return _Draft(
        replace(record, serial=None, imei=imei(tracker.of_all)),
        site,
        TrackerPlan(route=route, cruise_kmh=rng.uniform(30, 50)),
    )


def _sensor(index: int, rng: Random) -> _Draft:
    return _weather(index // 2, rng) if index % 2 else _river(index // 2)


def _weather(index: int, rng: Random) -> _Draft:
    station = nth(IN_TURN, index)
    district, number, _ = station
    site = site_near(f"{district.id}-pos-{number}", f"Pos cuaca {district.name} {number}", district.centre, number + 4)
    record = recorded("wx", station, SENSOR, site.name, site, POST)
    return _Draft(record, site, WeatherPlan(altitude_m=district.altitude_m + rng.uniform(-10, 10)))


def _river(index: int) -> _Draft:
    gauge = nth(RIVERS, index)
    river, number = gauge.place, gauge.number
    site = river_site(river, number)
    record = recorded("lvl", gauge, SENSOR, f"Duga muka air {river.name} {number}", site, POST)
    return _Draft(record, site, river_plan(river, number))


def river_site(river: River, number: int) -> Site:
    """Return post `number` of a river."""
    centre = DISTRICTS[river.district].centre
    return site_near(f"{river.id}-pos-{number}", f"Pos {river.name} {number}", centre, number + 8)


def river_plan(river: River, number: int) -> RiverPlan:
    """Return the river as it flows by post `number`: a flood reaches each a little after the one above it."""
    rng = Random(f"{river.id} {number}")  # noqa: S311 - a simulation
    flooded = river.id in FLOODED
    return RiverPlan(
        river=river.name,
        usual_cm=river.usual_cm + rng.uniform(-10, 10),
        altitude_m=DISTRICTS[river.district].altitude_m,
        flood_cm=rng.uniform(220, 320) if flooded else 0,
        flood_after_s=5 + 15 * number if flooded else 0,
    )


def nth(places: Sequence[_Place], index: int) -> Nth[_Place]:
    """Deal device `index` of its kind out to one of the places."""
    return Nth(places[index % len(places)], index // len(places) + 1, index + 1)


def recorded(  # noqa: PLR0913, PLR0917 - a row of the registry
    mark: str, one: Nth[_Place], profile: str, name: str, site: Site, duty: Duty
) -> NewDevice:
    """Return a device as the registry takes it; `mark` is the kind's part of its id and its serial number."""
    return NewDevice(
        id=f"{mark}-{one.place.id}-{one.number:02}",
        profile=profile,
        name=name,
        agency=duty.agency,
        site=site.id,
        zones=duty.zones,
        serial=f"PBG-{mark.upper()}-{one.of_all:05}",
    )


def site_near(name: str, about: str, near: Point, step: int) -> Site:
    """Return a site some hundred metres from `near`; the same arguments give the same place."""
    rng = Random(f"{name} {step}")  # noqa: S311 - a simulation
    lat, lon = near.lat + rng.uniform(-0.006, 0.006), near.lon + rng.uniform(-0.006, 0.006)
    return Site(name, about, lat=round(lat, 6), lon=round(lon, 6))


def imei(number: int) -> str:
    """Return a valid IMEI from the range that test equipment uses (TAC 00101700; Luhn check digit at the end)."""
    digits = f"00101700{number:06}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    total = sum(value - 9 if value > 9 else value for value in doubled)  # noqa: PLR2004 - the sum of two digits
    return f"{digits}{-total % 10}"
