"""`cityhub device`: register devices, look at them, and make what is given to them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.context import settings_of
from hub.cli.place import AsJson, Latitude, Longitude, Name, agencies, sites, zones
from hub.cli.registry import open_enrolment, open_registry, show_json, show_records, show_table
from hub.decode.cases import Sender
from hub.directory import vendor_topics
from hub.errors import UsageError
from hub.profiles.loader import load_profiles, profile_names
from hub.profiles.mqtt import TOPIC
from hub.profiles.topics import fill
from provisioning.bundle import bundle_files, check_password, new_password, write_pkcs12, write_zip
from provisioning.clock import utc
from provisioning.csr import MAX_REQUEST
from provisioning.records import NewDevice, Zone

if TYPE_CHECKING:
    from hub.profiles.mqtt import Source
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary
    from provisioning.issued import Issued
    from provisioning.records import Device

devices = typer.Typer(help="Devices: cameras, trackers, sensors, gateways ….", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The device's id, e.g. cam-bobotsari-01.")]


def register(app: typer.Typer) -> None:
    """Add the groups of this file and of hub/cli/place.py to the command."""
    app.add_typer(devices, name="device")
    app.add_typer(agencies, name="agency")
    app.add_typer(sites, name="site")
    app.add_typer(zones, name="zone")


@devices.command()
def add(  # noqa: PLR0913 - an option a column
    ctx: typer.Context,
    device_id: Id,
    profile: Annotated[str, typer.Option(help="The profile that describes its model, e.g. generic_ipcamera.")],
    *,
    name: Name = "",
    agency: Annotated[str | None, typer.Option(help="Who owns it; otherwise its site's agency.")] = None,
    site: Annotated[str | None, typer.Option(help="Where it stands.")] = None,
    zone: Annotated[list[str] | None, typer.Option(help="A zone it serves; may be repeated.")] = None,
    serial: Annotated[str | None, typer.Option(help="Serial number, as on the type plate.")] = None,
    imei: Annotated[str | None, typer.Option(help="15 digits.")] = None,
    lat: Latitude = None,
    lon: Longitude = None,
    gateway: Annotated[str | None, typer.Option(help="The device that speaks for it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a device; a running hub serves it within two seconds.

    Example: cityhub device add cam-1 --profile generic_ipcamera --zone traffic

    Example: cityhub device add cam-2 --profile generic_ipcamera --agency dishub --site bobotsari-pasar
    --zone traffic --zone crime --lat -7.307 --lon 109.362 --name "North gate" --serial DS2CD2043
    """
    check_profile(profile, settings_of(ctx).profiles.folder)
    new = NewDevice(
        id=device_id,
        profile=profile,
        name=name,
        agency=agency,
        site=site,
        zones=tuple(zone or ()),
        serial=serial,
        imei=imei,
        lat=lat,
        lon=lon,
        parent=gateway,
    )
    registry = open_registry(ctx)
    known = [one.id for one in registry.all(Zone)]
    device = registry.add_device(new)
    _tell_new_zones(new.zones, known)
    if as_json:
        show_json(asdict(device))
    else:
        typer.echo(f"Registered {device.id}. Next: cityhub device bundle {device.id}")


