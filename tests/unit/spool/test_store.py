from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hub.model import Batch
from hub.spool.store import Store, read_dead_letters
from tests.unit.spool.helpers import batch, letter, on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool 100% #1?.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with closing(Store(file, max_dead=10, max_dead_per_device=4)) as opened:
        yield opened


def test_the_file_commits_with_fsync_and_overwrites_nothing_twice(store: Store) -> None:
    pragmas = {
        name: store._db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("synchronous", "journal_mode", "secure_delete")
    }

    assert pragmas == {"synchronous": 2, "journal_mode": "wal", "secure_delete": 0}


def test_what_waits_is_listed_with_its_size(store: Store) -> None:
    first = store.commit(batch(1, 2), [])
    second = store.commit(batch(3), [])

    assert store.waiting() == [(first, 2, 18), (second, 1, 9)]


def test_reading_stops_at_the_asked_size_but_returns_one_batch_at_least(store: Store) -> None:
    positions = [store.commit(batch(number), []) for number in range(4)]

    assert [row[0] for row in store.read(0, 1)] == positions[:1]
    assert [row[0] for row in store.read(positions[1], 18)] == positions[1:3]
    assert store.read(positions[-1] + 1, 1000) == []


def test_a_commit_that_fails_changes_nothing(store: Store, file: Path) -> None:
    position = store.commit(batch(1), [])
    broken = Batch(b"m n=2i 2\n", 1, [letter("a", 2**63)])

    with pytest.raises(OverflowError):
        store.commit(broken, [position])

    assert on_disk(file) == [1]
    assert store.commit(batch(3), [position]) > position


def test_of_one_device_only_the_newest_dead_letters_are_kept(store: Store, file: Path) -> None:
    for number in range(6):
        store.commit(Batch(dead=[letter("noisy", number)]), [])
    store.commit(Batch(dead=[letter("quiet", 9)]), [])

    assert [one.received_ns for one in read_dead_letters(file, 100, "noisy")] == [5, 4, 3, 2]
    assert [one.received_ns for one in read_dead_letters(file, 100, "quiet")] == [9]


def test_of_all_devices_only_the_newest_dead_letters_are_kept(store: Store, file: Path) -> None:
    store.commit(Batch(dead=[letter(f"d{number}", number) for number in range(15)]), [])

    assert [one.received_ns for one in read_dead_letters(file, 100)] == list(range(14, 4, -1))
    assert len(read_dead_letters(file, 3)) == 3


def test_one_transaction_of_many_dead_letters_is_bounded_as_well(store: Store, file: Path) -> None:
    store.commit(Batch(dead=[letter("noisy", number) for number in range(100)]), [])

    assert len(read_dead_letters(file, 100)) == 4


def test_a_dead_letter_reads_back_as_written(store: Store, file: Path) -> None:
    store.commit(Batch(dead=[letter("a", 7)]), [])

    assert read_dead_letters(file, 1) == [letter("a", 7)]
    assert read_dead_letters(file, 1, "b") == []


def test_before_there_is_a_spool_there_are_no_dead_letters(tmp_path: Path) -> None:
    assert read_dead_letters(tmp_path / "spool.db", 10) == []


def test_reading_dead_letters_leaves_the_file_alone(store: Store, file: Path) -> None:
    store.commit(Batch(dead=[letter("a")]), [])
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert read_dead_letters(file, 1) == [letter("a")]
