"""An intake in the hands of a test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.model import Burst, Lines, Message


class HeldIntake:
    """Keeps the contract of `hub/sources/base.py`; holds what it is offered until the test has it committed.

    Attributes:
        most: with more messages than these uncommitted it is full.
    """

    def __init__(self, most: int = 1_000_000) -> None:
        self.bursts: list[Burst] = []
        self.added: list[Lines] = []
        self.most = most
        self._open: list[Burst] = []
        self._changed = asyncio.Condition()

    @property
    def messages(self) -> list[Message]:
        return [message for burst in self.bursts for message in burst.messages]

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    @property
    def full(self) -> bool:
        return sum(len(burst.messages) for burst in self._open) >= self.most

    def offer(self, burst: Burst) -> bool:
        """See `Intake.offer`."""
        self.bursts.append(burst)
        self._open.append(burst)
        return not self.full

    def add(self, lines: Lines) -> bool:
        """See `Intake.add`."""
        if not self.full:
            self.added.append(lines)
        return not self.full

    async def ready(self) -> None:
        """See `Intake.ready`."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.full)

    async def settled(self) -> None:
        """See `Intake.settled`."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._open)

    async def commit(self) -> None:
        """Acknowledge all that is held."""
        done, self._open = self._open, []
        for burst in done:
            burst.acknowledge()
        async with self._changed:
            self._changed.notify_all()

    async def commit_always(self) -> None:
        """Acknowledge what comes, until cancelled."""
        while True:
            await asyncio.sleep(0.005)
            await self.commit()

    async def until(self, count: int) -> None:
        """Wait for so many messages; the test's own time limit ends it."""
        while len(self.messages) < count:  # noqa: ASYNC110 - a source tells nobody but this intake
            await asyncio.sleep(0.005)
