"""The least that a durable consumer can do: receive and acknowledge, in groups as the hub does, and forget.

    python -m tests.bench.subscriber SETTINGS_FILE MESSAGES

Prints how many it has received, twenty times a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hub.settings import load_settings
from hub.sources.mqtt import MqttSource
from hub.transport.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.model import Burst, Lines


class Forgetful:
    """An Intake that acknowledges every 20 ms and keeps nothing."""

    def __init__(self) -> None:
        self.received = 0
        self._acknowledge: list[Callable[[], None]] = []

    def offer(self, burst: Burst) -> bool:
        """Count."""
        self.received += len(burst.messages)
        self._acknowledge.append(burst.acknowledge)
        return True

    def add(self, lines: Lines) -> bool:  # noqa: ARG002 - nothing is kept
        """Nobody adds any here."""
        return True

    async def ready(self) -> None:
        """There is always room."""

    async def settled(self) -> None:
        """Nothing is kept."""

    async def run(self) -> None:
        """Acknowledge."""
        while True:
            await asyncio.sleep(0.02)
            due, self._acknowledge = self._acknowledge, []
            for acknowledge in due:
                acknowledge()


async def main(settings_file: Path, messages: int) -> None:
    """Subscribe, and end after so many messages."""
    broker = load_settings(settings_file).broker
    assert broker is not None
    intake = Forgetful()
    source = MqttSource(broker, partial(client_context, broker), intake, time.time_ns)
    tasks = [asyncio.create_task(source.run()), asyncio.create_task(intake.run())]
    while not source.connected:
        await asyncio.sleep(0.01)
    while intake.received < messages:
        print(intake.received, flush=True)
        await asyncio.sleep(0.05)
    print(intake.received, flush=True)
    await asyncio.sleep(0.1)  # the last acknowledgements
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
