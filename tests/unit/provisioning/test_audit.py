"""The audit log: what is recorded, and that nothing in it can be changed unseen."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from provisioning import audit
from provisioning.audit import SYSTEM, Actor, AuditRow, Head
from provisioning.audit_tables import GENESIS, audit_head, audit_row
from provisioning.database import open_engine, reading, writing
from provisioning.errors import StorageProblem
from provisioning.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from provisioning.audit import Detail

NOW_NS = 1_790_000_000_000_000_000
BUDI = Actor("budi", "cli@hub-1")
COLUMNS = [column.name for column in audit_row.columns]

APPEND = """
import sys, time
from provisioning import audit
from provisioning.database import open_engine, writing

engine = open_engine(sys.argv[1])
for number in range(100):
    with writing(engine) as connection:
        audit.record(connection, time.time_ns(), audit.SYSTEM, "device.update", f"device/{sys.argv[2]}-{number}", {})
"""


@contextmanager
def log(*changes: tuple[str, Detail]) -> Iterator[Engine]:
    """A log in memory, of these changes."""
    engine = open_engine("sqlite://")
    metadata.create_all(engine, tables=[audit_row, audit_head])
    append(engine, *changes)
    yield engine
    engine.dispose()


def append(engine: Engine, *changes: tuple[str, Detail]) -> None:
    with writing(engine) as connection:
        audit.record_all(connection, NOW_NS, BUDI, "device.update", changes)


def stored(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(audit_row).order_by(audit_row.c.seq)).mappings()]


def restore(engine: Engine, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in the place of those there are, as somebody with the database's password could."""
    with writing(engine) as connection:
        connection.execute(delete(audit_row))
        if rows:
            connection.execute(insert(audit_row), rows)


