"""The columns of an import, and the headings under which they are recognised, in English and Bahasa Indonesia."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Column(StrEnum):
    """What a column holds: a field of the device, or of the agency and the site that it belongs to."""

    ID = "id"
    NAME = "name"
    PROFILE = "profile"
    AGENCY = "agency"
    SITE = "site"
    ZONES = "zones"
    SERIAL = "serial"
    IMEI = "imei"
    LAT = "lat"
    LON = "lon"
    PARENT = "parent"
    MODBUS = "modbus"
    UNIT = "unit"
    LOCAL_RECORDING = "local_recording"
    AGENCY_NAME = "agency_name"
    CONTACT_NAME = "contact_name"
    CONTACT_PHONE = "contact_phone"
    SITE_NAME = "site_name"
    SITE_AGENCY = "site_agency"
    SITE_LAT = "site_lat"
    SITE_LON = "site_lon"


REQUIRED: Final = (Column.ID, Column.PROFILE)

ALIASES: Final[Mapping[Column, tuple[str, ...]]] = {
    Column.ID: ("device", "device id", "id perangkat", "kode perangkat", "perangkat"),
    Column.NAME: ("device name", "nama", "nama perangkat"),
    Column.PROFILE: ("device profile", "profil", "profil perangkat"),
    Column.AGENCY: ("opd", "instansi", "dinas", "kode opd", "kode instansi"),
    Column.SITE: ("lokasi", "kode lokasi", "titik"),
    Column.ZONES: ("zone", "zona"),
    Column.SERIAL: ("serial number", "sn", "s/n", "nomor seri", "no seri"),
    Column.IMEI: ("nomor imei", "no imei"),
    Column.LAT: ("latitude", "lintang"),
    Column.LON: ("lng", "long", "longitude", "bujur"),
    Column.PARENT: ("gateway", "induk", "perangkat induk"),
    Column.MODBUS: ("modbus address", "alamat modbus"),
    Column.UNIT: ("modbus unit", "unit id", "alamat unit", "slave id", "slave", "id slave"),
    Column.LOCAL_RECORDING: ("rekaman lokal", "rekam lokal", "direkam di lokasi"),
    Column.AGENCY_NAME: ("nama opd", "nama instansi", "nama dinas"),
    Column.CONTACT_NAME: ("contact", "kontak", "nama kontak", "narahubung"),
    Column.CONTACT_PHONE: ("phone", "telepon", "telepon kontak", "nomor telepon", "no telepon", "no hp", "nomor hp"),
    Column.SITE_NAME: ("nama lokasi", "nama titik"),
    Column.SITE_AGENCY: ("opd lokasi", "instansi lokasi"),
    Column.SITE_LAT: ("site latitude", "lintang lokasi", "latitude lokasi"),
    Column.SITE_LON: ("site longitude", "bujur lokasi", "longitude lokasi"),
}
"""Further headings of a column beside its own name; case, underscores, dots and dashes make no difference."""

NOT_READ: Final = ("no", "nomor", "notes", "remarks", "keterangan", "catatan")
"""Headings of columns that are for people only."""

_BETWEEN: Final = re.compile(r"[\s_./-]+")


def plain(heading: str) -> str:
    """Return a heading without what makes no difference."""
    return _BETWEEN.sub(" ", heading).strip().casefold()


COLUMNS: Final = {plain(name): column for column, others in ALIASES.items() for name in (column, *others)}
"""Plain heading -> column."""
