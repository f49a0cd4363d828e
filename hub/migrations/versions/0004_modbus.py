"""Where a device is polled over Modbus, and its address on that bus."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; a unit on a bus is one device."""
    op.add_column("device", sa.Column("modbus", sa.String(200)))
    op.add_column("device", sa.Column("unit", sa.Integer))
    op.create_index("ix_device_modbus_unit", "device", ["modbus", "unit"], unique=True)
