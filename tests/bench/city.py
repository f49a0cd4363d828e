"""A large city as a spreadsheet: cameras at a thousand sites of forty agencies."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from tests.bench.names import device_name

if TYPE_CHECKING:
    from pathlib import Path

AGENCIES: Final = 40
SITES: Final = 1000
ZONES: Final = ("traffic", "crime", "disaster", "waste", "parking")
HEADINGS: Final = ("id", "name", "profile", "agency", "agency_name", "site", "site_name", "site_agency", "zones",
                   "serial", "lat", "lon")  # fmt: skip


def agency_name(number: int) -> str:
    """Return the id of agency `number`."""
    return f"opd-{number:02d}"


def site_name(number: int) -> str:
    """Return the id of site `number`; it belongs to the agency `number % AGENCIES`."""
    return f"site-{number:04d}"


def write_city(file: Path, devices: int) -> None:
    """Write devices for `cityhub device import`, with every column of a camera filled in."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        writer.writerows(map(_row, range(devices)))


def _row(number: int) -> tuple[str, ...]:
    site = number % SITES
    agency = agency_name(site % AGENCIES)
    place = f"{-7.3 - site / 10_000:.5f}", f"{109.3 + site / 10_000:.5f}"
    return (device_name(number), f"Kamera {number}", "generic_ipcamera", agency, f"Dinas {agency}", site_name(site),
            f"Simpang {site}", agency, ZONES[number % len(ZONES)], f"SN{number:08d}", *place)  # fmt: skip
