"""Incidents, how each device last stood, and maintenance that ends by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables of hub/status/tables.py as they were first, and the columns of maintenance."""
    for table in ("device", "site"):
        op.add_column(table, sa.Column("maintenance_until_ns", sa.BigInteger))
        op.add_column(table, sa.Column("maintenance_reason", sa.String(200)))
    _incidents()
    op.create_table(
        "presence",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since_ns", sa.BigInteger, nullable=False),
        sa.Column("seen_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_presence"),
    )


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("text", sa.String(1024), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("opened_ns", sa.BigInteger, nullable=False),
        sa.Column("raised_ns", sa.BigInteger, nullable=False),
        sa.Column("closed_ns", sa.BigInteger, nullable=False),
        sa.Column("acknowledged_ns", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("acknowledged_by", sa.String(255), server_default="", nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("of_devices", sa.Integer, nullable=False),
        sa.Column("since_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_index("ix_incident_closed_ns", "incident", ["closed_ns"])
    op.create_table(
        "incident_device",
        sa.Column("incident", sa.Integer, nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("incident", "device", name="pk_incident_device"),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name="fk_incident_device_incident", ondelete="CASCADE"),
    )
    op.create_index("ix_incident_device_device", "incident_device", ["device"])
