"""`cityhub agency`, `cityhub site`, `cityhub zone`: what devices belong to."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.registry import open_registry, show_records
from provisioning.records import Agency, Site, Zone

agencies = typer.Typer(help="Agencies (OPD) that own devices.", no_args_is_help=True)
sites = typer.Typer(help="Places where devices stand.", no_args_is_help=True)
zones = typer.Typer(help="Zones; a zone comes into being when a device first names it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Option(help="A name for people to read.")]
Latitude = Annotated[float | None, typer.Option(help="Degrees WGS 84, south negative.")]
Longitude = Annotated[float | None, typer.Option(help="Degrees WGS 84.")]


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


@agencies.command("list")
def list_agencies(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all agencies.

    Example: cityhub agency list --json
    """
    show_records(open_registry(ctx).all(Agency), ("id", "name"), as_json=as_json)


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