@devices.command("list")
def list_devices(  # noqa: PLR0913 - an option a question
    ctx: typer.Context,
    *,
    agency: Annotated[str | None, typer.Option(help="Only this agency's, by the device or its site.")] = None,
    site: Annotated[str | None, typer.Option(help="Only at this site.")] = None,
    zone: Annotated[str | None, typer.Option(help="Only in this zone.")] = None,
    profile: Annotated[str | None, typer.Option(help="Only of this profile.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the devices that match all that is given.

    Example: cityhub device list --zone traffic --json
    """
    found = open_registry(ctx).devices(agency=agency, site=site, zone=zone, profile=profile)
    show_records(found, ("id", "profile", "agency", "site", "zones", "lifecycle", "name"), as_json=as_json)


@devices.command()
def show(ctx: typer.Context, device_id: Id, as_json: AsJson = False) -> None:
    """Show all that the registry knows of a device, and the certificates it was given.

    Example: cityhub device show cam-bobotsari-01
    """
    registry = open_registry(ctx)
    device = registry.device(device_id)
    certificates = registry.certificates(device_id)
    if as_json:
        show_json(asdict(device) | {"certificates": [asdict(one) for one in certificates]})
        return
    shown = {name: utc(value) if name.endswith("_ns") and value else value for name, value in asdict(device).items()}
    show_table(("field", "value"), [(name.removesuffix("_ns"), value) for name, value in shown.items()])
    typer.echo()
    show_table(("certificate", "until"), [(one.serial, f"{utc(one.not_after_ns):%Y-%m-%d}") for one in certificates])


@devices.command()
def bundle(  # noqa: PLR0913 - an option a choice
    ctx: typer.Context,
    device_id: Id,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; otherwise ID.zip or ID.p12.", show_default=False)
    ] = None,
    csr: Annotated[
        typer.FileBinaryRead | None, typer.Option(help="A signing request, PEM or DER, of a key made on the device.")
    ] = None,
    *,
    pkcs12: Annotated[
        bool, typer.Option("--pkcs12", help="Key and certificates as PKCS #12, under a password that is shown once.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Take that password from standard input.")
    ] = False,
) -> None:
    """Issue a certificate and write all that the device needs as a zip: key, certificates, broker, topics.

    Example: cityhub device bundle cam-bobotsari-01 --out cam-bobotsari-01.zip

    Example: cityhub device bundle cam-bobotsari-01 --pkcs12
    """
    if password_stdin and not pkcs12:
        raise UsageError("--password-stdin belongs to --pkcs12: a zip has no password")
    if csr is not None and pkcs12:
        raise UsageError("PKCS #12 holds the key, which with --csr stays on the device: leave out one of the two")
    device = open_registry(ctx).device(device_id)
    target = out or Path(f"{device_id}.{'p12' if pkcs12 else 'zip'}")
    if target.exists():
        raise UsageError(f"{target} is there already, and may hold a key in use: remove it, or name another with --out")
    if pkcs12:
        _write_pkcs12(ctx, device_id, target, password_stdin=password_stdin)
    else:
        _write_zip(ctx, device, target, csr)
    typer.echo(f"Wrote {target}. Whoever has it can speak as {device_id}: hand it over safely, then delete it.")


def _write_zip(ctx: typer.Context, device: Device, target: Path, csr: typer.FileBinaryRead | None) -> None:
    own = settings_of(ctx).profiles.folder
    check_profile(device.profile, own)
    vocabulary, profiles = load_profiles(own=own)
    sample = sample_payload(vocabulary, profiles[device.profile])
    enrolment = open_enrolment(ctx)
    issued: Issued
    if csr is None:
        issued = enrolment.issue_with_hub_key(device.id)
    else:
        issued = enrolment.issue_from_csr(device.id, csr.read(MAX_REQUEST + 1))
    broker = settings_of(ctx).broker_address
    vendors = own_topics(profiles[device.profile], device)
    write_zip(target, bundle_files(device.id, issued, broker=broker, sample=sample, vendors=vendors))


def _write_pkcs12(ctx: typer.Context, device_id: str, target: Path, *, password_stdin: bool) -> None:
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else new_password()
    check_password(password)
    write_pkcs12(target, device_id, open_enrolment(ctx).issue_with_hub_key(device_id), password)
    if not password_stdin:
        typer.echo(f"Password, shown only now: {password}")


def check_profile(name: str, own: Path | None = None) -> None:
    """Check that there is such a profile, in the city's own folder too; raises UsageError with the nearest one."""
    names = profile_names(own=own)
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise UsageError(f"there is no profile {name!r}; {hint}")


def own_topics(profile: Profile, device: Device | NewDevice) -> list[str]:
    """Return the vendor's topics that a device may write to, as far as the registry knows its serial and IMEI."""
    identity = Sender(device.id, device.serial, device.imei)
    return [filled for topic in vendor_topics(profile) if (filled := fill(topic, identity))]


def sample_payload(vocabulary: Vocabulary, profile: Profile) -> str:
    """Return the smallest native telemetry that a device of this profile may send: one reading, midway in its range.

    Empty when the profile speaks on no native topic, or nothing of such a reading.
    """
    telemetry = profile.mqtt.get("telemetry")
    if telemetry is None or telemetry.topics or telemetry.format != "json" or telemetry.samples or telemetry.when:
        return ""
    for measurement, readings in telemetry.readings.items():
        for name, source in readings.items():
            reading = vocabulary.reading(measurement, name)
            if reading and reading.min is not None and reading.max is not None and _is_plain(source):
                value = ((reading.min + reading.max) / 2 - source.offset) / source.scale
                return _nested(source.path or "", int(value) if reading.type == "int" else value)
    return ""


def _is_plain(source: Source) -> bool:
    """Return whether a number under keys of objects is all that it takes."""
    numbers = any(part.isdecimal() for part in (source.path or "$").split("."))
    special = source.map, source.bit, source.part, source.min, source.max
    return not numbers and not (source.path or "").startswith(TOPIC) and all(one is None for one in special)


def _nested(path: str, value: float) -> str:
    document: object = value
    for key in reversed(path.split(".")):
        document = {key: document}
    return json.dumps(document)


def _tell_new_zones(named: tuple[str, ...], known: list[str]) -> None:
    for zone in sorted(set(named) - set(known)):
        near = get_close_matches(zone, known, n=1)
        typer.echo(f"New zone {zone}{f'; was {near[0]} meant?' if near else ''}", err=True)
