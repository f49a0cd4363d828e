"""`cityhub incidents`: what somebody must look at; `cityhub device|site maintenance`: when nobody needs to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from time import time_ns
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from hub.cli.caller import caller
from hub.cli.context import settings_of
from hub.cli.place import AsJson
from hub.cli.registry import open_database, open_registry, show_json, show_table
from hub.errors import UsageError
from hub.status.store import Incidents
from provisioning.maintenance import Maintenance
from provisioning.records import Contact

if TYPE_CHECKING:
    from hub.status.incidents import Incident
    from provisioning.maintenance import Place

incidents = typer.Typer(help="Incidents: list them, take them on.")

Hours = Annotated[float | None, typer.Option(help="For so many hours from now.", show_default=False)]
Until = Annotated[
    str | None, typer.Option(help="Until this time, e.g. 2026-08-17T16:00 in the city's time.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why; those who wonder tomorrow will read it.")]
End = Annotated[bool, typer.Option("--end", help="End it now.")]

_HOUR_NS = 3_600 * 10**9


def register(app: typer.Typer, devices: typer.Typer, sites: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(incidents, name="incidents")
    devices.command("maintenance")(device_maintenance)
    sites.command("maintenance")(site_maintenance)


@incidents.callback(invoke_without_command=True)
def list_incidents(
    ctx: typer.Context,
    *,
    closed: Annotated[bool, typer.Option("--all/--open", help="Those that are closed as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the latest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the incidents that are open, the latest first, and whom to call.

    Example: cityhub incidents --all --limit 20
    """
    if ctx.invoked_subcommand is not None:
        return
    found = Incidents(open_database(ctx)).list(closed=closed, limit=limit)
    contacts = {one.agency: f"{one.name} {one.phone}" for one in reversed(open_registry(ctx).all(Contact))}
    if as_json:
        show_json([_plain(one) | {"contact": contacts.get(one.agency, "")} for one in found])
    elif found:
        zone = ZoneInfo(settings_of(ctx).city.timezone)
        rows = ((one.id, one.state, one.severity, _minute(one.opened_ns, zone), _minute(one.closed_ns, zone),
                 one.text, contacts.get(one.agency, "")) for one in found)  # fmt: skip
        show_table(("id", "state", "severity", "opened", "closed", "what", "call"), rows)
    else:
        typer.echo("No incident is open." if not closed else "There was never an incident.")


@incidents.command()
def ack(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `cityhub incidents` shows it.")],
    by: Annotated[str, typer.Option(help="Who takes it on; otherwise who runs this command.")] = "",
) -> None:
    """Take an incident on: others see that somebody is at it.

    Example: cityhub incidents ack 17 --by "Budi Santoso"
    """
    found = Incidents(open_database(ctx)).acknowledge(incident, caller(), time_ns(), by)
    typer.echo(f"{found.acknowledged_by} has taken on {found.id}: {found.text}")


def device_maintenance(  # noqa: PLR0913 - an option a question
    ctx: typer.Context,
    device_id: Annotated[str, typer.Argument(metavar="ID", help="The device's id, e.g. cam-bobotsari-01.")],
    *,
    until: Until = None,
    hours: Hours = None,
    reason: Reason = "",
    end: End = False,
) -> None:
    """Announce work on a device: nothing about it is an alarm until then; whether it is online goes on being shown.

    Example: cityhub device maintenance cam-bobotsari-01 --hours 4 --reason "new lens"
    """
    _maintain(ctx, "device", device_id, _end_ns(ctx, until, hours, end=end), reason)


def site_maintenance(  # noqa: PLR0913 - an option a question
    ctx: typer.Context,
    site: Annotated[str, typer.Argument(metavar="ID", help="The site's id, e.g. bobotsari-pasar.")],
    *,
    until: Until = None,
    hours: Hours = None,
    reason: Reason = "",
    end: End = False,
) -> None:
    """Announce work at a site, which is work on all of its devices.

    Example: cityhub site maintenance bobotsari-pasar --until 2026-08-17T16:00 --reason "PLN moves the pole"
    """
    _maintain(ctx, "site", site, _end_ns(ctx, until, hours, end=end), reason)


def _maintain(ctx: typer.Context, place: Place, name: str, end_ns: int | None, reason: str) -> None:
    maintenance = Maintenance(open_database(ctx), time_ns, caller())
    if end_ns is None:
        maintenance.end(place, name)
        typer.echo(f"The maintenance of {name} has ended.")
        return
    maintenance.begin(place, name, end_ns, reason)
    zone = ZoneInfo(settings_of(ctx).city.timezone)
    typer.echo(f"Nothing about the {place} {name} is an alarm until {_minute(end_ns, zone)}.")


def _end_ns(ctx: typer.Context, until: str | None, hours: float | None, *, end: bool) -> int | None:
    """Return the end that was asked for; None: now."""
    if sum((until is not None, hours is not None, end)) != 1:
        raise UsageError("say when it ends: one of --until, --hours and --end")
    if end:
        return None
    if hours is not None:
        return time_ns() + round(hours * _HOUR_NS)
    try:
        moment = datetime.fromisoformat(until or "")
    except ValueError:
        raise UsageError(f"--until {until!r} is no time; write it as 2026-08-17T16:00") from None
    zone = ZoneInfo(settings_of(ctx).city.timezone)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()) * 10**9


def _plain(one: Incident) -> dict[str, object]:
    told = {name: value for name, value in asdict(one).items() if name != "left"}  # which concerns the lines alone
    return told | {"state": one.state.value, "devices": list(one.devices)}


def _minute(at_ns: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, zone).strftime("%Y-%m-%d %H:%M") if at_ns else ""
