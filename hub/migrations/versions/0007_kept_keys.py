"""Keys that the hub made, kept until their device is heard or for a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kept_key",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kept_ns", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name="fk_kept_key_device", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["serial"], ["certificate.serial"], name="fk_kept_key_serial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device", name="pk_kept_key"),
    )
