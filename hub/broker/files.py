"""The files under the broker: written as wanted, and noticed when somebody else has been at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


class Disturbance(NamedTuple):
    """A file that is not as it was written; `found` is what it holds now, None when it is not there."""

    path: Path
    wanted: bytes
    found: bytes | None


class _Kept(NamedTuple):
    content: bytes
    stamp: tuple[int, ...] | None


class KeptFiles:
    """Remembers what it wrote. All methods touch the disk."""

    def __init__(self) -> None:
        self._kept: dict[Path, _Kept] = {}

    def put(self, path: Path, content: bytes) -> bool:
        """Make the file hold `content`; returns whether that is another than before.

        Raises:
            StorageProblem: it cannot be written.
        """
        if path in self._kept and self._kept[path].content == content:
            return False
        self._write(path, content)
        return True

    def disturbances(self) -> list[Disturbance]:
        """Return the files that no longer hold what was written; reads only those that were touched."""
        return [found for path in self._kept if (found := self._disturbance(path)) is not None]

    def restore(self, path: Path) -> None:
        """Write a file again as it was.

        Raises:
            StorageProblem: it cannot be written.
        """
        self._write(path, self._kept[path].content)

    def _write(self, path: Path, content: bytes) -> None:
        write_atomically(path, content)
        self._kept[path] = _Kept(content, _stamp(path))

    def _disturbance(self, path: Path) -> Disturbance | None:
        content, known = self._kept[path]
        stamp = _stamp(path)
        if stamp == known and stamp is not None:
            return None
        if (found := read(path)) != content:
            return Disturbance(path, content, found)
        self._kept[path] = _Kept(content, stamp)
        return None


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever a file does; None when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def read(path: Path) -> bytes | None:
    """Return what a file holds; None when it is not there or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
