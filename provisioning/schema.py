"""All tables of provisioning: whoever creates or compares the schema takes `metadata` from here."""

from __future__ import annotations

from provisioning import audit_tables, life_tables, user_tables
from provisioning.tables import metadata

__all__ = ["audit_tables", "life_tables", "metadata", "user_tables"]
