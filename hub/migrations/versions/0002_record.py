"""The record and the roles: the audit log, users, and the tokens that act for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of provisioning/audit_tables.py and provisioning/user_tables.py as they were first."""
    _audit_log()
    _users()
    _tokens()


def _audit_log() -> None:
    op.create_table(
        "audit_row",
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_row"),
    )
    op.create_index("ix_audit_row_subject", "audit_row", ["subject"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _users() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("every_agency", sa.Boolean, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
    )
    op.create_table(
        "user_agency",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user", "agency", name="pk_user_agency"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="fk_user_agency_user", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["agency"], ["agency.id"], name="fk_user_agency_agency"),
    )
    op.create_index("ix_user_agency_agency", "user_agency", ["agency"])


def _tokens() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="fk_token_user", ondelete="CASCADE"),
    )
    op.create_index("ix_token_user", "token", ["user"])
