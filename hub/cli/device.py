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
from hub.cli.place import AsJson, Latitude, Longitude, Name, agencies, contacts, sites, zones
from hub.cli.polled import polled_words
from hub.cli.registry import day, open_enrolment, open_registry, show_json, show_records, show_table
from hub.decode.cases import Sender
from hub.directory import vendor_topics
from hub.errors import UsageError
from hub.profiles.certificate import certificate_rules
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
    from provisioning.enrolment import Enrolment
    from provisioning.issued import Issued, IssuedWithKey
    from provisioning.records import Device

devices = typer.Typer(help="Devices: cameras, trackers, sensors, gateways ….", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The device's id, e.g. cam-bobotsari-01.")]


def register(app: typer.Typer) -> None:
    """Add the groups of this file and of hub/cli/place.py to the command."""
    app.add_typer(devices, name="device")
    app.add_typer(agencies, name="agency")
    app.add_typer(contacts, name="contact")
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
    modbus: Annotated[
        str | None, typer.Option(help="Where it is polled, e.g. tcp://10.20.3.4:502 or rtu:///dev/ttyUSB0?baud=9600.")
    ] = None,
    unit: Annotated[int | None, typer.Option(help="Its address on that bus, 0 to 255.")] = None,
    local_recording: Annotated[
        bool, typer.Option("--local-recording", help="Its video stays on a recorder at the site.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a device; a running hub serves it within two seconds.

    Example: cityhub device add cam-1 --profile generic_ipcamera --zone traffic

    Example: cityhub device add cam-2 --profile generic_ipcamera --agency dishub --site bobotsari-pasar
    --zone traffic --zone crime --lat -7.307 --lon 109.362 --name "North gate" --serial DS2CD2043

    Example: cityhub device add meter-7 --profile eastron_sdm630 --modbus tcp://10.20.3.4:502 --unit 7
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
        modbus=modbus,
        unit=unit,
        local_recording=local_recording,
    )
    registry = open_registry(ctx)
    known = [one.id for one in registry.all(Zone)]
    device = registry.add_device(new)
    tell_new_zones(new.zones, known)
    if as_json:
        show_json(asdict(device))
    else:
        following = "show" if device.modbus else "bundle"
        typer.echo(f"Registered {device.id}. Next: cityhub device {following} {device.id}")


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
    """Show all that the registry knows of a device, the certificates it was given, and how it answers over Modbus.

    Example: cityhub device show cam-bobotsari-01
    """
    registry = open_registry(ctx)
    device = registry.device(device_id)
    certificates = registry.certificates(device_id)
    polled = {"polling": polled_words(settings_of(ctx), device_id)} if device.modbus else {}
    if as_json:
        show_json(asdict(device) | {"certificates": [asdict(one) for one in certificates]} | polled)
        return
    shown = {
        name: utc(value) if name.endswith("_ns") and value else value
        for name, value in (asdict(device) | polled).items()
    }
    show_table(("field", "value"), [(name.removesuffix("_ns"), value) for name, value in shown.items()])
    typer.echo()
    rows = [(one.serial, day(one.not_after_ns), day(one.revoked_ns), one.reason) for one in certificates]
    show_table(("certificate", "until", "revoked", "reason"), rows)


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

    A key that is made here is kept, encrypted, until the device is first heard or for a day: so long the same command
    gives the same key and certificate again. To have others, revoke those first.

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
    check_profile(device.profile, settings_of(ctx).profiles.folder)
    if pkcs12:
        _write_pkcs12(ctx, device_id, target, password_stdin=password_stdin)
    else:
        _write_zip(ctx, device, target, csr)
    typer.echo(f"Wrote {target}. Whoever has it can speak as {device_id}: hand it over safely, then delete it.")


def _write_zip(ctx: typer.Context, device: Device, target: Path, csr: typer.FileBinaryRead | None) -> None:
    vocabulary, profiles = load_profiles(own=settings_of(ctx).profiles.folder)
    profile, enrolment = profiles[device.profile], open_enrolment(ctx, certificate_rules(profiles))
    issued: Issued
    if csr is None:
        issued = _with_key(enrolment, device.id)
    else:
        issued = enrolment.issue_from_csr(device.id, csr.read(MAX_REQUEST + 1))
    sample, vendors = sample_payload(vocabulary, profile), own_topics(profile, device)
    broker = settings_of(ctx).broker_address
    write_zip(target, bundle_files(device.id, issued, broker=broker, sample=sample, vendors=vendors))


def _with_key(enrolment: Enrolment, device_id: str) -> IssuedWithKey:
    """Issue a certificate with a new key, or take those that were issued and are still kept."""
    if kept := enrolment.kept(device_id):
        typer.echo(f"The same key and certificate as before: no hub has heard {device_id} since.")
        return kept
    return enrolment.issue_with_hub_key(device_id)


def _write_pkcs12(ctx: typer.Context, device_id: str, target: Path, *, password_stdin: bool) -> None:
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else new_password()
    check_password(password)
    _, profiles = load_profiles(own=settings_of(ctx).profiles.folder)
    issued = _with_key(open_enrolment(ctx, certificate_rules(profiles)), device_id)
    write_pkcs12(target, device_id, issued, password)
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


def tell_new_zones(named: tuple[str, ...], known: list[str]) -> None:
    """Say on stderr which zones came into being, as one may have been mistyped."""
    for zone in sorted(set(named) - set(known)):
        near = get_close_matches(zone, known, n=1)
        typer.echo(f"New zone {zone}{f'; was {near[0]} meant?' if near else ''}", err=True)
