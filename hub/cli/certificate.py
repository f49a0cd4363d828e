"""`cityhub certs` and `cityhub ca`: the certificates that are out there, and the authority behind them."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from time import time_ns
from typing import Annotated

import typer

from hub.cli.caller import caller
from hub.cli.context import UNWELL, settings_of
from hub.cli.heard import last_heard
from hub.cli.place import AsJson
from hub.cli.registry import day, open_authority, open_database, open_registry, show_json, show_table
from hub.errors import CityhubError
from hub.profiles.certificate import certificate_rules
from hub.profiles.loader import load_profiles
from provisioning import hygiene
from provisioning.certificates import key_id
from provisioning.crl import Reason
from provisioning.files import write_atomically
from provisioning.keystore import VARIABLE, find_passphrase, read_passphrase
from provisioning.records import Device
from provisioning.revocation import Revocation
from provisioning.rotation import Rotation

certs = typer.Typer(help="Certificates of devices.", no_args_is_help=True)
authority = typer.Typer(help="The certificate authority.", no_args_is_help=True)

Why = Annotated[Reason, typer.Option("--reason", help="Why, for the list.")]
Note = Annotated[str, typer.Option(help="Why in your own words, for the record.")]
RootPassphrase = Annotated[
    Path | None, typer.Option(help="The file of that key's passphrase, when it is not the authority's.")
]


def register(app: typer.Typer) -> None:
    """Add the groups of this file to the command."""
    app.add_typer(certs, name="certs")
    app.add_typer(authority, name="ca")


def open_revocation(ctx: typer.Context) -> Revocation:
    """Open the registry and the authority to revoke, until the command ends; revocations are the caller's."""
    return Revocation(open_database(ctx), open_authority(ctx), time_ns, caller())


