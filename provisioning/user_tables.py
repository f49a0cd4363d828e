"""The tables of those who use the hub; columns are named as the fields in provisioning/users.py."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Enum, ForeignKey, String, Table

from provisioning.access import Role
from provisioning.tables import metadata

user = Table(
    "user",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column(
        "role",
        Enum(Role, native_enum=False, length=16, values_callable=lambda roles: [role.value for role in roles]),
        nullable=False,
    ),
    # Not told by the absence of agencies: a row that gets lost must not widen what somebody may do.
    Column("every_agency", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password_hash", String(200)),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
)

user_agency = Table(
    "user_agency",
    metadata,
    Column("user", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("agency", ForeignKey("agency.id"), primary_key=True, index=True),
)

token = Table(
    "token",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user", ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
)
