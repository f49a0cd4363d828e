"""What an uplink carries and costs, which video never crosses it, and the areas that vehicles enter and leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("device", sa.Column("local_recording", sa.Boolean, server_default=sa.false(), nullable=False))
    _uplinks()
    op.create_table(
        "geofence",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("geojson", sa.Text, nullable=False),
        sa.Column("agency", sa.String(64)),
        sa.Column("limit_kmh", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_geofence"),
        sa.ForeignKeyConstraint(["agency"], ["agency.id"], name="fk_geofence_agency"),
    )
    op.create_index("ix_geofence_agency", "geofence", ["agency"])


def _uplinks() -> None:
    """SQLite adds no foreign key to a table that is there, so the table is made anew."""
    kept = ("id", "site", "capacity_bps", "tariff", "rupiah")
    rows = op.get_bind().execute(sa.select(*map(sa.column, kept)).select_from(sa.table("uplink"))).mappings().all()
    op.drop_table("uplink")
    table = op.create_table(
        "uplink",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("capacity_bps", sa.BigInteger, nullable=False),
        sa.Column("tariff", sa.String(16), nullable=False),
        sa.Column("rupiah", sa.BigInteger, nullable=False),
        sa.Column("capacity_up_bps", sa.BigInteger),
        sa.Column("router", sa.String(64)),
        sa.Column("quota_bytes", sa.BigInteger),
        sa.Column("overage_rupiah", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_uplink"),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name="fk_uplink_site"),
        sa.ForeignKeyConstraint(["router"], ["device.id"], name="fk_uplink_router"),
    )
    op.create_index("ix_uplink_site", "uplink", ["site"])
    op.create_index("ix_uplink_router", "uplink", ["router"], unique=True)
    op.bulk_insert(table, [dict(row) for row in rows])
