"""`cityhub grafana`: dashboards, alert rules and all that belongs to them, into a Grafana and out of it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hub.cli.context import FAILED, UNWELL, settings_of
from hub.cli.place import AsJson
from hub.cli.registry import show_json, show_table
from hub.errors import UsageError
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.grafana.push import Result

grafanas = typer.Typer(help="Dashboards and alerts in Grafana.", no_args_is_help=True)

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Also what somebody edited by hand.")]
_COLUMNS: Final = ("kind", "name", "state", "done", "why")


class Role(StrEnum):
    """What the hub's account in Grafana is trusted with."""

    EDITOR = "Editor"
    ADMIN = "Admin"


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    app.add_typer(grafanas, name="grafana")


@grafanas.command("push")
def push_all(ctx: typer.Context, overwrite: Overwrite = False, as_json: AsJson = False) -> None:
    """Put everything there, or bring it up to date; what somebody edited by hand is kept. May be repeated.

    Example: cityhub grafana push
    """
    from hub.cli.grafana_work import pushed  # noqa: PLC0415 - half a second of imports that no other command needs

    _show(pushed(settings_of(ctx), overwrite=overwrite), as_json=as_json)


@grafanas.command("diff")
def show_diff(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show what a push would change; changes nothing. Exit code 0: nothing, 3: something.

    Example: cityhub grafana diff
    """
    from hub.cli.grafana_work import different  # noqa: PLC0415 - as above

    results = different(settings_of(ctx))
    _show(results, as_json=as_json)
    if any(result.state != "same" for result in results):
        raise typer.Exit(UNWELL)


@grafanas.command("check")
def check_all(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Ask whether Grafana is there, may be written to, reads the database, and is up to date. Exit code 3: not all.

    Example: cityhub grafana check
    """
    from hub.cli.grafana_work import checked  # noqa: PLC0415 - as above

    found, problems = checked(settings_of(ctx))
    if as_json:
        show_json({"version": found, "problems": problems})
    else:
        typer.echo("\n".join([f"Grafana {found}", *(problems or ["Everything is as it should be."])]))
    if problems:
        raise typer.Exit(UNWELL)


@grafanas.command("remove")
def remove_all(ctx: typer.Context, overwrite: Overwrite = False, as_json: AsJson = False) -> None:
    """Take everything of ours away, and nothing else.

    Example: cityhub grafana remove
    """
    from hub.cli.grafana_work import removed  # noqa: PLC0415 - as above

    _show(removed(settings_of(ctx), overwrite=overwrite), as_json=as_json)


@grafanas.command("token")
def new_token(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where the token goes, mode 0600; name it as grafana.token_file.")],
    *,
    user: Annotated[str, typer.Option(help="An administrator of Grafana.")] = "admin",
    role: Annotated[Role, typer.Option(help="Editor is enough once the data sources are there.")] = Role.ADMIN,
) -> None:
    """Make a service account with as little right as it needs, and a token of it.

    The password is asked for, or read from the first line of standard input.

    Example: cityhub grafana token grafana-token --role Editor
    """
    from hub.cli.grafana_work import token  # noqa: PLC0415 - as above

    options = settings_of(ctx).grafana
    if options is None:
        raise UsageError("the settings name no Grafana; give [grafana] its `url` first")
    write_atomically(file, token(options, user, _password(user), role).encode())
    typer.echo(f"Wrote {file}. Put it into the settings: [grafana] token_file = {str(file)!r}")


def _password(user: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {user} in Grafana", hide_input=True))
    return sys.stdin.readline().rstrip("\r\n")


def _show(results: Sequence[Result], *, as_json: bool) -> None:
    if as_json:
        show_json([result.plain() for result in results])
    else:
        show_table(_COLUMNS, ([one.kind, one.name, one.state, one.done, (one.why or ("",))[0]] for one in results))
        for result in results:
            for line in result.why[1:]:
                typer.echo(f"    {result.name}: {line}")
    if any(result.failed for result in results):
        raise typer.Exit(FAILED)
