"""What moves on the wall every second: pushed to Grafana Live, and forgotten.

Lossy on purpose: nothing of it is spooled, a push that is late is not made up for, and Grafana being away costs nothing
but the movement. One line a channel and tick, and always the same fields: a channel whose fields change goes blank
(grafana#72461), and of several lines only the last may be shown (grafana#43765).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from hub.grafana.client import Client
    from hub.model import Clock

STREAM: Final = "cityhub"
_SECOND: Final = 1_000_000_000


class Pulse(NamedTuple):
    """How the city is at this moment.

    Attributes:
        rx_bps: bits a second over all uplinks, in and out; None where nobody measures them.
    """

    messages_per_s: float
    spool_points: int
    devices: int
    online: int
    incidents: int
    rx_bps: float | None = None
    tx_bps: float | None = None


class Pace:
    """Turns a count that only rises into a rate, from one look to the next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[int, int] | None = None

    def per_s(self, count: int) -> float:
        """Return the rate since the last look; 0 at the first."""
        now = self._clock()
        last, self._last = self._last, (now, count)
        return (count - last[1]) / ((now - last[0]) / _SECOND) if last and now > last[0] else 0.0


def lines(pulse: Pulse, now_ns: int) -> bytes:
    """Return the pulse as line protocol: a line a channel, whose name is the measurement's."""
    health = (
        f"health messages_per_s={pulse.messages_per_s:.3f},spool_points={pulse.spool_points}i,"
        f"devices={pulse.devices}i,online={pulse.online}i,incidents={pulse.incidents}i {now_ns}\n"
    )
    if pulse.rx_bps is None or pulse.tx_bps is None:
        return health.encode()
    return f"{health}bandwidth rx_bps={pulse.rx_bps:.1f},tx_bps={pulse.tx_bps:.1f} {now_ns}\n".encode()


async def beat(client: Client, pulse: Pulse, now_ns: int) -> None:
    """Push one pulse; raises GrafanaError."""
    await client.stream(f"/api/live/push/{STREAM}", lines(pulse, now_ns))
