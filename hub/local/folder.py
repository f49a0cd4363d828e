"""The folder of a local server: nobody but the hub's user looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.local.errors import LocalServerFailed

if TYPE_CHECKING:
    from pathlib import Path


def private_folder(path: Path) -> Path:
    """Return the folder's full path; it exists now, with mode 0700.

    Raises:
        LocalServerFailed: it cannot be made, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        return path.resolve()
    except OSError as error:
        raise LocalServerFailed(
            f"The folder {path} cannot be used: {error.strerror}. Check its owner, or choose another in the settings."
        ) from error
