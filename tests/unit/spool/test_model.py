"""Any order of appends, takes, releases, restarts and crashes, against a list that cannot be wrong."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.spool.sqlite import SqliteSpool
from tests.unit.spool.helpers import OPTIONS, as_after_a_crash, batch, letter, numbers

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hub.spool.base import Parcel


class SpoolMachine(RuleBasedStateMachine):
    """The model: batches that wait, parcels that are out, and releases that no transaction has carried yet."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="spool-"))
        self.fresh = count()
        self.lives = count()
        self.waiting: list[list[int]] = []
        self.out: list[tuple[Parcel, list[list[int]]]] = []
        self.released: list[list[int]] = []
        self.position: dict[int, int] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work returns
        return self.loop.run_until_complete(work)

    def open(self, file: Path) -> None:
        self.file = file
        self.spool = SqliteSpool(file, OPTIONS, memory=self.memory)
        self.run(self.spool.__aenter__())

    @initialize(memory=st.sampled_from([0, 30, 100, 16_000_000]))
    def start(self, memory: int) -> None:
        self.memory = memory
        self.open(self.folder / "spool.db")

    @rule(lines=st.integers(1, 4), dead=st.booleans())
    def append(self, lines: int, *, dead: bool) -> None:
        new = [next(self.fresh) for _ in range(lines)]
        made = batch(*new)
        made.dead = [letter("a")] if dead else []
        self.run(self.spool.append(made))
        self.waiting.append(new)
        self.released = []

    @precondition(lambda self: self.waiting)
    @rule(max_lines=st.integers(1, 10), max_bytes=st.integers(1, 200))
    def take(self, max_lines: int, max_bytes: int) -> None:
        parcel: Parcel = self.run(self.spool.take(max_lines, max_bytes))
        taken = [self.waiting.pop(0) for _ in parcel.positions]
        assert numbers(parcel.lines) == [number for one in taken for number in one]
        assert parcel.count == len(numbers(parcel.lines))
        assert len(taken) == 1 or (parcel.count <= max_lines and len(parcel.lines) <= max_bytes)
        for one, position in zip(taken, parcel.positions, strict=True):
            assert self.position.setdefault(one[0], position) == position
        self.out.append((parcel, taken))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        parcel, taken = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.spool.release(parcel)
        self.released += taken

    @rule()
    def flush(self) -> None:
        self.run(self.spool.flush())
        self.released = []

    @rule()
    def bury(self) -> None:
        self.run(self.spool.bury([letter("a")]))
        self.released = []

    @rule()
    def restart(self) -> None:
        self.run(self.spool.__aexit__())
        self.released = []
        self.come_back()
        self.open(self.file)

    @rule()
    def crash(self) -> None:
        copy = as_after_a_crash(self.file, self.folder / str(next(self.lives)))
        self.run(self.spool.__aexit__())
        self.come_back()
        self.open(copy)

    def come_back(self) -> None:
        """What was out, or whose release no transaction had carried, is handed out anew."""
        back = [one for _, taken in self.out for one in taken]
        self.waiting = sorted([*self.waiting, *back, *self.released])
        self.out, self.released = [], []

    @invariant()
    def the_books_are_true(self) -> None:
        kept = [*self.waiting, *(one for _, taken in self.out for one in taken)]
        assert self.spool.lines == sum(len(one) for one in kept)
        assert self.spool.bytes == sum(len(batch(*one).lines) for one in kept)

    @invariant()
    def positions_rise_with_time_and_none_is_used_twice(self) -> None:
        assert [position for _, position in sorted(self.position.items())] == sorted(set(self.position.values()))

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.run(self.spool.__aexit__())
        self.loop.close()
        shutil.rmtree(self.folder)


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(stateful_step_count=20)
