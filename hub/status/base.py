"""What the runner and the parts of status promise each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.decode.watch import Watch


class Part(Protocol):
    """Something that judges what devices report: bandwidth, fences, health … Pure: times are given, nothing waits."""

    def observe(self, watch: Watch, samples: Sequence[tuple[Any, ...]], now_ns: int) -> None:
        """Take in what a device reported since the last call: (time_ns, received_ns, *vitals), oldest first.

        Vitals stand in the order of the profile's; called about once a second, only for devices that reported.
        """

    def tick(self, now_ns: int) -> str:
        """Draw conclusions, about once a second; return lines to write, each ended by a newline, or nothing."""