@certs.command("list")
def list_certificates(
    ctx: typer.Context,
    *,
    device: Annotated[str | None, typer.Option(help="Only this device's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the certificates that were issued to devices.

    Example: cityhub certs list --device cam-bobotsari-01
    """
    found = [one for one in hygiene.read_certificates(open_database(ctx)) if device in (None, one.device)]
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = (
        (one.device, one.serial, one.key_kind, day(one.not_after_ns), day(one.revoked_ns), one.reason) for one in found
    )
    show_table(("device", "serial", "key", "until", "revoked", "reason"), rows)


@certs.command("audit")
def audit_certificates(
    ctx: typer.Context,
    *,
    expiring: Annotated[int, typer.Option(help="Days before its end that a certificate should be renewed.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Report what is wrong: expired, expiring, shared, weak, old, unused, revoked but seen, a CA that ends; 3 if so.

    Weak, and living too long, is what goes beyond what the device's profile says under `certificate`.

    Example: cityhub certs audit --json | jq '.[].subject'
    """
    records = hygiene.read_certificates(open_database(ctx))
    policy, now = hygiene.Policy(expiring_days=expiring), time_ns()
    authorities, devices = open_authority(ctx).certificates, open_registry(ctx).devices()
    by_profile = certificate_rules(load_profiles(own=settings_of(ctx).profiles.folder)[1])
    rules = {one.id: by_profile[one.profile] for one in devices if one.profile in by_profile}
    seen = _heard(ctx, devices, now)
    found = hygiene.audit(records, now, seen=seen, authorities=authorities, rules=rules, policy=policy)
    if as_json:
        show_json([one._asdict() for one in found])
    elif found:
        show_table(("fault", "subject", "certificate", "detail"), found)
    else:
        typer.echo(f"{len(records)} certificates, and nothing wrong with them.")
    if found:
        raise typer.Exit(UNWELL)


def _heard(ctx: typer.Context, devices: list[Device], now_ns: int) -> hygiene.Seen | None:
    """Return when devices were last heard; without the database the rest of the report is still worth having."""
    try:
        return last_heard(settings_of(ctx), devices, now_ns)
    except CityhubError as error:
        typer.echo(f"Nothing is said about use, as the database cannot be asked: {error}", err=True)
        return None


@certs.command("revoke")
def revoke_certificate(
    ctx: typer.Context,
    serial: Annotated[str, typer.Argument(help="Its serial number, as `cityhub certs list` shows it.")],
    reason: Why = Reason.UNSPECIFIED,
    note: Note = "",
) -> None:
    """Revoke one certificate and leave the device's others; `cityhub device revoke` revokes them all.

    Example: cityhub certs revoke 3a91…77 --reason superseded
    """
    device = open_revocation(ctx).revoke_certificate(serial, reason, note)
    typer.echo(f"Revoked {serial} of {device}.")


@certs.command()
def crl(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(help="The file to write, PEM: a list for each issuing CA.")],
) -> None:
    """Write the lists of revoked certificates, for a broker that the hub does not look after.

    Example: cityhub certs crl --out /etc/mosquitto/crl.pem
    """
    write_atomically(out, open_revocation(ctx).crl(), 0o644)
    typer.echo(f"Wrote {out}: it holds for seven days, have it written anew each day, and the broker reload it.")


@authority.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the authority's certificates: the issuing CA that signs, the earlier ones, the root.

    Example: cityhub ca show
    """
    *issuing, root = open_authority(ctx).certificates
    roles = ["signs", *["earlier"] * (len(issuing) - 1), "root"]
    rows = [
        (role, key_id(one), one.subject.rfc4514_string(), f"{one.not_valid_after_utc:%Y-%m-%d}")
        for role, one in zip(roles, [*issuing, root], strict=True)
    ]
    columns = ("role", "key", "name", "until")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table(columns, rows)


@authority.command()
def rotate(
    ctx: typer.Context,
    root_key: Annotated[Path | None, typer.Option(help="The root's key, when it is kept offline.")] = None,
    root_passphrase: RootPassphrase = None,
) -> None:
    """Make another issuing CA, which signs from now on; what the earlier one issued stays good.

    Example: cityhub ca rotate --root-key /media/stick/root.key
    """
    name = _open_rotation(ctx).rotate(root_key, _passphrase(root_passphrase))
    typer.echo(f"The issuing CA {name} signs from now on. A running hub follows within seconds; an external broker")
    typer.echo("needs the new lists first: cityhub certs crl. Once all devices have renewed: cityhub ca drop")


@authority.command()
def drop(
    ctx: typer.Context,
    issuer: Annotated[str, typer.Argument(metavar="KEY", help="The earlier CA's key, as `cityhub ca show` prints it.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Although devices depend on it.")] = False,
) -> None:
    """End an earlier issuing CA for good: whatever it issued is refused from the next list on.

    Example: cityhub ca drop 5b1f09…e2
    """
    _open_rotation(ctx).drop(issuer, force=force)
    typer.echo(f"The issuing CA {issuer} is gone.")


@authority.command("root-export")
def export_root(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to, e.g. on a stick that is then locked away.")],
) -> None:
    """Move the root's key out of this machine, encrypted; only `cityhub ca rotate` needs it.

    Example: cityhub ca root-export /media/stick/root.key
    """
    _open_rotation(ctx).export_root(file)
    typer.echo(f"The root's key is in {file} only. Keep a second copy elsewhere, and the passphrase apart from both;")
    typer.echo("backups of this machine that were made before hold the key as well.")


@authority.command("root-import")
def import_root(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where the root's key is.")],
    passphrase: RootPassphrase = None,
) -> None:
    """Bring the root's key back to this machine.

    Example: cityhub ca root-import /media/stick/root.key
    """
    _open_rotation(ctx).import_root(file, _passphrase(passphrase))
    typer.echo("The root's key is back.")


@authority.command()
def encrypt(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file that holds the new passphrase, mode 0600.")],
) -> None:
    """Encrypt the authority's keys with the passphrase in a file, which the hub has to be given from then on.

    Example: cityhub ca encrypt /etc/cityhub/ca-passphrase
    """
    _open_rotation(ctx).encrypt(read_passphrase(file))
    typer.echo(f"The keys are encrypted. Set {VARIABLE}={file} for the hub and its commands, and restart the hub.")


def _open_rotation(ctx: typer.Context) -> Rotation:
    passphrase = find_passphrase(os.environ)
    return Rotation(open_database(ctx), settings_of(ctx).pki_dir, time_ns, passphrase, caller())


def _passphrase(file: Path | None) -> bytes | None:
    return None if file is None else read_passphrase(file)
