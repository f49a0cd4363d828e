"""The change feed: which devices changed since a reader last looked.

One row a device, holding the number of the last transaction that touched it, so that the feed never outgrows
the registry. Numbers come from a single counter row: whoever increments it holds that row until the commit, so
numbers become visible in their order, on SQLite as on PostgreSQL, and a reader never skips a late one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from provisioning.tables import change, change_counter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_FORGET = delete(change).where(change.c.device == bindparam("device"))


def touch(connection: Connection, devices: Iterable[str]) -> None:
    """Note, within the transaction that changes them, that these devices changed."""
    seq = _next(connection)
    if rows := [{"device": device, "seq": seq} for device in devices]:
        connection.execute(_FORGET, [{"device": row["device"]} for row in rows])
        connection.execute(insert(change), rows)


def latest(connection: Connection) -> int:
    """Return the number of the last change; 0 when there was none."""
    return connection.scalar(select(change_counter.c.seq)) or 0


def since(connection: Connection, seq: int) -> set[str]:
    """Return the ids of the devices touched after the change `seq`, removed ones included."""
    return set(connection.scalars(select(change.c.device).where(change.c.seq > seq)))


def _next(connection: Connection) -> int:
    increment = update(change_counter).values(seq=change_counter.c.seq + 1).returning(change_counter.c.seq)
    seq: int | None = connection.scalar(increment)
    if seq is not None:
        return seq
    connection.execute(insert(change_counter).values(id=1, seq=1))
    return 1
