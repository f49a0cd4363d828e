"""`cityhub device update`: correct what was registered wrong."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from hub.cli.changes import changes
from hub.cli.context import settings_of
from hub.cli.device import Id, check_profile, tell_new_zones
from hub.cli.place import AsJson, Latitude, Longitude
from hub.cli.registry import open_registry, show_json
from provisioning.records import Zone


class Clear(StrEnum):
    """What a device need not have."""

    AGENCY = "agency"
    SITE = "site"
    ZONE = "zone"
    SERIAL = "serial"
    IMEI = "imei"
    POSITION = "position"
    GATEWAY = "gateway"
    MODBUS = "modbus"


_EMPTY: Final[dict[Clear, dict[str, Any]]] = {
    Clear.AGENCY: {"agency": None},
    Clear.SITE: {"site": None},
    Clear.ZONE: {"zones": ()},
    Clear.SERIAL: {"serial": None},
    Clear.IMEI: {"imei": None},
    Clear.POSITION: {"lat": None, "lon": None},
    Clear.GATEWAY: {"parent": None},
    Clear.MODBUS: {"modbus": None, "unit": None},
}


def register(devices: typer.Typer) -> None:
    """Add the command to `cityhub device`."""
    devices.command()(update)


def update(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    device_id: Id,
    *,
    profile: Annotated[str | None, typer.Option(help="The profile that describes its model.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for people to read.")] = None,
    agency: Annotated[str | None, typer.Option(help="Who owns it; to hand it over, see `transfer`.")] = None,
    site: Annotated[str | None, typer.Option(help="Where it stands.")] = None,
    zone: Annotated[list[str] | None, typer.Option(help="A zone it serves, all of them anew; may be repeated.")] = None,
    serial: Annotated[str | None, typer.Option(help="As on the type plate; for other hardware, see `replace`.")] = None,
    imei: Annotated[str | None, typer.Option(help="15 digits.")] = None,
    lat: Latitude = None,
    lon: Longitude = None,
    gateway: Annotated[str | None, typer.Option(help="The device that speaks for it.")] = None,
    modbus: Annotated[str | None, typer.Option(help="Where it is polled, e.g. tcp://10.20.3.4:502.")] = None,
    unit: Annotated[int | None, typer.Option(help="Its address on that bus, 0 to 255.")] = None,
    local_recording: Annotated[
        bool | None, typer.Option("--local-recording/--no-local-recording", help="Whether its video stays at the site.")
    ] = None,
    clear: Annotated[list[Clear] | None, typer.Option(help="What it shall not have; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Correct what was registered wrong; what is not given stays. A running hub follows within two seconds.

    Example: cityhub device update cam-1 --site bobotsari-pasar --zone traffic --zone crime --clear position
    """
    given = {
        "profile": profile,
        "name": name,
        "agency": agency,
        "site": site,
        "zones": tuple(zone) if zone else None,
        "serial": serial,
        "imei": imei,
        "lat": lat,
        "lon": lon,
        "parent": gateway,
        "modbus": modbus,
        "unit": unit,
        "local_recording": local_recording,
    }
    wanted = changes(given, (_EMPTY[one] for one in clear or ()))
    if profile is not None:
        check_profile(profile, settings_of(ctx).profiles.folder)
    registry = open_registry(ctx)
    known = [one.id for one in registry.all(Zone)]
    device = registry.update_device(device_id, **wanted)
    tell_new_zones(wanted.get("zones", ()), known)
    if as_json:
        show_json(asdict(device))
    else:
        typer.echo(f"Changed {device_id}.")
