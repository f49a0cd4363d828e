"""Writing files that hold secrets, or that a reader must never meet half written."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a whole file: created with its mode, synced, and moved into place under its name.

    Raises:
        StorageProblem: the folder is missing, full or not ours.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _create(temporary, content, mode)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageProblem(
            f"{path} cannot be written: {error.strerror}. Check the folder, its owner and its free space."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
