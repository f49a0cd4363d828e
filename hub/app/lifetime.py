"""How rooms live: beside a block of code, and no longer than it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from hub.local.supervisor import Supervisor


@asynccontextmanager
async def running(name: str, room: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a room beside the block; when it fails the block is cancelled, when the block ends it is."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(room, name=name)
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def supervised(name: str, supervisor: Supervisor, servers: dict[str, Supervisor]) -> AsyncIterator[None]:
    """Run a server beside the block, which begins once it serves."""
    servers[name] = supervisor
    async with running(name, supervisor.run()):
        await supervisor.ready()
        yield
