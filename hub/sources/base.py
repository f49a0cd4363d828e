"""What a source of telemetry and the pipeline promise each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hub.model import Burst, Lines


class Intake(Protocol):
    """Where sources put what they receive. All calls come from the event loop."""

    def offer(self, burst: Burst) -> bool:
        """Take a burst, always.

        Returns:
            False when the source must not read any more until `ready` has returned.
        """

    def add(self, lines: Lines) -> bool:
        """Take lines that nobody sent, if there is room; never waits.

        Returns:
            False when there is none: nothing was taken, and the caller drops or repeats it, and counts.
        """

    async def ready(self) -> None:
        """Return as soon as there is room again."""

    async def settled(self) -> None:
        """Return once everything that was offered is durable and acknowledged."""


class Source(Protocol):
    """Something that receives telemetry: it connects, reconnects, and puts what it receives into an Intake.

    A source never drops what it was sent and never acknowledges by itself: `Burst.acknowledge` is called by the
    pipeline once the burst is durable. It stamps each burst with its injected clock, strictly rising, and leaves
    room for one nanosecond per message, so that no two messages share a time of receipt.
    """

    async def run(self) -> None:
        """Receive until cancelled. A lost connection is the source's own business and ends nothing."""
