"""The life of certificates: claims, approvals, who issued what, and the number of the list of the revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of provisioning/life_tables.py as they were first, and the columns that go with them."""
    op.add_column("agency", sa.Column("approval_required", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("certificate", sa.Column("issuer", sa.String(40)))
    op.add_column("certificate", sa.Column("key_kind", sa.String(16)))
    _claims()
    op.create_table(
        "crl_counter",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crl_counter"),
    )


def _claims() -> None:
    op.create_table(
        "claim",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(64)),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.Column("attempts_left", sa.Integer, nullable=False),
        sa.Column("key_fingerprint", sa.String(64)),
        sa.PrimaryKeyConstraint("device", name="pk_claim"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name="fk_claim_device", ondelete="CASCADE"),
    )
    op.create_table(
        "approval",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("key_fingerprint", sa.String(64), nullable=False),
        sa.Column("requested_ns", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("approved", sa.Boolean),
        sa.Column("reason", sa.String(200)),
        sa.PrimaryKeyConstraint("device", name="pk_approval"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name="fk_approval_device", ondelete="CASCADE"),
    )
