"""The database's schema, step by step, for all parts that keep tables in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from provisioning.database import writing
from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date, in one transaction; a process that comes second waits and finds nothing to do.

    Schemas only go forward: to go back, restore the backup that was made before.

    Raises:
        StorageProblem: the database cannot be used, or is ahead of this program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageProblem(
                f"The database {engine.url!r} cannot be brought up to date: {error}. "
                f"If a newer version of the program made it, install that version."
            ) from error
