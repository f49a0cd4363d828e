"""The registry's tables. Times are nanoseconds UTC; columns are named as the fields of provisioning/records.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from provisioning.records import Lifecycle, Tariff

if TYPE_CHECKING:
    from enum import StrEnum


def _word(words: type[StrEnum]) -> Enum:
    """A column of one of these words, stored as plain text: a new word needs no migration."""
    return Enum(words, native_enum=False, length=16, values_callable=lambda members: [word.value for word in members])


# Named constraints can be changed by a later migration, on SQLite as well.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

agency = Table(
    "agency",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("approval_required", Boolean, nullable=False, server_default=false()),
)

contact = Table(
    "contact",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("agency", ForeignKey("agency.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(16), nullable=False),
)

site = Table(
    "site",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("agency", ForeignKey("agency.id"), index=True),
    Column("lat", Float),
    Column("lon", Float),
    Column("maintenance_until_ns", BigInteger),
    Column("maintenance_reason", String(200)),
)

uplink = Table(
    "uplink",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", ForeignKey("site.id"), nullable=False, index=True),
    Column("capacity_bps", BigInteger, nullable=False),
    Column("tariff", _word(Tariff), nullable=False),
    Column("rupiah", BigInteger, nullable=False),
    Column("capacity_up_bps", BigInteger),
    Column("router", ForeignKey("device.id")),
    Column("quota_bytes", BigInteger),
    Column("overage_rupiah", BigInteger),
    Index(None, "router", unique=True),
)

geofence = Table(
    "geofence",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("geojson", Text, nullable=False),
    Column("agency", ForeignKey("agency.id"), index=True),
    Column("limit_kmh", Float),
)

zone = Table(
    "zone",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("profile", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("agency", ForeignKey("agency.id"), index=True),
    Column("site", ForeignKey("site.id"), index=True),
    Column("serial", String(64)),
    Column("imei", String(15)),
    Column("lat", Float),
    Column("lon", Float),
    Column("parent", ForeignKey("device.id"), index=True),
    Column("lifecycle", _word(Lifecycle), nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("modbus", String(200)),
    Column("unit", Integer),
    Column("maintenance_until_ns", BigInteger),
    Column("maintenance_reason", String(200)),
    Column("local_recording", Boolean, nullable=False, server_default=false()),
    # Vendors build topics from these: two devices that share one would read each other's.
    Index(None, "profile", "serial", unique=True),
    Index(None, "imei", unique=True),
    Index(None, "modbus", "unit", unique=True),
)

device_zone = Table(
    "device_zone",
    metadata,
    Column("device", ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("zone", ForeignKey("zone.id"), primary_key=True, index=True),
)

certificate = Table(
    "certificate",
    metadata,
    Column("serial", String(40), primary_key=True),
    Column("device", ForeignKey("device.id"), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("key_fingerprint", String(64), nullable=False, index=True),
    Column("not_before_ns", BigInteger, nullable=False),
    Column("not_after_ns", BigInteger, nullable=False),
    Column("issued_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
    Column("reason", String(64)),
    Column("issuer", String(40)),
    Column("key_kind", String(16)),
)

# The change feed, see provisioning/feed.py. `device` is no foreign key: a removed device stays in the feed.
change = Table(
    "change",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False, index=True),
)

change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)