def sealed(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the hash that fits it, computed from the description in the module."""
    said = [row[name] for name in COLUMNS if name != "hash"]
    text = json.dumps(said, separators=(",", ":"))
    return row | {"hash": hashlib.sha256(text.encode("ascii")).hexdigest()}


# What is recorded


def test_a_row_says_who_did_what_when_and_from_where(engine: Engine) -> None:
    with writing(engine) as connection:
        audit.record(connection, NOW_NS, BUDI, "device.update", "device/cam-1", {"name": ["", "Gerbang"]})
    [row] = audit.read(engine, 10)
    assert row == AuditRow(
        seq=1,
        at_ns=NOW_NS,
        actor="budi",
        origin="cli@hub-1",
        action="device.update",
        subject="device/cam-1",
        detail={"name": ["", "Gerbang"]},
        previous=GENESIS,
        hash=row.hash,
    )


def test_each_row_is_hashed_as_described_and_holds_the_hash_before_it() -> None:
    with log(("a", {}), ("b", {"name": "Kutasari ☂", "zones": ["crime"]}), ("c", {})) as engine:
        first, second, third = rows = stored(engine)
        assert rows == [sealed(row) for row in rows]
        assert [row["previous"] for row in rows] == [GENESIS, first["hash"], second["hash"]]
        assert audit.read_head(engine) == Head(3, third["hash"])


def test_what_is_undone_leaves_no_row(engine: Engine) -> None:
    append(engine, ("device/cam-1", {}))
    with pytest.raises(StorageProblem), writing(engine) as connection:
        _record_and_fail(connection)
    assert [row.subject for row in audit.read(engine, 10)] == ["device/cam-1"]
    assert audit.verify(engine) == []


def test_the_latest_rows_come_first_and_can_be_read_on() -> None:
    with log(*((f"device/cam-{number % 2}", {}) for number in range(1, 7))) as engine:
        assert [row.seq for row in audit.read(engine, 2)] == [6, 5]
        assert [row.seq for row in audit.read(engine, 2, before=5)] == [4, 3]
        assert [row.seq for row in audit.read(engine, 10, subject="device/cam-1")] == [5, 3, 1]


def test_many_rows_are_chained_through_all_their_inserts(engine: Engine) -> None:
    append(engine, *((f"device/cam-{number}", {}) for number in range(2_500)))
    assert audit.read_head(engine) == Head(2_500, audit.read(engine, 1)[0].hash)
    assert audit.verify(engine) == []


@pytest.mark.slow
def test_two_processes_append_to_one_chain(engine: Engine, database: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", APPEND, str(database)]
    root = Path(__file__).parents[3]
    processes = [subprocess.Popen([*command, name], cwd=root) for name in ("left", "right")]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(audit.read(engine, 1_000)) == 200
    assert audit.verify(engine) == []


# What verify finds

texts = st.text(max_size=8)
printable = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=8)
details = st.dictionaries(
    texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2), max_size=2
)
changes = st.lists(st.tuples(printable, details), min_size=1, max_size=6)
several = st.lists(st.tuples(printable, details), min_size=2, max_size=8, unique_by=repr)
values = st.integers(-2, 2**40) | st.floats(allow_nan=False) | texts | st.binary(max_size=8)


@given(changes, changes)
def test_a_log_that_nobody_touched_is_whole(first: list[tuple[str, Detail]], second: list[tuple[str, Detail]]) -> None:
    with log(*first) as engine:
        append(engine, *second)
        assert audit.verify(engine) == []


@given(changes, st.data())
def test_any_altered_value_is_found(made: list[tuple[str, Detail]], data: st.DataObject) -> None:
    with log(*made) as engine:
        before = stored(engine)
        row = data.draw(st.sampled_from(before))
        change = {data.draw(st.sampled_from(COLUMNS)): data.draw(values)}
        assume(change.get("seq") not in {other["seq"] for other in before})
        with writing(engine) as connection:
            connection.execute(update(audit_row).where(audit_row.c.seq == row["seq"]).values(change))
        assume(repr(stored(engine)) != repr(before))
        assert audit.verify(engine) != []


@given(changes, st.data())
def test_a_row_that_was_altered_and_hashed_anew_is_found(made: list[tuple[str, Detail]], data: st.DataObject) -> None:
    with log(*made) as engine:
        rows = stored(engine)
        place = data.draw(st.integers(0, len(rows) - 1))
        rows[place] = sealed(rows[place] | {"actor": "siti"})
        restore(engine, rows)
        assert audit.verify(engine) != []


@given(changes, st.data())
def test_any_removed_rows_are_found(made: list[tuple[str, Detail]], data: st.DataObject) -> None:
    with log(*made) as engine:
        rows = stored(engine)
        removed = data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1))
        restore(engine, [row for place, row in enumerate(rows) if place not in removed])
        assert audit.verify(engine) != []


@given(changes, st.data())
def test_a_removed_row_is_found_though_the_rest_close_ranks(
    made: list[tuple[str, Detail]], data: st.DataObject
) -> None:
    with log(*made) as engine:
        rows = stored(engine)
        del rows[data.draw(st.integers(0, len(rows) - 1))]
        restore(engine, [row | {"seq": seq} for seq, row in enumerate(rows, 1)])
        assert audit.verify(engine) != []


@given(changes, st.data())
def test_any_inserted_row_is_found(made: list[tuple[str, Detail]], data: st.DataObject) -> None:
    with log(*made) as engine:
        rows = stored(engine)
        place = data.draw(st.integers(0, len(rows)))
        previous = rows[place - 1]["hash"] if place else GENESIS
        forged = sealed(rows[0] | {"actor": "siti", "seq": place + 1, "previous": previous})
        moved = [row | {"seq": row["seq"] + 1} for row in rows[place:]]
        restore(engine, [*rows[:place], forged, *moved])
        assert audit.verify(engine) != []


@given(changes, st.integers(-(2**40), 0) | st.floats(1.1, 1.9) | st.text("abc", min_size=1))
def test_a_row_with_a_number_that_no_row_has_is_found(made: list[tuple[str, Detail]], seq: object) -> None:
    with log(*made) as engine:
        restore(engine, [*stored(engine), sealed(stored(engine)[0] | {"seq": seq})])
        assert "was put in" in " ".join(audit.verify(engine))


@given(several, st.data(), st.booleans())
def test_rows_that_changed_places_are_found(
    made: list[tuple[str, Detail]],
    data: st.DataObject,
    links_stay: bool,  # noqa: FBT001 - hypothesis passes arguments as it likes
) -> None:
    with log(*made) as engine:
        rows = stored(engine)
        order = list(range(len(rows)))
        one = data.draw(st.integers(1, len(rows) - 1))
        other = data.draw(st.integers(0, one - 1))
        order[one], order[other] = order[other], order[one]
        kept = ("seq", "at_ns", "previous", "hash") if links_stay else ("seq",)
        moved = [rows[source] | {name: rows[place][name] for name in kept} for place, source in enumerate(order)]
        assume(moved != rows)
        restore(engine, moved)
        assert audit.verify(engine) != []


@given(changes, st.sampled_from(["seq", "hash"]), st.integers(0, 2**40))
def test_an_altered_head_is_found(made: list[tuple[str, Detail]], column: str, value: int) -> None:
    with log(*made) as engine:
        assume(value != len(made))
        with writing(engine) as connection:
            connection.execute(update(audit_head).values({column: value}))
        assert audit.verify(engine) != []


def test_each_fault_is_said_in_a_sentence() -> None:
    with log(*((f"device/cam-{number}", {}) for number in range(9))) as engine:
        rows = stored(engine)
        rows[7] |= {"actor": "siti"}
        rows[8] = sealed(rows[8] | {"previous": GENESIS})
        restore(engine, [rows[0], *rows[2:4], *rows[6:]])
        assert audit.verify(engine) == [
            "Row 2 is missing.",
            "Rows 5 to 6 are missing.",
            "Row 8 was altered: its hash does not match what it says.",
            "Row 9 does not follow the row before it: one of the two was altered, moved or put in.",
            "The head, row 9, does not match the end, row 9: rows were cut off, put in or altered.",
        ]


def test_a_tail_that_was_cut_off_is_found() -> None:
    with log(("a", {}), ("b", {}), ("c", {})) as engine:
        restore(engine, stored(engine)[:1])
        assert audit.verify(engine) == [
            "The head, row 3, does not match the end, row 1: rows were cut off, put in or altered."
        ]


def test_a_log_without_its_head_takes_no_more_changes() -> None:
    with log(("a", {})) as engine:
        with writing(engine) as connection:
            connection.execute(delete(audit_head))
        with pytest.raises(StorageProblem, match="lost its head"):
            append(engine, ("b", {}))
        assert audit.read_head(engine) is None
        assert audit.verify(engine) == ["The head is missing: whatever followed row 1 may have been cut off."]


def test_a_log_that_was_rebuilt_as_a_whole_is_told_by_a_head_that_was_noted() -> None:
    with log(("device/cam-1", {}), ("device/cam-2", {})) as engine, log(("device/cam-1", {}), ("x", {})) as rebuilt:
        noted = audit.read_head(engine)
        append(engine, ("device/cam-3", {}))
        append(rebuilt, ("device/cam-3", {}))
        assert audit.verify(engine, noted) == []
        assert audit.verify(rebuilt) == []
        assert audit.verify(rebuilt, noted) == [
            "Row 2 is not the one that was noted: the log was rebuilt, or cut off, since then."
        ]


def test_the_head_of_an_empty_log_can_be_noted_too(engine: Engine) -> None:
    empty = audit.read_head(engine)
    append(engine, ("device/cam-1", {}))
    assert empty == Head(0, GENESIS)
    assert audit.verify(engine, empty) == []


@pytest.mark.parametrize("text", ["{", "[]", b"\x00"])
def test_a_detail_that_was_ruined_is_shown_as_it_is(text: object) -> None:
    with log(("a", {})) as engine:
        with writing(engine) as connection:
            connection.execute(update(audit_row).values(detail=text))
        assert [row.detail for row in audit.read(engine, 1)] == [{"unreadable": str(text)}]


def test_what_json_cannot_say_is_not_recorded(engine: Engine) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        append(engine, ("device/cam-1", {"lat": float("nan")}))
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(audit_row)) == 0


def test_the_hub_acts_for_nobody() -> None:
    assert Actor("system", "hub") == SYSTEM


def _record_and_fail(connection: Connection) -> None:
    audit.record(connection, NOW_NS, BUDI, "device.update", "device/cam-2", {})
    connection.exec_driver_sql("DELETE FROM nowhere")
