"""The database's schema, step by step, for all parts that keep tables in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import column, inspect, select, table

from provisioning.database import writing
from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_HERE: Final = Path(__file__).parent
_VERSION: Final = table("alembic_version", column("version_num"))


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date, in one transaction; a process that comes second waits and finds nothing to do.

    Schemas only go forward: to go back, restore the backup that was made before.

    Raises:
        StorageProblem: the database cannot be used, or is ahead of this program.
    """
    with writing(engine) as connection:
        if _revision(connection) != newest_revision():
            _migrate(connection)


def newest_revision() -> str:
    """Return the revision to which this program brings the schema; files are named by theirs."""
    return max(file.stem for file in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


def _migrate(connection: Connection) -> None:
    # Imported only where it is used: a hub that is up to date need not carry its ten megabytes.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageProblem(
            f"The database {connection.engine.url!r} cannot be brought up to date: {error}. "
            f"If a newer version of the program made it, install that version."
        ) from error
