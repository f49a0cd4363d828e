"""Honest stand-ins that keep the contracts of `hub/sinks/base.py`, and messages as the MQTT codec makes them."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import mqtt5

from hub.errors import Refused, SinkError, TooLarge
from hub.model import Burst

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

NOW = 1_790_000_000_000_000_000


class Device(NamedTuple):
    """A row of the registry, as far as the directory looks at it."""

    device: str
    profile: str = "generic_ipcamera"
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    serial: str | None = None
    imei: str | None = None
    modbus: str | None = None
    unit: int | None = None


class MemorySink:
    """A database in memory: each write ends as the next of `failures` says, and else by its own rules.

    Args:
        most: more lines than these in one request are TooLarge.
        refuses: says of a line whether this database condemns it; its neighbours are stored all the same.
    """

    def __init__(self, *, most: int = 1_000_000, refuses: Callable[[bytes], bool] = lambda _: False) -> None:
        self.failures: deque[SinkError] = deque()
        self.requests: list[bytes] = []
        self.stored: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0
        self._changed = asyncio.Event()
        self._most = most
        self._refuses = refuses

    async def open(self) -> None:
        """See `Sink.open`."""

    async def close(self) -> None:
        """See `Sink.close`."""

    async def write(self, lines: bytes) -> None:
        """See `Sink.write`; waits while the gate is closed."""
        self.requests.append(lines)
        self.waiting += 1
        self._changed.set()
        await self.gate.wait()
        self.waiting -= 1
        try:
            self._write(lines.splitlines(keepends=True))
        finally:
            self._changed.set()

    def _write(self, lines: list[bytes]) -> None:
        if self.failures:
            raise self.failures.popleft()
        if len(lines) > self._most:
            raise TooLarge("413")
        self.stored += [line for line in lines if not self._refuses(line)]
        if any(self._refuses(line) for line in lines):
            raise Refused("400: partial write")

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for writes until the condition holds."""
        while not met():
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def running(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run beside the block and cancel at its end; a failure of the work fails the test."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def publish(topic: str, payload: bytes, *, retain: bool = False) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(topic, payload=payload, retain=retain)


def burst(*messages: mqtt5.PublishPacket, acknowledge: Callable[[], None] = lambda: None) -> Burst:
    return Burst(messages, NOW, acknowledge)
