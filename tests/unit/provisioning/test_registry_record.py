"""Every change of the registry stands in the audit log, as the one who made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning import audit
from provisioning.access import LEAST_ROLE
from provisioning.audit import Actor
from provisioning.errors import ProvisioningError
from provisioning.records import Agency, Contact, Lifecycle, Site, Uplink, Zone
from tests.unit.provisioning.cameras import camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from provisioning.registry import Registry


def recorded(engine: Engine) -> list[tuple[str, str, str, object]]:
    """What was done, in order."""
    rows = reversed(audit.read(engine, 100))
    return [(row.actor, row.action, row.subject, row.detail) for row in rows]


Recorded = list[tuple[str, str, object]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda it: it.add(Uplink("fiber", "bobotsari-pasar", 1_000)),
            [
                (
                    "uplink.add",
                    "uplink/fiber",
                    {"site": "bobotsari-pasar", "capacity_bps": 1_000, "tariff": "monthly", "rupiah": 0},
                )
            ],
        ),
        (
            lambda it: it.update(Site("bobotsari-pasar", "Pasar", None, -7.307, 109.362)),
            [
                (
                    "site.update",
                    "site/bobotsari-pasar",
                    {"name": ["Pasar Bobotsari", "Pasar"], "agency": ["dishub", None]},
                )
            ],
        ),
        (lambda it: it.remove(Zone, "flood"), [("zone.remove", "zone/flood", {"name": "Banjir"})]),
        (
            lambda it: it.add_device(camera("cam-2", zones=("crime",), lat=-7.3, lon=109.3)),
            [
                ("zone.add", "zone/crime", {}),
                (
                    "device.add",
                    "device/cam-2",
                    {"profile": "generic_ipcamera", "zones": ["crime"], "lat": -7.3, "lon": 109.3},
                ),
            ],
        ),
        (
            lambda it: it.update_device("cam-1", name="Gerbang", zones=("crime",)),
            [
                ("zone.add", "zone/crime", {}),
                ("device.update", "device/cam-1", {"name": ["", "Gerbang"], "zones": [[], ["crime"]]}),
            ],
        ),
        (
            lambda it: it.move_device("cam-1", Lifecycle.ACTIVE),
            [("device.lifecycle", "device/cam-1", {"lifecycle": ["registered", "active"]})],
        ),
        (
            lambda it: it.remove_device("cam-1"),
            [("device.remove", "device/cam-1", {"profile": "generic_ipcamera", "lifecycle": "registered"})],
        ),
        (
            lambda it: it.add(Contact("budi", "dishub", "Budi", "+6281234567890")),
            [("contact.add", "contact/budi", {"agency": "dishub", "name": "(personal)", "phone": "(personal)"})],
        ),
        (
            lambda it: it.update(Contact("siti", "dishub", "Siti", "+6281111111111")),
            [("contact.update", "contact/siti", {"phone": ["(personal)", "(personal)"]})],
        ),
    ],
)
def test_every_change_is_recorded_as_the_actors(
    city: Registry, engine: Engine, change: Callable[[Registry], None], expected: Recorded
) -> None:
    city.add(Zone("flood", "Banjir"))
    city.add(Contact("siti", "dishub", "Siti", "+6281234567890"))
    city.add_device(camera())
    before = len(recorded(engine))
    change(city.acting(Actor("budi", "cli@hub-1")))
    assert recorded(engine)[before:] == [("budi", *row) for row in expected]
    assert audit.verify(engine) == []


def test_each_of_many_devices_has_a_row_of_its_own(registry: Registry, engine: Engine) -> None:
    registry.add_devices([camera(f"cam-{number}") for number in range(20)])
    assert [(actor, subject) for actor, _, subject, _ in recorded(engine)] == [
        ("system", f"device/cam-{number}") for number in range(20)
    ]


def test_a_change_that_is_refused_is_not_recorded(city: Registry, engine: Engine) -> None:
    before = recorded(engine)
    changes: list[Callable[[], object]] = [
        lambda: city.add(Agency("dishub")),
        lambda: city.update(Site("bobotsari-pasar", agency="dishab")),
        lambda: city.remove(Agency, "dishub"),
        lambda: city.add_devices([camera(zones=("crime",)), camera("cam-2", site="nowhere")]),
        lambda: city.move_device("cam-9", Lifecycle.ACTIVE),
    ]
    for change in changes:
        with pytest.raises(ProvisioningError):
            change()
    assert recorded(engine) == before


def test_every_recorded_action_is_one_that_a_role_may_do(city: Registry, engine: Engine) -> None:
    city.add_device(camera(zones=("crime",)))
    city.update_device("cam-1", name="Gerbang")
    city.move_device("cam-1", Lifecycle.MAINTENANCE)
    city.remove_device("cam-1")
    assert {action for _, action, *_ in recorded(engine)} <= LEAST_ROLE.keys()


def test_every_error_is_a_provisioning_error_with_a_sentence(city: Registry) -> None:
    with pytest.raises(ProvisioningError) as refused:
        city.move_device("cam-9", Lifecycle.ACTIVE)
    assert str(refused.value) == "There is no device 'cam-9'. Add the device first, or list those there are."
