"""Folders that are dear to prepare: that is done once in a process, and each test has a copy of its own."""

from __future__ import annotations

import stat
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


def write_copy(folder: Path, prepare: Callable[..., object], *arguments: Hashable) -> None:
    """Write into a folder what `prepare(folder, *arguments)` writes into it, with the same modes.

    Args:
        folder: is there already.
        prepare: a function of a module, as what it wrote is kept for as long as it is there itself.
        arguments: what else decides over what is written.
    """
    for name, mode, content in _prepared(prepare, *arguments):
        path = folder / name
        if content is None:
            path.mkdir(mode)
        else:
            path.touch(mode)
            path.write_bytes(content)


@cache
def _prepared(prepare: Callable[..., object], *arguments: Hashable) -> list[tuple[str, int, bytes | None]]:
    """Name, mode and content of each file; a folder has no content, and comes before what is in it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, *arguments)
        return [(str(path.relative_to(folder)), *_kept(path)) for path in sorted(folder.rglob("*"))]


def _kept(path: Path) -> tuple[int, bytes | None]:
    return stat.S_IMODE(path.stat().st_mode), None if path.is_dir() else path.read_bytes()
