"""What the pipeline expects of the durable queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.model import Batch, DeadLetter


@dataclass(slots=True, frozen=True)
class Parcel:
    """Neighbouring batches taken out for one write: their positions, rising, and their lines joined."""

    positions: tuple[int, ...]
    lines: bytes
    count: int


class Spool(Protocol):
    """A queue on disk: what `append` returned from survives kill -9 of anything, until it is released.

    Positions rise and are never used twice, also across restarts.
    """

    async def append(self, batch: Batch) -> None:
        """Make a batch and its dead letters durable in one transaction.

        Raises:
            SpoolFull: the bound or the disk's reserve is reached; nothing was taken, try again later.
        """

    async def take(self, max_lines: int, max_bytes: int) -> Parcel:
        """Wait for lines and return the oldest that nobody has taken; at least one batch, whatever its size.

        A parcel stays on disk until it is released, and is handed out anew after a restart.
        """

    def release(self, parcel: Parcel) -> None:
        """Forget a parcel that the database has confirmed; takes effect on disk with the next transaction."""

    async def bury(self, dead: Sequence[DeadLetter]) -> None:
        """Make dead letters durable; they are taken also when the spool is full, for they make room."""
