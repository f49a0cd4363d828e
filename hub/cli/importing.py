"""`cityhub device import`: a spreadsheet of devices into the registry, with their certificates if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hub.cli.caller import caller
from hub.cli.context import FAILED, settings_of
from hub.cli.device import own_topics, sample_payload
from hub.cli.place import AsJson
from hub.cli.registry import open_database, open_enrolment, show_json
from hub.profiles.certificate import certificate_rules
from hub.profiles.loader import load_profiles, profile_names
from provisioning.bundle import bundle_files
from provisioning.importing.bundles import Bundler
from provisioning.importing.importer import Importer
from provisioning.importing.table import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Vocabulary
    from provisioning.importing.bundles import Contents
    from provisioning.importing.report import Report

_MOST_SHOWN = 100
_MOST_NAMED = 10


def register(devices: typer.Typer) -> None:
    """Add the command to `cityhub device`."""
    devices.command("import")(import_devices)


def import_devices(  # noqa: PLR0913 - an option a choice
    ctx: typer.Context,
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A CSV file (UTF-8) or an XLSX workbook.")
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be done, and do nothing.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Change what stands in the registry otherwise.")] = False,
    certificates: Annotated[
        Path | None, typer.Option(help="An empty or new folder for a bundle of each device that needs a certificate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register devices from a spreadsheet: all rows, or none. With anything wrong the report says it row by row.

    The first row holds the headings, in English or Bahasa Indonesia: id and profile (needed), name, agency, site,
    zones, serial, imei, lat, lon, parent, modbus, unit, local_recording. Agencies and sites that are not there yet are
    added when the columns agency_name, contact_name, contact_phone, site_name, site_agency, site_lat, site_lon describe
    them.

    Example: cityhub device import perangkat.xlsx --dry-run

    Example: cityhub device import perangkat.xlsx --certificates bundles
    """
    importer = Importer(open_database(ctx), time_ns, profile_names(own=settings_of(ctx).profiles.folder), caller())
    content = file.read(MAX_BYTES + 1)
    if dry_run:
        report = importer.rehearse(content, update=update, certify=certificates is not None)
    elif certificates is None:
        report = importer.run(content, update=update)
    else:
        with _bundler(ctx, certificates) as bundler:
            report = importer.run(content, update=update, bundler=bundler)
    if as_json:
        show_json(asdict(report))
    else:
        _show(report)
    if report.faults:
        raise typer.Exit(FAILED)


@contextmanager
def _bundler(ctx: typer.Context, folder: Path) -> Iterator[Bundler]:
    """A bundler that shows how far it is, on stderr and only to people."""
    vocabulary, profiles = load_profiles(own=settings_of(ctx).profiles.folder)
    console = Console(stderr=True)
    columns = TextColumn("Certificates"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("")
        yield Bundler(
            folder,
            open_enrolment(ctx, certificate_rules(profiles)),
            _contents(ctx, vocabulary, profiles),
            lambda done, total: progress.update(task, completed=done, total=total),
        )


def _contents(ctx: typer.Context, vocabulary: Vocabulary, profiles: Mapping[str, Profile]) -> Contents:
    samples = {name: sample_payload(vocabulary, profile) for name, profile in profiles.items()}
    broker = settings_of(ctx).broker_address
    return lambda device, issued: bundle_files(
        device.id,
        issued,
        broker=broker,
        sample=samples[device.profile],
        vendors=own_topics(profiles[device.profile], device),
    )


def _show(report: Report) -> None:
    for fault in report.faults[:_MOST_SHOWN]:
        typer.echo(f"row {fault.row}, {fault.column}: {fault.problem}")
    if len(report.faults) > _MOST_SHOWN:
        typer.echo(f"... and {len(report.faults) - _MOST_SHOWN} more; --json lists all.")
    typer.echo(f"devices: {report.new} new, {report.changed} changed, {report.unchanged} unchanged")
    for kind in ("agencies", "contacts", "sites", "zones"):
        _show_names(kind, getattr(report, kind))
    if report.certificates:
        typer.echo(f"certificates: {report.certificates}")
    typer.echo(_outcome(report))


def _show_names(kind: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        typer.echo(f"{kind}: {', '.join(names[:_MOST_NAMED])}{more}")


def _outcome(report: Report) -> str:
    if report.faults:
        return "Nothing was imported: correct what is said above, and import the file again."
    return "Imported." if report.written else "Nothing was imported, as this was a dry run: all rows are right."
