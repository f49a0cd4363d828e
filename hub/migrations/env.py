"""Alembic runs this file for each command; the connection, and its transaction, are the caller's."""

from __future__ import annotations

from alembic import context

import hub.status.tables  # noqa: F401 - it puts its tables beside those of provisioning
from provisioning.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
