"""The tables that status keeps in the registry's database; times are nanoseconds UTC, 0: not yet.

They refer to devices by their ids alone: an incident outlives the device that it befell.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table

from provisioning.tables import metadata

incident = Table(
    "incident",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cause", String(32), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("text", String(1024), nullable=False),
    Column("site", String(64), nullable=False),
    Column("agency", String(64), nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("raised_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger, nullable=False, index=True),
    # Written by whoever acknowledges, never by the hub that raised it.
    Column("acknowledged_ns", BigInteger, nullable=False, server_default="0"),
    Column("acknowledged_by", String(255), nullable=False, server_default=""),
    Column("times", Integer, nullable=False),
    Column("of_devices", Integer, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
)

incident_device = Table(
    "incident_device",
    metadata,
    Column("incident", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("device", String(64), primary_key=True, index=True),
)

presence = Table(
    "presence",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("seen_ns", BigInteger, nullable=False),
)
