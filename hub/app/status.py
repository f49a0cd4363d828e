"""The part of the composition root that judges devices, and writes down what it finds."""

from __future__ import annotations

from functools import partial
from socket import gethostname
from time import time_ns
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from hub.model import Lines
from hub.status.core import Model, Status
from hub.status.inventory import InventoryWriter
from hub.status.naming import read_names
from hub.status.runner import StatusRunner
from hub.status.store import StatusStore
from provisioning.inventory import read_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from hub.app.hub import Hub
    from hub.directory import Directory
    from hub.profiles.schema import Profile
    from hub.settings import Settings
    from hub.sources.base import Intake
    from hub.status.options import LevelOptions
    from hub.web.services import Services

SECOND_NS: Final = 1_000_000_000


def status_of(settings: Settings, directory: Directory, profiles: dict[str, Profile]) -> Status:
    """Return what judges the devices of the directory, by what their profiles promise."""
    models = {
        name: Model(profile.kind, round(profile.interval_s * SECOND_NS), profile.vitals)
        for name, profile in profiles.items()
    }
    zone = ZoneInfo(settings.city.timezone)
    return Status(directory.watches, models, settings.status, settings.health, zone)


def runner_of(hub: Hub, services: Services) -> StatusRunner:
    """Return what has them judged once a second."""
    return StatusRunner(
        hub.status,
        StatusStore(services.engine),
        hub.feed.call,
        partial(read_names, services.registry, services.engine),
        hub.intake,
        hub.vitals,
        hub.figures,
        time_ns,
        gethostname(),
    )


def inventory_of(
    engine: Engine, models: Mapping[str, Profile], levels: Mapping[str, LevelOptions], intake: Intake
) -> InventoryWriter:
    """Return what writes where devices are, how long their certificates hold, and which limits are set for them."""
    kinds = {name: profile.kind for name, profile in models.items()}
    return InventoryWriter(
        partial(read_inventory, engine), kinds, levels, lambda text: intake.add(Lines(text)), time_ns
    )
