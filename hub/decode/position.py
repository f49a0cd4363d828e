"""Positions that a tracker cannot have been at. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import Fault, Reason

if TYPE_CHECKING:
    from hub.decode.watch import Watch


def implausible(watch: Watch, time_ns: int, lat: float, lon: float) -> Fault | None:  # noqa: ARG001 - see the contract
    """Return why a position is not believed, or None.

    Zero-zero, in the Gulf of Guinea, is what a tracker without a fix sends.
    """
    if lat == 0 and lon == 0:
        return Fault(Reason.IMPLAUSIBLE, "position 0, 0: the tracker has no fix")
    return None
