"""The tables of claims, approvals, kept keys and lists of revoked certificates; times are nanoseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table

from provisioning.tables import metadata

# A device has one claim at most. `key_fingerprint` is that of the first key that the code was redeemed with.
claim = Table(
    "claim",
    metadata,
    Column("device", ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("serial", String(64)),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("attempts_left", Integer, nullable=False),
    Column("key_fingerprint", String(64)),
)

# `approved` is null while nobody has decided.
approval = Table(
    "approval",
    metadata,
    Column("device", ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("key_fingerprint", String(64), nullable=False),
    Column("requested_ns", BigInteger, nullable=False),
    Column("origin", String(255), nullable=False),
    Column("approved", Boolean),
    Column("reason", String(200)),
)

# The key of a device's newest certificate, see provisioning/kept_keys.py. `certificate` is DER.
kept_key = Table(
    "kept_key",
    metadata,
    Column("device", ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("profile", String(64), nullable=False),
    Column("serial", ForeignKey("certificate.serial", ondelete="CASCADE"), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_ns", BigInteger, nullable=False),
)

crl_counter = Table(
    "crl_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
