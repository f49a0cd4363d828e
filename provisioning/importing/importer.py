"""Brings a spreadsheet of devices into the registry: all rows, or none."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from provisioning import audit
from provisioning.database import reading, writing
from provisioning.importing.cells import readers
from provisioning.importing.csv_table import read_csv
from provisioning.importing.errors import UnreadableFile
from provisioning.importing.plan import Plan, make_plan
from provisioning.importing.rows import read_rows
from provisioning.importing.stored import read_stored
from provisioning.importing.table import MAX_BYTES, RawRow
from provisioning.importing.writing import write_plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor
    from provisioning.clock import Clock
    from provisioning.importing.bundles import Bundler
    from provisioning.importing.report import Report

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"  # XLS up to Excel 2003; also an XLSX that is protected by a password


class Importer:
    """Imports files into the registry of an engine, on behalf of an actor.

    The files are CSV or XLSX, with the columns of provisioning/importing/columns.py. What is not in the registry is
    added; what stands there just so is left; a difference is a fault unless updates are allowed. A column that the
    file does not have leaves its field as it is, an empty cell empties it; but an empty cell about an agency or a site
    says nothing.

    Args:
        engine: of the registry.
        clock: the time that is recorded.
        profiles: names of the device profiles that there are.
        actor: whose changes they are.
    """

    def __init__(self, engine: Engine, clock: Clock, profiles: Collection[str], actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._readers = readers(profiles)
        self._actor = actor

    def rehearse(self, content: bytes, *, update: bool = False, certify: bool = False) -> Report:
        """Report what `run` would do, with a bundler if `certify`, and do nothing; raises UnreadableFile."""
        table = read_table(content)
        with reading(self._engine) as connection:
            plan = self._plan(connection, table, update=update)
        return plan.report(certificates=len(plan.uncertified) if certify else 0)

    def run(self, content: bytes, *, update: bool = False, bundler: Bundler | None = None) -> Report:
        """Import a file; with a fault in any row nothing is written.

        Args:
            content: of the file.
            update: whether devices, agencies and sites that stand in the registry may be changed.
            bundler: gives each device of the file a certificate and a bundle, unless it holds a valid certificate,
                speaks through a gateway, or is polled over Modbus.

        Raises:
            UnreadableFile: not a table that can be read.
            StorageProblem: the registry cannot be used, or a bundle not be written.
            ProvisioningError: the registry or the certificate authority refuses; nothing was written.
        """
        table = read_table(content)
        with bundler or nullcontext(), writing(self._engine) as connection:
            plan = self._plan(connection, table, update=update)
            if plan.faults:
                return plan.report()
            write_plan(connection, plan, self._clock(), self._actor)
            if bundler is not None:
                bundler.fill(connection, plan.uncertified)
        return plan.report(certificates=len(plan.uncertified) if bundler else 0, written=True)

    def _plan(self, connection: Connection, table: list[RawRow], *, update: bool) -> Plan:
        rows, faults = read_rows(table, self._readers)
        return make_plan(rows, faults, read_stored(connection, self._clock()), update=update)


def read_table(content: bytes) -> list[RawRow]:
    """Read the rows of a file, at least one, whatever its name says it is.

    Raises:
        UnreadableFile: neither CSV nor XLSX, damaged, empty or too large.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 2**20} MiB: split it into several.")
    if content.startswith(_OLE):
        raise UnreadableFile("This is an old Excel file, or one with a password: save it as XLSX without a password.")
    table = _xlsx(content) if content.startswith(_ZIP) else read_csv(content)
    if not table:
        raise UnreadableFile("The file is empty: the first row holds the headings, and each further one a device.")
    return table


def _xlsx(content: bytes) -> list[RawRow]:
    # Imported only where it is used: a hub that imports nothing need not carry its megabytes.
    from provisioning.importing.xlsx_table import read_xlsx  # noqa: PLC0415

    return read_xlsx(content)
