"""`cityhub agency`, `cityhub contact`, `cityhub site`, `cityhub zone`: what devices belong to, and who is called."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from hub.cli.changes import changes
from hub.cli.registry import open_registry, show_records
from provisioning.identity import read_phone
from provisioning.records import Agency, Contact, Site, Zone

agencies = typer.Typer(help="Agencies (OPD) that own devices.", no_args_is_help=True)
contacts = typer.Typer(help="People of the agencies, who are called when something is wrong.", no_args_is_help=True)
sites = typer.Typer(help="Places where devices stand.", no_args_is_help=True)
zones = typer.Typer(help="Zones; a zone comes into being when a device first names it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Option(help="A name for people to read.")]
ContactId = Annotated[str, typer.Argument(metavar="CONTACT", help="Its id, e.g. dishub-piket.")]
Latitude = Annotated[float | None, typer.Option(help="Degrees WGS 84, south negative.")]
Longitude = Annotated[float | None, typer.Option(help="Degrees WGS 84.")]


class ClearSite(StrEnum):
    """What a site need not have."""

    AGENCY = "agency"
    POSITION = "position"


_EMPTY_SITE: Final[dict[ClearSite, dict[str, Any]]] = {
    ClearSite.AGENCY: {"agency": None},
    ClearSite.POSITION: {"lat": None, "lon": None},
}


@agencies.command("add")
def add_agency(
    ctx: typer.Context,
    agency: Annotated[str, typer.Argument(help="Its id, e.g. dishub.")],
    name: Name = "",
) -> None:
    """Add an agency.

    Example: cityhub agency add dishub --name "Dinas Perhubungan"
    """
    open_registry(ctx).add(Agency(agency, name))
    typer.echo(f"Added the agency {agency}.")


@agencies.command("update")
def update_agency(
    ctx: typer.Context,
    agency: Annotated[str, typer.Argument(help="Its id.")],
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
) -> None:
    """Correct an agency's name; whether its claims wait for an approval says `approval`.

    Example: cityhub agency update dishub --name "Dinas Perhubungan"
    """
    registry = open_registry(ctx)
    registry.update(replace(registry.get(Agency, agency), **changes({"name": name})))
    typer.echo(f"Changed the agency {agency}.")


@agencies.command("list")
def list_agencies(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all agencies.

    Example: cityhub agency list --json
    """
    show_records(open_registry(ctx).all(Agency), ("id", "name"), as_json=as_json)


@contacts.command("add")
def add_contact(
    ctx: typer.Context,
    contact: ContactId,
    *,
    agency: Annotated[str, typer.Option(help="The agency that the person speaks for.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    phone: Annotated[str, typer.Option(help="+62812… or 0812….")],
) -> None:
    """Add a person whom to call about an agency's devices.

    Example: cityhub contact add dishub-piket --agency dishub --name "Budi Santoso" --phone 0812-3456-7890
    """
    open_registry(ctx).add(Contact(contact, agency, name, read_phone(phone)))
    typer.echo(f"Added the contact {contact}.")


@contacts.command("update")
def update_contact(
    ctx: typer.Context,
    contact: ContactId,
    *,
    agency: Annotated[str | None, typer.Option(help="Another agency.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    phone: Annotated[str | None, typer.Option(help="Another number, +62812… or 0812….")] = None,
) -> None:
    """Change a contact; what is not given stays.

    Example: cityhub contact update dishub-piket --name "Siti Aminah" --phone 0813-2222-3333
    """
    registry = open_registry(ctx)
    given = {"agency": agency, "name": name, "phone": None if phone is None else read_phone(phone)}
    registry.update(replace(registry.get(Contact, contact), **changes(given)))
    typer.echo(f"Changed the contact {contact}.")


@contacts.command("remove")
def remove_contact(ctx: typer.Context, contact: ContactId) -> None:
    """Remove a contact.

    Example: cityhub contact remove dishub-piket
    """
    open_registry(ctx).remove(Contact, contact)
    typer.echo(f"Removed the contact {contact}.")


@contacts.command("list")
def list_contacts(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all contacts.

    Example: cityhub contact list --json
    """
    show_records(open_registry(ctx).all(Contact), ("id", "agency", "name", "phone"), as_json=as_json)


@sites.command("add")
def add_site(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    site: Annotated[str, typer.Argument(help="Its id, e.g. bobotsari-pasar.")],
    *,
    name: Name = "",
    agency: Annotated[str | None, typer.Option(help="The agency that owns what stands there.")] = None,
    lat: Latitude = None,
    lon: Longitude = None,
) -> None:
    """Add a site.

    Example: cityhub site add bobotsari-pasar --name "Pasar Bobotsari" --agency dishub --lat -7.307 --lon 109.362
    """
    open_registry(ctx).add(Site(site, name, agency, lat, lon))
    typer.echo(f"Added the site {site}.")


@sites.command("update")
def update_site(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    site: Annotated[str, typer.Argument(help="Its id.")],
    *,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    agency: Annotated[str | None, typer.Option(help="Another agency, also of its devices that name none.")] = None,
    lat: Latitude = None,
    lon: Longitude = None,
    clear: Annotated[list[ClearSite] | None, typer.Option(help="What it shall not have; may be repeated.")] = None,
) -> None:
    """Correct a site; what is not given stays.

    Example: cityhub site update bobotsari-pasar --lat -7.3071 --lon 109.3624 --clear agency
    """
    registry = open_registry(ctx)
    given = {"name": name, "agency": agency, "lat": lat, "lon": lon}
    wanted = changes(given, (_EMPTY_SITE[one] for one in clear or ()))
    registry.update(replace(registry.get(Site, site), **wanted))
    typer.echo(f"Changed the site {site}.")


@sites.command("list")
def list_sites(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all sites.

    Example: cityhub site list
    """
    show_records(open_registry(ctx).all(Site), ("id", "agency", "lat", "lon", "name"), as_json=as_json)


@zones.command("list")
def list_zones(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all zones.

    Example: cityhub zone list
    """
    show_records(open_registry(ctx).all(Zone), ("id", "name"), as_json=as_json)
