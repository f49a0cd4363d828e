"""`cityhub uplink`: the links of sites to the network, what they can carry and what they cost."""

from __future__ import annotations

from dataclasses import asdict, replace
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Final

import typer

from hub.cli.changes import changes
from hub.cli.place import AsJson
from hub.cli.registry import open_registry, show_json, show_records, show_table
from hub.errors import UsageError
from provisioning.records import Tariff, Uplink

uplinks = typer.Typer(help="Links of sites to the network: capacity, router, tariff.", no_args_is_help=True)

MEGA: Final = 1_000_000
GIGABYTE: Final = 1_000_000_000

Id = Annotated[str, typer.Argument(metavar="ID", help="The uplink's id, e.g. pasar-fiber.")]


class Clear(StrEnum):
    """What an uplink need not have."""

    UP = "up"
    ROUTER = "router"
    QUOTA = "quota"


_EMPTY: Final[dict[Clear, dict[str, Any]]] = {
    Clear.UP: {"capacity_up_bps": None},
    Clear.ROUTER: {"router": None},
    Clear.QUOTA: {"quota_bytes": None, "overage_rupiah": None},
}


def register(app: typer.Typer) -> None:
    """Add the group of this file to the command."""
    app.add_typer(uplinks, name="uplink")


@uplinks.command()
def add(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    uplink: Id,
    site: Annotated[str, typer.Option(help="The site that it connects.")],
    down: Annotated[float, typer.Option(help="Capacity towards the site, Mbit/s.")],
    *,
    up: Annotated[float | None, typer.Option(help="Capacity from the site, Mbit/s; otherwise as down.")] = None,
    router: Annotated[str | None, typer.Option(help="The device whose counters of this link are the truth.")] = None,
    tariff: Annotated[Tariff, typer.Option(help="Flat, by volume, or flat up to a quota.")] = Tariff.MONTHLY,
    rupiah: Annotated[int, typer.Option(help="Price of a month, or of a gigabyte when paid by volume.")] = 0,
    quota: Annotated[float | None, typer.Option(help="Gigabytes a month that the price includes.")] = None,
    overage: Annotated[int | None, typer.Option(help="Price of a gigabyte beyond the quota, rupiah.")] = None,
) -> None:
    """Add an uplink; a gigabyte is 10^9 bytes, and both directions count.

    Example: cityhub uplink add pasar-fiber --site pasar --down 100 --up 20 --router gw-pasar --rupiah 1500000

    Example: cityhub uplink add kota-4g --site kota --down 20 --tariff quota --rupiah 250000 --quota 100 --overage 5000
    """
    new = Uplink(
        uplink,
        site,
        _whole(down, MEGA),
        tariff,
        rupiah,
        capacity_up_bps=_times(up, MEGA),
        router=router,
        quota_bytes=_times(quota, GIGABYTE),
        overage_rupiah=overage,
    )
    open_registry(ctx).add(new)
    typer.echo(f"Added the uplink {uplink}.")


@uplinks.command()
def update(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    uplink: Id,
    *,
    site: Annotated[str | None, typer.Option(help="Another site.")] = None,
    down: Annotated[float | None, typer.Option(help="Capacity towards the site, Mbit/s.")] = None,
    up: Annotated[float | None, typer.Option(help="Capacity from the site, Mbit/s; `--clear up`: as down.")] = None,
    router: Annotated[str | None, typer.Option(help="The device whose counters of this link are the truth.")] = None,
    tariff: Annotated[
        Tariff | None, typer.Option(help="Flat, by volume, or flat up to a quota; from a quota with `--clear quota`.")
    ] = None,
    rupiah: Annotated[int | None, typer.Option(help="Price of a month, or of a gigabyte when paid by volume.")] = None,
    quota: Annotated[float | None, typer.Option(help="Gigabytes a month that the price includes.")] = None,
    overage: Annotated[int | None, typer.Option(help="Price of a gigabyte beyond the quota, rupiah.")] = None,
    clear: Annotated[list[Clear] | None, typer.Option(help="What it shall not have; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change an uplink; what is not given stays. Bills are reckoned with the tariff as it is now, past ones as well.

    Example: cityhub uplink update pasar-fiber --down 200 --up 40 --rupiah 2000000

    Example: cityhub uplink update kota-4g --tariff monthly --rupiah 300000 --clear quota
    """
    given = {
        "site": site,
        "capacity_bps": _times(down, MEGA),
        "capacity_up_bps": _times(up, MEGA),
        "router": router,
        "tariff": tariff,
        "rupiah": rupiah,
        "quota_bytes": _times(quota, GIGABYTE),
        "overage_rupiah": overage,
    }
    wanted = changes(given, (_EMPTY[one] for one in clear or ()))
    registry = open_registry(ctx)
    changed = replace(registry.get(Uplink, uplink), **wanted)
    registry.update(changed)
    if as_json:
        show_json(asdict(changed))
    else:
        typer.echo(f"Changed the uplink {uplink}.")


@uplinks.command("list")
def list_uplinks(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all uplinks.

    Example: cityhub uplink list --json
    """
    columns = ("id", "site", "router", "capacity_bps", "capacity_up_bps", "tariff", "rupiah")
    show_records(open_registry(ctx).all(Uplink), columns, as_json=as_json)


@uplinks.command()
def show(ctx: typer.Context, uplink: Id, as_json: AsJson = False) -> None:
    """Show an uplink.

    Example: cityhub uplink show pasar-fiber
    """
    fields = asdict(open_registry(ctx).get(Uplink, uplink))
    if as_json:
        show_json(fields)
    else:
        show_table(("field", "value"), fields.items())


@uplinks.command()
def remove(ctx: typer.Context, uplink: Id) -> None:
    """Remove an uplink; what it carried stays in the history.

    Example: cityhub uplink remove pasar-fiber
    """
    open_registry(ctx).remove(Uplink, uplink)
    typer.echo(f"Removed the uplink {uplink}.")


def _times(number: float | None, factor: int) -> int | None:
    return None if number is None else _whole(number, factor)


def _whole(number: float, factor: int) -> int:
    if not isfinite(number):
        raise UsageError(f"{number} is no number of megabits or gigabytes")
    return round(number * factor)
