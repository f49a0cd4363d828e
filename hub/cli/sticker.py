"""`cityhub device sticker`: claim codes as QR stickers, for the technician who puts the device up."""

from __future__ import annotations

from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.caller import caller
from hub.cli.context import settings_of
from hub.cli.registry import open_authority, open_database, open_registry
from hub.errors import UsageError
from provisioning.claim_code import claim_text
from provisioning.claims import ATTEMPTS, DAYS, Claims
from provisioning.clock import utc
from provisioning.files import write_atomically
from provisioning.records import Site
from provisioning.stickers import Sticker, qr_png, qr_svg, sheets_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from provisioning.records import Device

_DAY_NS = 86_400_000_000_000


def register(devices: typer.Typer) -> None:
    """Add the command to `cityhub device`."""
    devices.command()(sticker)


def sticker(  # noqa: PLR0913 - an option a format and a limit
    ctx: typer.Context,
    device_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The devices' ids.")],
    *,
    pdf: Annotated[Path | None, typer.Option(help="Sheets of labels, A4, 3 x 8 of 63.5 x 33.9 mm.")] = None,
    png: Annotated[Path | None, typer.Option(help="The QR code alone, of one device.")] = None,
    svg: Annotated[Path | None, typer.Option(help="The same.")] = None,
    days: Annotated[int, typer.Option(help="For how long the codes hold, 400 at most.")] = DAYS,
    attempts: Annotated[int, typer.Option(help="How often each may be tried, 100 at most.")] = ATTEMPTS,
) -> None:
    """Make a claim code for each device, and write them as QR codes; a code made earlier is void.

    Example: cityhub device sticker cam-bobotsari-01 cam-bobotsari-02 --pdf stickers.pdf
    """
    wanted = list(dict.fromkeys(device_ids))
    target = _only_target(pdf, png, svg, len(wanted))
    registry = open_registry(ctx)
    found = [registry.device(device_id) for device_id in wanted]
    sites = {site.id: site.name for site in registry.all(Site)}
    claims = Claims(open_database(ctx), open_authority(ctx), time_ns, caller())
    codes = claims.create_many(wanted, days=days, attempts=attempts)
    settings, until = settings_of(ctx), utc(time_ns() + days * _DAY_NS).date()
    host = settings.broker_address[0]
    texts = [
        claim_text(device_id, host, settings.api.port, code) for device_id, code in zip(wanted, codes, strict=True)
    ]
    stickers = [_sticker(device, text, sites, until) for device, text in zip(found, texts, strict=True)]
    write_atomically(target, _drawn(stickers, target, pdf, png))
    typer.echo(f"Wrote {target}: valid until {until}. Whoever scans a sticker can become its device: keep them safe.")


def _only_target(pdf: Path | None, png: Path | None, svg: Path | None, count: int) -> Path:
    match [path for path in (pdf, png, svg) if path is not None]:
        case [target] if target == pdf or count == 1:
            pass
        case [_]:
            raise UsageError("PNG and SVG show a single code: name one device, or write sheets of labels with --pdf")
        case _:
            raise UsageError("name one file to write, with --pdf, --png or --svg")
    if target.exists():
        raise UsageError(f"{target} is there already: remove it, or name another file")
    return target


def _sticker(device: Device, text: str, sites: dict[str, str], until: date) -> Sticker:
    place = device.site or ""
    return Sticker(text, device.id, device.name, sites.get(place) or place, until)


def _drawn(stickers: Sequence[Sticker], target: Path, pdf: Path | None, png: Path | None) -> bytes:
    if target == pdf:
        return sheets_pdf(stickers)
    return qr_png(stickers[0].text) if target == png else qr_svg(stickers[0].text)
