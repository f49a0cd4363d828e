"""What moves on the wall every second: pushed to Grafana Live, and forgotten.

Lossy on purpose: nothing of it is spooled, a push that is late is not made up for, and Grafana being away costs nothing
but the movement. One line a channel and tick, and always the same fields: a channel whose fields change goes blank
(grafana#72461), and of several lines only the last may be shown (grafana#43765).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from hub.grafana.client import Client

STREAM: Final = "cityhub"


class Pulse(NamedTuple):
    """How the city is at this moment; rates in bits a second, over all uplinks."""

    messages_per_s: float
    spool_points: int
    devices: int
    online: int
    incidents: int
    rx_bps: float
    tx_bps: float


def lines(pulse: Pulse, now_ns: int) -> bytes:
    """Return the pulse as line protocol: a line a channel, whose name is the measurement's."""
    health = (
        f"messages_per_s={pulse.messages_per_s:.3f},spool_points={pulse.spool_points}i,devices={pulse.devices}i,"
        f"online={pulse.online}i,incidents={pulse.incidents}i"
    )
    bandwidth = f"rx_bps={pulse.rx_bps:.1f},tx_bps={pulse.tx_bps:.1f}"
    return f"health {health} {now_ns}\nbandwidth {bandwidth} {now_ns}\n".encode()


async def beat(client: Client, pulse: Pulse, now_ns: int) -> None:
    """Push one pulse; raises GrafanaError."""
    await client.stream(f"/api/live/push/{STREAM}", lines(pulse, now_ns))
