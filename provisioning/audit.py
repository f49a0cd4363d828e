"""The audit log: who changed what, when and from where, in rows that are chained by their hashes.

Each row holds the hash of the one before it, and its own: the SHA-256 of
`[seq, at_ns, actor, origin, action, subject, detail, previous]` as JSON in ASCII without white space. The head,
kept beside the log, holds the number and the hash of the last row. So a row that was altered, removed, put in or
moved shows, and so does a tail that was cut off.

Whoever can write to the database can also rebuild the whole chain. Against that, note the head elsewhere from time
to time, on paper or on another machine: `verify` then says whether the log still leads there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import insert, select, update

from provisioning.audit_tables import GENESIS, audit_head, audit_row
from provisioning.database import reading
from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
Detail: TypeAlias = Mapping[str, JSON]

_AT_ONCE = 1_000  # rows an INSERT: bounds memory when 100,000 devices are registered in one go
_DETAIL = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False)
# An altered row may hold what JSON does not know, e.g. bytes: a list, which no true row holds, keeps it apart.
_HASHED = json.JSONEncoder(separators=(",", ":"), default=lambda value: [repr(value)])


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where: Actor("budi", "cli@hub-1"), Actor("siti", "10.1.2.3")."""

    name: str
    origin: str


SYSTEM: Final = Actor("system", "hub")
"""The hub itself, on nobody's behalf."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A change, as it was recorded; `at_ns` in nanoseconds UTC, hashes in hexadecimal."""

    seq: int
    at_ns: int
    actor: str
    origin: str
    action: str
    subject: str
    detail: Detail
    previous: str
    hash: str


class Head(NamedTuple):
    """Where the log ends: the number and the hash of its last row; 0 and zeros when it is empty."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


_BEGINNING = Head(0, GENESIS)


def record(  # noqa: PLR0913, PLR0917 - an argument a column
    connection: Connection, now_ns: int, actor: Actor, action: str, subject: str, detail: Detail
) -> None:
    """Record a change within the transaction that makes it; both are kept, or neither.

    Call it after `feed.touch`: all who need both locks take them in the same order.

    Args:
        connection: inside `provisioning.database.writing`.
        now_ns: nanoseconds UTC.
        actor: who makes the change.
        action: what is done, e.g. `device.update`; see provisioning/access.py.
        subject: to what, e.g. `device/cam-1`.
        detail: the rest; no secrets and nothing about persons, for no row can ever be taken back.

    Raises:
        StorageProblem: the log has lost its head, so that nothing may be added to it.
    """
    record_all(connection, now_ns, actor, action, [(subject, detail)])


def record_all(
    connection: Connection, now_ns: int, actor: Actor, action: str, changes: Iterable[tuple[str, Detail]]
) -> None:
    """Record the same action on many subjects, a row each; `changes` are pairs of subject and detail."""
    head = _lock_head(connection)
    said = (now_ns, actor.name, actor.origin, action)
    rows = _continue(head, ((*said, subject, _DETAIL.encode(detail)) for subject, detail in changes))
    while some := list(islice(rows, _AT_ONCE)):
        connection.execute(insert(audit_row), some)
        head = Head(some[-1]["seq"], some[-1]["hash"])
    connection.execute(update(audit_head).values(head._asdict()))


def read(engine: Engine, limit: int, subject: str | None = None, before: int | None = None) -> list[AuditRow]:
    """Return the latest rows, the last one first.

    Args:
        engine: the database.
        limit: how many at most.
        subject: only about this one, e.g. `device/cam-1`.
        before: only rows with a lower number, to read on from where the last answer ended.

    Raises:
        StorageProblem: the database cannot be used.
    """
    query = select(audit_row).order_by(audit_row.c.seq.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit_row.c.subject == subject)
    if before is not None:
        query = query.where(audit_row.c.seq < before)
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [AuditRow(**{**row, "detail": _said(row["detail"])}) for row in rows]


def read_head(engine: Engine) -> Head | None:
    """Return where the log ends, to be noted elsewhere; None when the head is gone."""
    with reading(engine) as connection:
        return _read_head(connection)


def verify(engine: Engine, noted: Head | None = None) -> list[str]:
    """Return a sentence for each place where the log is not as it was written; none when it is whole.

    Args:
        engine: the database.
        noted: a head that was noted earlier; it tells a log that was rebuilt as a whole.

    Raises:
        StorageProblem: the database cannot be used.
    """
    query = select(audit_row).order_by(audit_row.c.seq).execution_options(yield_per=_AT_ONCE)
    with reading(engine) as connection:
        found = list(_faults(connection.execute(query), _read_head(connection)))
        return found + list(_rebuilt(connection, noted))


def _lock_head(connection: Connection) -> Head:
    """Who holds the head appends; on SQLite whoever writes holds the whole database already."""
    if head := _read_head(connection, lock=True):
        return head
    raise StorageProblem(
        "The audit log has lost its head, so nothing can be changed: run `cityhub audit verify`, "
        "find out who changed the database, and restore it from a backup."
    )


def _read_head(connection: Connection, *, lock: bool = False) -> Head | None:
    query = select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.id == 1)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return Head(*row) if row else None


def _continue(head: Head, said: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    previous = head.hash
    for seq, (at_ns, actor, origin, action, subject, detail) in enumerate(said, head.seq + 1):
        row = {
            "seq": seq,
            "at_ns": at_ns,
            "actor": actor,
            "origin": origin,
            "action": action,
            "subject": subject,
            "detail": detail,
            "previous": previous,
        }
        row["hash"] = previous = _digest(row.values())
        yield row


def _digest(values: Iterable[object]) -> str:
    """The hash of a row's other columns, in the order of the table."""
    return hashlib.sha256(_HASHED.encode(list(values)).encode("ascii")).hexdigest()


def _faults(rows: Iterable[Any], head: Head | None) -> Iterator[str]:
    last = _BEGINNING
    for row in rows:
        *said, stored = row
        if not isinstance(row.seq, int) or row.seq <= last.seq:
            yield f"Row {row.seq!r} was put in: rows are whole numbers from 1 on."
            continue
        yield from _break_between(last, row)
        if stored != _digest(said):
            yield f"Row {row.seq} was altered: its hash does not match what it says."
        last = Head(row.seq, stored)
    yield from _wrong_end(last, head)


def _break_between(last: Head, row: Any) -> Iterator[str]:  # noqa: ANN401 - a row may hold anything once altered
    if row.seq > last.seq + 1:
        yield _missing(last.seq + 1, row.seq - 1)
    elif row.previous != last.hash:
        yield f"Row {row.seq} does not follow the row before it: one of the two was altered, moved or put in."


def _wrong_end(last: Head, head: Head | None) -> Iterator[str]:
    if head is None:
        yield f"The head is missing: whatever followed row {last.seq} may have been cut off."
    elif head != last:
        yield f"The head, row {head.seq}, does not match the end, row {last.seq}: rows were cut off, put in or altered."


def _missing(first: int, last: int) -> str:
    return f"Row {first} is missing." if first == last else f"Rows {first} to {last} are missing."


def _rebuilt(connection: Connection, noted: Head | None) -> Iterator[str]:
    if noted is None or noted == _BEGINNING:
        return
    found = connection.scalar(select(audit_row.c.hash).where(audit_row.c.seq == noted.seq))
    if found != noted.hash:
        yield f"Row {noted.seq} is not the one that was noted: the log was rebuilt, or cut off, since then."


def _said(detail: str) -> Detail:
    try:
        said = json.loads(detail)
    except (TypeError, ValueError):
        said = None
    return said if isinstance(said, dict) else {"unreadable": str(detail)}
