"""What the simulated city polls over Modbus: energy meters, UPSes in CCTV cabinets, river gauges. Pure, seeded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.sim.city import IN_TURN, POST, Duty, camera_site, nth, recorded, river_plan, river_site, site_near
from hub.sim.geography import RIVERS
from hub.sim.modbus.gateway import LOOPBACK
from hub.sim.modbus.plan import GatewayPlan, GaugePlan, Manner, MeterPlan, PolledPlan, UnitModel, UnitPlan, UpsPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.records import NewDevice, Site

METER, UPS, GAUGE = "eastron_sdm120", "apc_smartups", "dfrobot_sen0492"
"""Names of the device profiles that the simulated units answer to."""
LAMPS: Final = Duty("pju", "Panel PJU", "dishub", ("traffic",))
OFFICE: Final = Duty("kantor", "Kantor kecamatan", "kominfo", ())
FIRST_GAUGE: Final = 0x50
"""The unit that a SEN0492 is when it leaves its maker; the next on the same bus count on from there."""
ABOVE_MM: Final = 3600
"""How far the usual water is below the sensor, which sees four metres."""


class PolledDevice(NamedTuple):
    """A unit, as the registry takes it and as the simulation plays it."""

    record: NewDevice
    site: Site
    plan: UnitPlan


@dataclass(frozen=True, slots=True)
class Bus:
    """A gateway with the units behind it; `rtu` frames over TCP instead of Modbus TCP."""

    rtu: bool
    devices: tuple[PolledDevice, ...]

    def records(self, port: int) -> list[NewDevice]:
        """Return the devices, polled on that port of loopback."""
        scheme = "rtutcp" if self.rtu else "tcp"
        address = f"{scheme}://{LOOPBACK}:{port}"
        return [replace(one.record, modbus=address, unit=one.plan.unit) for one in self.devices]

    def plan(self, port: int) -> GatewayPlan:
        """Return what the simulation is told of it."""
        return GatewayPlan(port=port, rtu=self.rtu, units=tuple(one.plan for one in self.devices))


@dataclass(frozen=True, slots=True)
class Polled:
    """All that is polled, bus by bus."""

    buses: tuple[Bus, ...]

    @property
    def sites(self) -> list[Site]:
        """The sites, each once."""
        return list({one.site.id: one.site for bus in self.buses for one in bus.devices}.values())

    def records(self, ports: Sequence[int]) -> list[NewDevice]:
        """Return the devices, a port for each bus."""
        return [record for bus, port in zip(self.buses, ports, strict=True) for record in bus.records(port)]

    def plan(self, ports: Sequence[int]) -> PolledPlan:
        """Return what the simulation is told, with the same ports."""
        return PolledPlan(gateways=tuple(bus.plan(port) for bus, port in zip(self.buses, ports, strict=True)))


def plan_polled(meters: int = 12, upses: int = 6, gauges: int = 4, seed: int = 2026) -> Polled:
    """Return so many units of each kind; the same arguments give the same units.

    The second meter is dead, the seventh answers with exceptions, and the fifth UPS is slow; so each has neighbours
    on its bus that must not notice.
    """
    rng = Random(seed)  # noqa: S311 - a simulation
    return Polled(
        (
            *_buses([_meter(index, rng) for index in range(meters)], 4, {1: Manner.DEAD, 6: Manner.FAULTY}),
            *_buses([_ups(index, rng) for index in range(upses)], 3, {4: Manner.SLOW}),
            *_buses([_gauge(index, rng) for index in range(gauges)], 4, {}, first=FIRST_GAUGE, rtu=True),
        )
    )


class _Draft(NamedTuple):
    record: NewDevice
    site: Site
    model: UnitModel
    seed: int


def _buses(
    drafts: list[_Draft], each: int, manners: Mapping[int, Manner], *, first: int = 1, rtu: bool = False
) -> list[Bus]:
    """Hang `each` units on a bus; `manners` are those of single units, by their index."""
    devices = [
        PolledDevice(
            draft.record,
            draft.site,
            UnitPlan(
                id=draft.record.id,
                unit=first + index % each,
                manner=manners.get(index, Manner.STEADY),
                seed=draft.seed,
                model=draft.model,
            ),
        )
        for index, draft in enumerate(drafts)
    ]
    return [Bus(rtu, tuple(devices[start : start + each])) for start in range(0, len(devices), each)]


def _meter(index: int, rng: Random) -> _Draft:
    """Every other one meters street lamps, the others an office."""
    meter = nth(IN_TURN, index)
    district, number, _ = meter
    lamps = bool(index % 2)
    duty = LAMPS if lamps else OFFICE
    about = f"{duty.name} {district.name}"
    site = site_near(f"{district.id}-{duty.id}", about, district.centre, number + 12)
    record = recorded("kwh", meter, METER, f"Meter listrik {about}", site, duty)
    return _Draft(record, site, MeterPlan(busiest_w=rng.uniform(800, 6000), lamps=lamps), rng.getrandbits(32))


def _ups(index: int, rng: Random) -> _Draft:
    """It stands in the cabinet of the camera of the same index."""
    duty, site = camera_site(index)
    record = recorded("ups", nth(IN_TURN, index), UPS, f"UPS {site.name}", site, duty)
    plan = UpsPlan(load_w=rng.uniform(120, 420), runtime_s=rng.uniform(600, 2400))
    return _Draft(record, site, plan, rng.getrandbits(32))


def _gauge(index: int, rng: Random) -> _Draft:
    """It hangs at the post of the gauge that speaks MQTT, above the same flood."""
    gauge = nth(RIVERS, index)
    river, number = gauge.place, gauge.number
    site, flow = river_site(river, number), river_plan(river, number)
    record = recorded("dst", gauge, GAUGE, f"Sensor jarak {river.name} {number}", site, POST)
    plan = GaugePlan(mast_mm=round(10 * flow.usual_cm) + ABOVE_MM, river=flow)
    return _Draft(record, site, plan, rng.getrandbits(32))
