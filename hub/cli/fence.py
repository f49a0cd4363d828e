"""`cityhub fence`: areas that vehicles enter and leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.place import AsJson
from hub.cli.registry import open_registry, show_records
from hub.errors import UsageError
from hub.status.fences import read_fence
from provisioning.records import Geofence

fences = typer.Typer(help="Geofences: areas that vehicles enter and leave.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The area's name, e.g. alun-alun.")]


def register(app: typer.Typer) -> None:
    """Add the group of this file to the command."""
    app.add_typer(fences, name="fence")


@fences.command()
def add(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="GeoJSON: a Polygon or MultiPolygon, or Features.")],
    *,
    agency: Annotated[str | None, typer.Option(help="Whose vehicles it concerns; otherwise everybody's.")] = None,
    limit: Annotated[float | None, typer.Option(help="The speed that is allowed inside, km/h.")] = None,
) -> None:
    """Add an area; a running hub watches it within a minute.

    Example: cityhub fence add alun-alun alun-alun.geojson --agency dishub --limit 30
    """
    try:
        text = file.read_text(encoding="utf-8")
        read_fence(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    open_registry(ctx).add(Geofence(name, text, agency, limit))
    typer.echo(f"Added the geofence {name}.")


@fences.command("list")
def list_fences(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all areas.

    Example: cityhub fence list
    """
    show_records(open_registry(ctx).all(Geofence), ("id", "agency", "limit_kmh"), as_json=as_json)


@fences.command()
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove an area.

    Example: cityhub fence remove alun-alun
    """
    open_registry(ctx).remove(Geofence, name)
    typer.echo(f"Removed the geofence {name}.")
