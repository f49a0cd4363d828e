"""`cityhub device claim`, `approve`, `revoke`, `retire` …: how devices get in by a code, and how they get out."""

from __future__ import annotations

from dataclasses import asdict, replace
from time import time_ns
from typing import Annotated

import typer

from hub.cli.caller import caller
from hub.cli.certificate import Note, Why, open_revocation
from hub.cli.context import settings_of
from hub.cli.place import AsJson
from hub.cli.registry import open_authority, open_database, open_registry, show_json, show_table
from hub.errors import UsageError
from provisioning.approvals import Approval, Approvals
from provisioning.claim_code import claim_text
from provisioning.claims import ATTEMPTS, DAYS, Claims
from provisioning.clock import utc
from provisioning.crl import Reason
from provisioning.records import Agency, Lifecycle
from provisioning.service_life import ServiceLife

Id = Annotated[str, typer.Argument(metavar="ID", help="The device's id, e.g. cam-bobotsari-01.")]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help="The beginning of its key's fingerprint, as `waiting` shows it.")
]

_SHORTEST_KEY = 8


def register(devices: typer.Typer) -> None:
    """Add the commands of this file to `cityhub device`."""
    for command in (claim, claims, waiting, approve, refuse, revoke, retire, transfer, lifecycle):
        devices.command()(command)
    devices.command("unclaim")(withdraw)
    devices.command("replace")(replace_hardware)


def register_agencies(agencies: typer.Typer) -> None:
    """Add `approval` to `cityhub agency`."""
    agencies.command()(approval)


def claim(
    ctx: typer.Context,
    device_id: Id,
    *,
    days: Annotated[int, typer.Option(help="For how long the code holds, 400 at most.")] = DAYS,
    attempts: Annotated[int, typer.Option(help="How often it may be tried, 100 at most.")] = ATTEMPTS,
    as_json: AsJson = False,
) -> None:
    """Make a code that the device, or a technician for it, exchanges for its certificate. It is shown this once.

    It also brings back a device that was offline for too long, or that lost its key.

    Example: cityhub device claim cam-bobotsari-01 --days 30
    """
    code = _open_claims(ctx).create(device_id, days=days, attempts=attempts)
    settings = settings_of(ctx)
    text = claim_text(device_id, settings.broker_address[0], settings.api.port, code)
    if as_json:
        show_json({"device": device_id, "code": code, "text": text})
    else:
        typer.echo(f"Code:    {code}\nSticker: {text}\nWhoever has it can become {device_id}, for {days} days.")


