"""`cityhub profile`: look at device profiles, write new ones, and try them; needs no hub and no settings."""

from __future__ import annotations

import re
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hub.cli.context import FAILED, own_profiles
from hub.cli.place import AsJson
from hub.cli.registry import show_json, show_table
from hub.cli.trial import Trial, read_registers, try_payload, try_registers
from hub.decode.cases import case_problems
from hub.errors import ProfileError, UsageError
from hub.profiles.json_schema import json_schema
from hub.profiles.loader import (
    load_cases,
    load_profile,
    load_vocabulary,
    profile_folders,
    profile_problems,
    profiles_folder,
)
from hub.profiles.mqtt import NATIVE
from hub.profiles.skeleton import skeleton
from hub.profiles.terms import Terms
from provisioning.clock import utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.profiles.mqtt import Source
    from hub.profiles.schema import Profile

profiles = typer.Typer(help="Device profiles: what each model sends and means.", no_args_is_help=True)

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The profile's folder, or the name of one that is there.")]


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    app.add_typer(profiles, name="profile")


@profiles.command("list")
def list_profiles(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the profiles that ship with the hub, and the city's own.

    Example: cityhub profile list
    """
    vocabulary = load_vocabulary()
    found = {name: load_profile(folder, vocabulary) for name, folder in sorted(_folders(ctx).items())}
    if as_json:
        show_json([{"name": name, **_summary(profile)} for name, profile in found.items()])
        return
    rows = ((name, one.kind, "+".join(_ways(one)), one.vendor, one.model) for name, one in found.items())
    show_table(("name", "kind", "by", "vendor", "model"), rows)


@profiles.command()
def show(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> None:
    """Show a profile: who it is, where it speaks, and each reading with its unit and place.

    Example: cityhub profile show generic_ipcamera
    """
    folder = _folder(ctx, Path(name))
    profile = load_profile(folder, load_vocabulary())
    terms = Terms(profile, folder.name, load_vocabulary())
    if as_json:
        show_json(profile.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"name": folder.name})
        return
    manual = profile.manual
    about = _summary(profile) | {"manual": f"{manual.title}, {manual.edition}", "url": manual.url}
    show_table(("field", "value"), list(about.items()))
    for sentence in profile.unconfirmed:
        typer.echo(f"not confirmed: {sentence}")
    typer.echo()
    show_table(("where", "measurement", "reading", "unit", "from"), _readings(terms))


@profiles.command()
def check(ctx: typer.Context, folder: _Folder, as_json: AsJson = False) -> None:
    """Check a profile and run its cases; each thing that is wrong is one sentence with its line.

    Example: cityhub profile check profiles/vendor_model
    """
    path = _folder(ctx, folder)
    problems, cases = _checked(path)
    if as_json:
        show_json({"profile": path.name, "cases": cases, "problems": problems})
    else:
        for problem in problems:
            typer.echo(problem)
        typer.echo(f"{path.name}: {len(problems)} wrong" if problems else f"{path.name}: right, {cases} cases")
    if problems:
        raise typer.Exit(FAILED)


@profiles.command("try")
def try_profile(  # noqa: PLR0913 - an option a part of what a device says
    ctx: typer.Context,
    folder: _Folder,
    *,
    topic: Annotated[str, typer.Option(help="The topic that it comes on.")] = "devices/dev-1/telemetry",
    payload: Annotated[str | None, typer.Option(help="What the device sends.")] = None,
    payload_hex: Annotated[str | None, typer.Option("--payload-hex", help="The same as bytes in hexadecimal.")] = None,
    retained: Annotated[bool, typer.Option("--retained", help="As the broker hands out what it kept.")] = False,
    registers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:ADDRESS=WORDS",
            help="What Modbus registers hold from an address on, counted as in the profile; may be repeated. TABLE is "
            "holding, input, coil or discrete; words are decimal or as 0x1f, coils 0 or 1.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decode one payload, or what registers hold, as the hub would: the readings with their units, or why not.

    Example: cityhub profile try generic_ipcamera --payload '{"fps": 25}'

    Example: cityhub profile try profiles/vendor_model --topic tele/dev-1/SENSOR --payload-hex 0a1b

    Example: cityhub profile try eastron_sdm120 --registers input:0=0x4366,0x3333 --registers input:70=0x4248,0
    """
    path = _folder(ctx, folder)
    vocabulary = load_vocabulary()
    terms = Terms(load_profile(path, vocabulary), path.name, vocabulary)
    if sum(given is not None for given in (payload, payload_hex, registers)) != 1:
        raise UsageError("give one of --payload, --payload-hex and --registers")
    if registers is not None:
        trial = try_registers(terms, read_registers(registers), time_ns())
    else:
        trial = try_payload(terms, topic, _bytes(payload, payload_hex), time_ns(), retained=retained)
    if as_json:
        show_json(asdict(trial))
    else:
        _show_trial(trial)
    if trial.rejected:
        raise typer.Exit(FAILED)


@profiles.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Vendor and model, e.g. davis_vantage.")],
    folder: Annotated[Path, typer.Option(help="Where its folder is made.")] = Path(),
) -> None:
    """Write a commented profile to begin with, and two cases that are right.

    Example: cityhub profile new davis_vantage --folder profiles
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name: use small letters, digits and _, beginning with a letter")
    if name in profile_folders():
        raise UsageError(f"there is a profile {name} that ships with the hub; choose another name")
    target = folder / name
    if target.exists():
        raise UsageError(f"{target} is there already")
    try:
        for file, content in skeleton(str(target), str(profiles_folder() / "schema.json")).items():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (target / file).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    typer.echo(f"Wrote {target}. Next: edit {target / 'profile.yaml'}, then: cityhub profile check {target}")


@profiles.command()
def schema() -> None:
    """Print the JSON schema of profiles, for editors.

    Example: cityhub profile schema > device_profiles/schema.json
    """
    typer.echo(json_schema(), nl=False)


def _folders(ctx: typer.Context) -> dict[str, Path]:
    return profile_folders(own=own_profiles(ctx))


def _folder(ctx: typer.Context, given: Path) -> Path:
    """Return the folder of a profile that is given by its path or its name."""
    if given.is_dir():
        return given if given.name else given.resolve()
    folders = _folders(ctx)
    if str(given) in folders:
        return folders[str(given)]
    near = get_close_matches(str(given), folders, n=1)
    raise UsageError(f"{given} is no folder and no profile{f'; did you mean {near[0]}?' if near else ''}")


def _checked(folder: Path) -> tuple[list[str], int]:
    """Return what is wrong with a profile or its cases, and how many cases there are."""
    vocabulary = load_vocabulary()
    if problems := profile_problems(folder, vocabulary):
        return problems, 0
    terms = Terms(load_profile(folder, vocabulary), folder.name, vocabulary)
    try:
        cases = load_cases(folder)
    except ProfileError as error:
        return [str(error)], 0
    if not cases:
        return [f"{folder / 'cases'}: there is none; a profile without an example proves nothing"], 0
    wrong = ((file, problem) for file, case in cases.items() for problem in case_problems(terms, case))
    return [f"{folder / 'cases' / file}: {problem}" for file, problem in wrong], len(cases)


def _bytes(payload: str | None, payload_hex: str | None) -> bytes:
    try:
        return (payload or "").encode() if payload_hex is None else bytes.fromhex(payload_hex)
    except ValueError as error:
        raise UsageError("--payload-hex takes two hexadecimal digits a byte, e.g. 0a1b") from error


def _show_trial(trial: Trial) -> None:
    rows = [(one.measurement, one.reading, one.value, one.unit, utc(one.time_ns)) for one in trial.readings]
    if rows:
        show_table(("measurement", "reading", "value", "unit", "time"), rows)
    if trial.presence:
        typer.echo(f"The device says that it is {trial.presence}.")
    for fault in trial.rejected:
        typer.echo(f"rejected ({fault.reason}): {fault.detail}")
    if not rows and not trial.presence and not trial.rejected:
        typer.echo("Nothing is stored of it, and that is no fault: to the profile it holds no reading.")


def _ways(profile: Profile) -> list[str]:
    return [*(["mqtt"] if profile.mqtt else []), *(["modbus"] if profile.modbus else [])]


def _summary(profile: Profile) -> dict[str, Any]:
    return {
        "kind": profile.kind,
        "vendor": profile.vendor,
        "model": profile.model,
        "about": profile.about,
        "interval_s": profile.interval_s,
        "by": tuple(_ways(profile)),
        "vitals": profile.vitals,
    }


def _readings(terms: Terms) -> Iterable[tuple[str, str, str, str, str]]:
    """Yield each reading: where it comes, its names, its unit, and where it stands there."""
    for message, spec in terms.profile.mqtt.items():
        where = ", ".join(spec.topics) or NATIVE[message]
        for measurement, mapped in spec.readings.items():
            for name, source in mapped.items():
                yield where, *_known(terms, measurement, name), source.path or _place(source)
    for group in terms.profile.modbus.groups.values() if terms.profile.modbus else ():
        where = f"{group.table} every {group.every_s:g} s"
        for measurement, registers in group.readings.items():
            for name, register in registers.items():
                yield where, *_known(terms, measurement, name), f"{register.at} {register.type}"


def _known(terms: Terms, measurement: str, name: str) -> tuple[str, str, str]:
    reading = terms.reading(measurement, name)
    return terms.measurement(measurement), terms.field(measurement, name), (reading and reading.unit) or ""


def _place(source: Source) -> str:
    return "payload" if source.at is None else f"byte {source.at} {source.type}"
