"""The registry: agencies, sites, zones, uplinks, contacts, devices, certificates, and the change feed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of provisioning/tables.py as they were first."""
    _reference_data()
    _devices()
    _certificates()
    _change_feed()


def _reference_data() -> None:
    op.create_table("agency", _id(), _name(), _primary_key("agency"))
    op.create_table("zone", _id(), _name(), _primary_key("zone"))
    op.create_table(
        "contact",
        _id(),
        sa.Column("agency", sa.String(64), nullable=False),
        _name(),
        sa.Column("phone", sa.String(16), nullable=False),
        _primary_key("contact"),
        _foreign_key("contact", "agency", "agency"),
    )
    op.create_index("ix_contact_agency", "contact", ["agency"])
    op.create_table(
        "site",
        _id(),
        _name(),
        sa.Column("agency", sa.String(64)),
        sa.Column("lat", sa.Float),
        sa.Column("lon", sa.Float),
        _primary_key("site"),
        _foreign_key("site", "agency", "agency"),
    )
    op.create_index("ix_site_agency", "site", ["agency"])
    op.create_table(
        "uplink",
        _id(),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("capacity_bps", sa.BigInteger, nullable=False),
        sa.Column("tariff", sa.String(16), nullable=False),
        sa.Column("rupiah", sa.BigInteger, nullable=False),
        _primary_key("uplink"),
        _foreign_key("uplink", "site", "site"),
    )
    op.create_index("ix_uplink_site", "uplink", ["site"])


def _devices() -> None:
    op.create_table(
        "device",
        _id(),
        sa.Column("profile", sa.String(64), nullable=False),
        _name(),
        sa.Column("agency", sa.String(64)),
        sa.Column("site", sa.String(64)),
        sa.Column("serial", sa.String(64)),
        sa.Column("imei", sa.String(15)),
        sa.Column("lat", sa.Float),
        sa.Column("lon", sa.Float),
        sa.Column("parent", sa.String(64)),
        sa.Column("lifecycle", sa.String(16), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
        _primary_key("device"),
        _foreign_key("device", "agency", "agency"),
        _foreign_key("device", "site", "site"),
        _foreign_key("device", "parent", "device"),
    )
    for column in ("agency", "site", "parent"):
        op.create_index(f"ix_device_{column}", "device", [column])
    op.create_index("ix_device_profile_serial", "device", ["profile", "serial"], unique=True)
    op.create_index("ix_device_imei", "device", ["imei"], unique=True)
    op.create_table(
        "device_zone",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device", "zone", name="pk_device_zone"),
        _foreign_key("device_zone", "device", "device", ondelete="CASCADE"),
        _foreign_key("device_zone", "zone", "zone"),
    )
    op.create_index("ix_device_zone_zone", "device_zone", ["zone"])


def _certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("key_fingerprint", sa.String(64), nullable=False),
        sa.Column("not_before_ns", sa.BigInteger, nullable=False),
        sa.Column("not_after_ns", sa.BigInteger, nullable=False),
        sa.Column("issued_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.Column("reason", sa.String(64)),
        sa.PrimaryKeyConstraint("serial", name="pk_certificate"),
        _foreign_key("certificate", "device", "device"),
    )
    op.create_index("ix_certificate_device", "certificate", ["device"])
    op.create_index("ix_certificate_key_fingerprint", "certificate", ["key_fingerprint"])


def _change_feed() -> None:
    op.create_table(
        "change",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_change"),
    )
    op.create_index("ix_change_seq", "change", ["seq"])
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_counter"),
    )


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(64), nullable=False)


def _name() -> sa.Column[str]:
    return sa.Column("name", sa.String(200), nullable=False)


def _primary_key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def _foreign_key(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)