def claims(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the claim codes that were made, without the codes.

    Example: cityhub device claims
    """
    found = _open_claims(ctx).list()
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = ((one.device, _minute(one.expires_ns), one.attempts_left, _short(one.key_fingerprint)) for one in found)
    show_table(("device", "expires (UTC)", "attempts", "key"), rows)


def withdraw(ctx: typer.Context, device_id: Id) -> None:
    """Make a device's claim code void.

    Example: cityhub device unclaim cam-bobotsari-01
    """
    had = _open_claims(ctx).withdraw(device_id)
    typer.echo(f"The code of {device_id} is void." if had else f"{device_id} had no code.")


def waiting(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the devices whose agency demands an approval, and that wait for it.

    Example: cityhub device waiting
    """
    found = _open_approvals(ctx).list()
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = (
        (one.device, one.agency, _short(one.key_fingerprint), _minute(one.requested_ns), one.origin) for one in found
    )
    show_table(("device", "agency", "key", "since (UTC)", "from"), rows)


def approve(ctx: typer.Context, device_id: Id, key: Key) -> None:
    """Let a waiting device have its certificate; compare its key with what the technician reads there.

    Example: cityhub device approve cam-bobotsari-01 3f9a01c2
    """
    found = _waiting(ctx, device_id, key)
    _open_approvals(ctx).approve(device_id, found.key_fingerprint)
    typer.echo(f"Approved: {device_id} gets its certificate when it asks again, within a minute or so.")


def refuse(
    ctx: typer.Context,
    device_id: Id,
    key: Key,
    reason: Annotated[str, typer.Option(help="Why; the device's technician reads it.")],
) -> None:
    """Refuse a waiting device its certificate.

    Example: cityhub device refuse cam-bobotsari-01 3f9a01c2 --reason "nobody ordered it"
    """
    found = _waiting(ctx, device_id, key)
    _open_approvals(ctx).refuse(device_id, found.key_fingerprint, reason)
    typer.echo(f"Refused: {device_id} gets no certificate for this key.")


def revoke(ctx: typer.Context, device_id: Id, reason: Why = Reason.UNSPECIFIED, note: Note = "") -> None:
    """Revoke all certificates of a device; a running hub throws it out within seconds.

    Example: cityhub device revoke cam-bobotsari-01 --reason key_compromise --note "stolen from its pole"
    """
    _tell_revoked(device_id, open_revocation(ctx).revoke(device_id, reason, note))


def retire(ctx: typer.Context, device_id: Id, note: Note = "") -> None:
    """Take a device out of service; its certificates are revoked, and its past stays known.

    Example: cityhub device retire cam-bobotsari-01 --note "the road was moved"
    """
    serials = _open_service_life(ctx).retire(device_id, note)
    typer.echo(f"{device_id} is retired.")
    _tell_revoked(device_id, serials)


def lifecycle(
    ctx: typer.Context,
    device_id: Id,
    to: Annotated[Lifecycle, typer.Argument(metavar="STATE", help="registered, active or maintenance.")],
) -> None:
    """Move a device on in its life: into service, into the workshop and back, or register a retired one again.

    Example: cityhub device lifecycle cam-bobotsari-01 maintenance
    """
    if to is Lifecycle.RETIRED:
        raise UsageError(f"retiring revokes the certificates as well: cityhub device retire {device_id}")
    open_registry(ctx).move_device(device_id, to)
    typer.echo(f"{device_id} is {to} now.")


def transfer(
    ctx: typer.Context, device_id: Id, agency: Annotated[str, typer.Argument(help="The id of its new agency.")]
) -> None:
    """Hand a device to another agency; it keeps its certificate.

    Example: cityhub device transfer cam-bobotsari-01 satpolpp
    """
    _open_service_life(ctx).transfer(device_id, agency)
    typer.echo(f"{device_id} belongs to {agency} now.")


def replace_hardware(
    ctx: typer.Context,
    device_id: Id,
    serial: Annotated[str, typer.Option(help="The new one's serial number, as on its type plate.")],
    imei: Annotated[str | None, typer.Option(help="The new one's IMEI, 15 digits.")] = None,
) -> None:
    """Put new hardware in the place of the old, under the same id; the old one's certificates are revoked.

    Example: cityhub device replace cam-bobotsari-01 --serial DS2CD2043-77
    """
    _open_service_life(ctx).replace_hardware(device_id, serial, imei)
    typer.echo(
        f"{device_id} has the serial number {serial} now, and no certificate. Next: cityhub device claim {device_id}"
    )


def approval(
    ctx: typer.Context,
    agency: Annotated[str, typer.Argument(help="The id of the agency.")],
    *,
    required: Annotated[bool, typer.Option("--required/--not-required", help="Whether its claims wait.")],
) -> None:
    """Say whether claims of an agency's devices wait for an operator's approval.

    Example: cityhub agency approval dishub --required
    """
    registry = open_registry(ctx)
    registry.update(replace(registry.get(Agency, agency), approval_required=required))
    typer.echo(f"Claims of {agency} {'wait for an approval' if required else 'need no approval'}.")


def _open_claims(ctx: typer.Context) -> Claims:
    return Claims(open_database(ctx), open_authority(ctx), time_ns, caller())


def _open_approvals(ctx: typer.Context) -> Approvals:
    return Approvals(open_database(ctx), time_ns, caller())


def _open_service_life(ctx: typer.Context) -> ServiceLife:
    return ServiceLife(open_database(ctx), time_ns, caller())


def _waiting(ctx: typer.Context, device_id: str, key: str) -> Approval:
    """Return the request of a device, when it is for the key that the operator named."""
    if len(key) < _SHORTEST_KEY:
        raise UsageError(f"{key!r} is too short to tell keys apart; give {_SHORTEST_KEY} characters or more")
    for one in _open_approvals(ctx).list():
        if one.device == device_id and one.key_fingerprint.startswith(key.lower()):
            return one
    raise UsageError(f"{device_id} does not wait with the key {key}…; `cityhub device waiting` lists those that do")


def _tell_revoked(device_id: str, serials: list[str]) -> None:
    if serials:
        typer.echo(f"Revoked {len(serials)} of {device_id}: {', '.join(serials)}")
    else:
        typer.echo(f"{device_id} had no certificate to revoke.")


def _short(fingerprint: str | None) -> str | None:
    return fingerprint and fingerprint[: 2 * _SHORTEST_KEY]


def _minute(ns: int) -> str:
    return f"{utc(ns):%Y-%m-%d %H:%M}"
