"""How the hub is, as one value: what /health gives and `cityhub status` reads."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Health(BaseModel):
    """A snapshot. `problems` is empty when the hub is well, else one sentence each.

    Totals count since start; `spool_*` is what has not been stored yet; points are lines of line protocol. `presence`
    is how many devices are in each state, `incidents` how many are not closed. Of the polls over Modbus that were due,
    some were late (skipped because their gateway was at work) and some failed; `modbus_lateness_ms` is the 99th
    percentile of what the last ones had to wait for their gateway.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    uptime_s: float
    problems: list[str]
    devices: int
    broker_connected: bool
    broker_connections: int
    messages: int
    messages_acknowledged: int
    bytes: int
    points_spooled: int
    points_stored: int
    spool_points: int
    spool_bytes: int
    commits: int
    writes: int
    write_failures: int
    rejected: dict[str, int]
    presence: dict[str, int] = {}
    incidents: int = 0
    modbus_devices: int = 0
    modbus_polls: int = 0
    modbus_on_time: int = 0
    modbus_late: int = 0
    modbus_failed: int = 0
    modbus_requests: int = 0
    modbus_dropped: int = 0
    modbus_lateness_ms: float = 0.0

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
