"""The spool: SQLite on disk, the newest batches also in memory, so that a database that keeps up costs no read."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

from hub.errors import SpoolFull
from hub.model import Batch, DeadLetter
from hub.spool.base import Parcel
from hub.spool.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hub.spool.options import SpoolOptions

MEGABYTE: Final = 1_000_000
MEMORY: Final = 16 * MEGABYTE
"""Bytes of lines kept in memory beside the disk."""
IDLE_S: Final = 1.0
"""Released batches leave the disk this often when nothing new arrives."""

_Result = TypeVar("_Result")


class SqliteSpool:
    """Implements `hub.spool.base.Spool`; use as an asynchronous context manager.

    `lines`, `bytes` count what has not been released; `full` says why nothing is taken, if so.
    """

    def __init__(self, file: Path, options: SpoolOptions, memory: int = MEMORY) -> None:
        self.lines = 0
        self.bytes = 0
        self.full = ""
        self._file = file
        self._options = options
        self._memory = memory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._sizes: dict[int, tuple[int, int]] = {}
        self._released: list[int] = []
        self._ready: deque[tuple[int, int, bytes]] = deque()
        self._ready_bytes = 0
        self._on_disk = False
        self._next = 0
        self._arrived = asyncio.Event()
        self._loading = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._store = await self._call(
            lambda: Store(self._file, self._options.max_rejects, self._options.max_rejects_per_device)
        )
        for position, count, size in await self._call(self._store.waiting):
            self._account(position, count, size)
        self._on_disk = bool(self._sizes)
        if self._on_disk:
            self._arrived.set()
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(SpoolFull):  # what stays on disk is handed out anew, which is harmless
            await self.flush()
        await self._call(self._store.close)
        self._thread.shutdown()

    async def append(self, batch: Batch) -> None:
        """See `Spool.append`."""
        self.full = self._no_room(len(batch.lines))
        if self.full:
            raise SpoolFull(self.full)
        await self._commit(batch)

    async def bury(self, dead: Sequence[DeadLetter]) -> None:
        """See `Spool.bury`."""
        await self._commit(Batch(dead=list(dead)))

    async def take(self, max_lines: int, max_bytes: int) -> Parcel:
        """See `Spool.take`."""
        while True:
            if self._ready:
                return self._pack(max_lines, max_bytes)
            if self._on_disk:
                await self._load()
                continue
            self._arrived.clear()
            await self._arrived.wait()

    def release(self, parcel: Parcel) -> None:
        """See `Spool.release`."""
        for position in parcel.positions:
            count, size = self._sizes.pop(position)
            self.lines -= count
            self.bytes -= size
        self._released += parcel.positions

    async def flush(self) -> None:
        """Delete from disk what was released."""
        if self._released:
            await self._commit(Batch())

    async def tidy(self) -> None:
        """Flush now and then, until cancelled; a busy spool flushes by itself."""
        while True:
            await asyncio.sleep(IDLE_S)
            with suppress(SpoolFull):  # `full` says it
                await self.flush()

    async def _commit(self, batch: Batch) -> None:
        """Not to be cut in half by a cancellation: what is on disk stands in the books as well."""
        await asyncio.shield(self._transact(batch))

    async def _transact(self, batch: Batch) -> None:
        released, self._released = self._released, []
        try:
            position = await self._call(lambda: self._store.commit(batch, released))
        except sqlite3.Error as error:
            self._released += released
            self.full = f"the spool {self._file} cannot be written: {error}"
            raise SpoolFull(self.full) from error
        self.full = ""
        if position:
            self._account(position, batch.count, len(batch.lines))
            self._offer(position, batch)

    def _no_room(self, size: int) -> str:
        """A full disk would refuse even deletions, so taking ends before it is full."""
        limit, reserve = self._options.max_mb * MEGABYTE, self._options.reserve_mb * MEGABYTE
        if self.bytes + size > limit and self.bytes:
            return f"the spool holds {self.bytes / MEGABYTE:.0f} of {limit / MEGABYTE:.0f} MB"
        free = shutil.disk_usage(self._file.parent).free
        if free < reserve:
            return f"the disk has {free / MEGABYTE:.0f} MB left, {reserve / MEGABYTE:.0f} MB are kept in reserve"
        return ""

    def _account(self, position: int, count: int, size: int) -> None:
        self._sizes[position] = (count, size)
        self.lines += count
        self.bytes += size

    def _offer(self, position: int, batch: Batch) -> None:
        """Keep a new batch in memory, unless older ones are waiting on disk only."""
        if not self._on_disk and self._ready_bytes < self._memory:
            self._push(position, batch.count, batch.lines)
        else:
            self._on_disk = True
        self._arrived.set()

    def _push(self, position: int, count: int, lines: bytes) -> None:
        self._ready.append((position, count, lines))
        self._ready_bytes += len(lines)
        self._next = position + 1

    async def _load(self) -> None:
        """Read the next stretch from disk; one task at a time, for it must not be read twice."""
        async with self._loading:
            if self._ready or not self._on_disk:
                return
            rows = await self._call(lambda: self._store.read(self._next, self._memory // 2))
            for row in rows:
                self._push(*row)
            self._on_disk = bool(rows) and next(reversed(self._sizes), 0) >= self._next

    def _pack(self, max_lines: int, max_bytes: int) -> Parcel:
        positions: list[int] = []
        texts: list[bytes] = []
        lines = size = 0
        while self._ready:
            position, count, text = self._ready[0]
            if positions and (lines + count > max_lines or size + len(text) > max_bytes):
                break
            self._ready.popleft()
            self._ready_bytes -= len(text)
            positions.append(position)
            texts.append(text)
            lines += count
            size += len(text)
        return Parcel(tuple(positions), texts[0] if len(texts) == 1 else b"".join(texts), lines)

    async def _call(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
