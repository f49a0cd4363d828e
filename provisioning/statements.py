"""Writing rows, with a sentence for a person when the database refuses.

Its constraints decide, so that two writers at once cannot slip past a check. Only once it has refused is the
reason sought, by reading what its keys and references hold.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from provisioning import tables
from provisioning.errors import AlreadyExists, ProvisioningError, StillInUse, StorageProblem, Unknown, UnknownDevice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, Connection, Table

Row = dict[str, Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that have an `id`, all or none.

    Raises:
        AlreadyExists: a key is taken.
        Unknown: a reference leads nowhere.
    """
    if not rows:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(table), rows)
    except IntegrityError as error:
        raise _refused(connection, table, rows) from error


def replace_row(connection: Connection, table: Table, row: Row) -> None:
    """Store the columns given in the row that has the same `id`; raises as `insert_rows`, and Unknown for the id."""
    try:
        with connection.begin_nested():
            found = connection.execute(update(table).where(table.c.id == row["id"]).values(row)).rowcount
    except IntegrityError as error:
        raise _refused(connection, table, [row], replaced=row["id"]) from error
    if not found:
        raise missing(connection, table, row["id"])


def remove_row(connection: Connection, table: Table, name: str) -> None:
    """Remove the row whose id is `name`.

    Raises:
        Unknown: there is none.
        StillInUse: another row refers to it.
    """
    try:
        with connection.begin_nested():
            found = connection.execute(delete(table).where(table.c.id == name)).rowcount
    except IntegrityError as error:
        raise _still_in_use(connection, table, name) from error
    if not found:
        raise missing(connection, table, name)


def missing(connection: Connection, table: Table, name: str) -> Unknown:
    """Return the error for an id that `table` does not hold; it names the nearest one that it does."""
    known = connection.scalars(select(table.c.id)).all()
    return UnknownDevice(name, known) if table is tables.device else Unknown(table.name, name, known)


def _refused(connection: Connection, table: Table, rows: Sequence[Row], *, replaced: str = "") -> ProvisioningError:
    found = chain(_dangling(connection, table, rows), _taken(connection, table, rows, replaced))
    return next(
        found, StorageProblem(f"The database refused a {table.name} that looks right: another was first; retry.")
    )


def _still_in_use(connection: Connection, table: Table, name: str) -> StillInUse:
    for column in _references_to(table):
        users = connection.scalar(select(func.count()).where(column == name))
        if users:
            entries = "entry" if users == 1 else "entries"
            return StillInUse(
                f"The {table.name} {name!r} is still referred to by {users} {column.table.name} {entries}: "
                f"change or remove those first."
            )
    return StillInUse(f"The {table.name} {name!r} is still in use: change what refers to it first.")


def _dangling(connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[ProvisioningError]:
    """References of these rows that lead nowhere."""
    for column in table.columns:
        for key in column.foreign_keys:
            target = key.column.table
            known = set(connection.scalars(select(target.c.id)))
            if target is table:
                known |= {row["id"] for row in rows}
            yield from (missing(connection, target, row[column.name]) for row in rows if _lost(row[column.name], known))


def _lost(reference: str | None, known: set[str]) -> bool:
    return reference is not None and reference not in known


def _taken(connection: Connection, table: Table, rows: Sequence[Row], replaced: str) -> Iterator[ProvisioningError]:
    """Keys of these rows that another row holds, in the database or among themselves."""
    for columns in _unique_keys(table):
        stored = connection.execute(select(table.c.id, *columns).where(table.c.id != replaced))
        holders: dict[tuple[Any, ...], str] = {tuple(key): holder for holder, *key in stored}
        for row in rows:
            key = tuple(row[column.name] for column in columns)
            if None not in key and key in holders:
                yield _already(table, columns[-1].name, key[-1], holders[key])
            holders[key] = row["id"]


def _already(table: Table, column: str, value: str, holder: str) -> AlreadyExists:
    if column == "id":
        return AlreadyExists(f"The {table.name} {value!r} exists already: choose another id, or change that one.")
    return AlreadyExists(
        f"The {column} {value!r} belongs to {table.name} {holder!r} already: compare the type plates, "
        f"or take it from that one first."
    )


def _unique_keys(table: Table) -> Iterator[list[Column[Any]]]:
    yield list(table.primary_key.columns)
    yield from (list(index.columns) for index in table.indexes if index.unique)


def _references_to(table: Table) -> Iterator[Column[Any]]:
    for other in tables.metadata.sorted_tables:
        for column in other.columns:
            if any(key.column.table is table and key.ondelete is None for key in column.foreign_keys):
                yield column
