"""`cityhub user`: who may use the hub's API and console, with passwords for people and tokens for programs.

The command line itself knows no users: see hub/cli/caller.py.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from time import time_ns
from typing import Annotated, Any

import typer

from hub.cli.audit import audits
from hub.cli.place import AsJson, Name
from hub.cli.registry import open_users, show_json, show_table
from hub.errors import UsageError
from provisioning.access import Role
from provisioning.clock import utc
from provisioning.tokens import Token
from provisioning.users import NewUser, User, UserChanges

users = typer.Typer(help="Those who may use the API and the console.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens, by which programs act for a user.", no_args_is_help=True)
users.add_typer(tokens, name="token")

Id = Annotated[str, typer.Argument(metavar="USER", help="The user's id, e.g. budi.")]
Agencies = Annotated[list[str] | None, typer.Option("--agency", help="Only for this agency; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Add the groups of this file and of hub/cli/audit.py to the command."""
    app.add_typer(users, name="user")
    app.add_typer(audits, name="audit")


@users.command()
def add(
    ctx: typer.Context,
    user_id: Id,
    role: Annotated[Role, typer.Option(help="What the user is trusted with; each may do all that the one before may.")],
    *,
    agency: Agencies = None,
    name: Name = "",
) -> None:
    """Add a user, for the whole city unless agencies are named.

    Example: cityhub user add budi --role technician --agency dishub --name "Budi Santoso"
    """
    new = NewUser(id=user_id, role=role, agencies=frozenset(agency) if agency else None, name=name)
    added = open_users(ctx).add(new)
    typer.echo(f"Added {_described(added)}. Next: cityhub user password {user_id}, or cityhub user token add {user_id}")


@users.command("list")
def list_users(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all users, disabled ones too.

    Example: cityhub user list --json
    """
    found = open_users(ctx).all()
    if as_json:
        show_json([_plain(one) for one in found])
    else:
        columns = ("id", "role", "agencies", "state", "password", "name")
        show_table(columns, (_line(one) for one in found))


@users.command()
def update(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    user_id: Id,
    *,
    role: Annotated[Role | None, typer.Option(help="Another role.")] = None,
    agency: Agencies = None,
    whole_city: Annotated[bool, typer.Option("--whole-city", help="No longer limited to agencies.")] = False,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
) -> None:
    """Change a user's role, agencies or name; what is not given stays.

    Example: cityhub user update budi --role operator --agency dishub --agency dinkes
    """
    if agency and whole_city:
        raise UsageError("--agency and --whole-city contradict each other; give one of them")
    changes = UserChanges()
    if role is not None:
        changes["role"] = role
    if agency or whole_city:
        changes["agencies"] = frozenset(agency) if agency else None
    if name is not None:
        changes["name"] = name
    typer.echo(f"Now {_described(open_users(ctx).update(user_id, **changes))}.")


@users.command()
def disable(ctx: typer.Context, user_id: Id) -> None:
    """Shut a user out, with all tokens, until enabled again; users are never removed, for the record names them.

    Example: cityhub user disable budi
    """
    open_users(ctx).update(user_id, disabled=True)
    typer.echo(f"Disabled {user_id}: neither password nor tokens are accepted any more.")


@users.command()
def enable(ctx: typer.Context, user_id: Id) -> None:
    """Let a disabled user in again.

    Example: cityhub user enable budi
    """
    open_users(ctx).update(user_id, disabled=False)
    typer.echo(f"Enabled {user_id}: the password and tokens from before are accepted again.")


@users.command()
def password(ctx: typer.Context, user_id: Id) -> None:
    """Set a user's password, asked for here or read from the first line of standard input.

    Example: cityhub user password budi

    Example: pass show cityhub/budi | cityhub user password budi
    """
    found = open_users(ctx)
    found.get(user_id)  # before anything is typed
    found.set_password(user_id, _read_password())
    typer.echo(f"Set the password of {user_id}.")


@tokens.command("add")
def add_token(
    ctx: typer.Context,
    user_id: Id,
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int, typer.Option(help="How long it is valid.")] = 365,
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    Example: cityhub user token add dashboard --name "wall display" --days 90
    """
    made = open_users(ctx).add_token(user_id, name, days)
    typer.echo(f"Whoever has this token can act as {user_id} for {days} days; it is not shown again:", err=True)
    typer.echo(made.reveal())


@tokens.command("list")
def list_tokens(
    ctx: typer.Context,
    user_id: Annotated[str | None, typer.Argument(metavar="[USER]", help="Only this user's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List tokens, the latest first, without what is secret.

    Example: cityhub user token list budi
    """
    found = open_users(ctx).tokens(user_id)
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        columns = ("id", "user", "until", "state", "name")
        show_table(columns, ((one.id, one.user, _until(one), _state(one, time_ns()), one.name) for one in found))


@tokens.command("revoke")
def revoke_token(
    ctx: typer.Context, token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, as listed.")]
) -> None:
    """Revoke a token for good.

    Example: cityhub user token revoke 5f0c8a3e9b21
    """
    open_users(ctx).revoke_token(token_id)
    typer.echo(f"Revoked {token_id}.")


def _read_password() -> str:
    """Never an argument: those are seen by everybody on the machine."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _plain(one: User) -> dict[str, Any]:
    agencies = None if one.agencies is None else sorted(one.agencies)
    return asdict(one) | {"role": one.role.value, "agencies": agencies}


def _line(one: User) -> tuple[object, ...]:
    state = "disabled" if one.disabled else "enabled"
    return one.id, one.role, _reach(one), state, "yes" if one.has_password else "no", one.name


def _described(one: User) -> str:
    return f"{one.id}, {one.role} for {_reach(one)}"


def _reach(one: User) -> str:
    return "the whole city" if one.agencies is None else ", ".join(sorted(one.agencies))


def _until(one: Token) -> str:
    return f"{utc(one.expires_ns):%Y-%m-%d}"


def _state(one: Token, now_ns: int) -> str:
    if one.revoked_ns is not None:
        return "revoked"
    return "valid" if now_ns < one.expires_ns else "expired"
