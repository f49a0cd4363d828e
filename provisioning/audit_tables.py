"""The audit log's tables; provisioning/audit.py says what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, event, insert

from provisioning.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

GENESIS: Final = "0" * 64
"""What stands for the hash before the first row."""

audit_row = Table(
    "audit_row",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("origin", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False, index=True),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)


# The one row is there from the beginning: a log whose head is gone has been tampered with, not just begun.
@event.listens_for(audit_head, "after_create")
def _begin(_table: Table, connection: Connection, **_options: object) -> None:
    connection.execute(insert(audit_head), {"id": 1, "seq": 0, "hash": GENESIS})
