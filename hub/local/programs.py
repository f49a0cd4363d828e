"""Finds the server programs that one-box mode runs from the system's packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import MissingProgram

if TYPE_CHECKING:
    from collections.abc import Sequence

_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # Debian keeps servers here, and users' PATHs leave it out


def find_program(
    name: str, *, package: str, configured: Path | None = None, folders: Sequence[str] = _SYSTEM_FOLDERS
) -> Path:
    """Return the program `name`: the configured one, else the first on PATH, else one of the system's `folders`.

    Raises:
        MissingProgram: there is none; says the command that installs `package`.
    """
    wanted = name if configured is None else str(configured)
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *folders))
    found = shutil.which(wanted, path=path)
    if found is None:
        where = "is not installed" if configured is None else f"is not at {configured}, where the settings look for it"
        raise MissingProgram(f"{name} {where}. Install it with: sudo apt-get install {package}")
    return Path(found).absolute()
