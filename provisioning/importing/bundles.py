"""Certificates and bundles for many devices: all of them, or none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeAlias

from provisioning.bundle import zipped
from provisioning.errors import AlreadyExists, StorageProblem
from provisioning.issued import Issued
from provisioning.records import NewDevice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from provisioning.enrolment import Enrolment

Contents: TypeAlias = Callable[[NewDevice, Issued], dict[str, bytes]]
"""Makes the files of a device's bundle, as provisioning.bundle.bundle_files does."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told after each device how many are done, and how many there are."""


class Bundler:
    """Issues certificates within an import's transaction and writes `<folder>/<device id>.zip`, mode 0600.

    Leave it after the transaction: when that fails, on its commit too, what was written is removed again.

    Args:
        folder: made when missing, and then with mode 0700; otherwise it must be empty.
        enrolment: of the database that is imported into.
        contents: what goes into a bundle.
        progress: is told how far it is.
    """

    def __init__(self, folder: Path, enrolment: Enrolment, contents: Contents, progress: Progress) -> None:
        self._folder = folder
        self._enrolment = enrolment
        self._contents = contents
        self._progress = progress
        self._written: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for path in self._written:
                path.unlink(missing_ok=True)
        self._written.clear()

    def fill(self, connection: Connection, devices: Sequence[NewDevice]) -> None:
        """Issue and write, within the transaction that registers the devices; durable before that commits.

        Raises:
            AlreadyExists: there is something in the folder.
            StorageProblem: a bundle cannot be written.
            AuthorityProblem: the issuing CA is not valid now.
        """
        try:
            self._prepare()
            for done, device in enumerate(devices, 1):
                self._write(device, self._enrolment.issue_with_key_within(connection, device.id))
                self._progress(done, len(devices))
            os.sync()  # once for all: to sync each of 10,000 files takes minutes
        except OSError as error:
            raise StorageProblem(
                f"The bundles cannot be written to {self._folder}: {error.strerror}. Nothing was imported, and no "
                f"bundle is left; see to the folder and its free space, then import again."
            ) from error

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self._folder.iterdir()):
            raise AlreadyExists(
                f"{self._folder} already holds files, maybe keys in use: choose another folder. Nothing was imported."
            )

    def _write(self, device: NewDevice, issued: Issued) -> None:
        path = self._folder / f"{device.id}.zip"
        content = zipped(self._contents(device, issued))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._written.append(path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
