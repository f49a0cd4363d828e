"""`python -m hub.sim.modbus PLAN.json`: simulated Modbus gateways and units in a process of their own.

Says on standard output what hub/sim/report.py describes, until SIGTERM or SIGINT; the last lines are the ledgers and
the end.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from time import time_ns
from typing import TYPE_CHECKING

from hub.sim.modbus.gateway import Gateway
from hub.sim.modbus.plan import PolledPlan
from hub.sim.plan import read_plan
from hub.sim.process import run, tell
from hub.sim.report import Answers, PolledTotals

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path


class Field:
    """All gateways of the plan in a file; raises UsageError when it cannot be used."""

    def __init__(self, file: Path) -> None:
        self.gateways = [Gateway(one, time_ns, tell) for one in read_plan(file, PolledPlan).gateways]
        self.units = [unit for gateway in self.gateways for unit in gateway.units]

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set; raises CityhubError: a port is taken."""
        async with AsyncExitStack() as stack:
            for gateway in self.gateways:
                await stack.enter_async_context(gateway.serving())
            await stop.wait()

    def totals(self) -> PolledTotals:
        """Return the sums as they are now."""
        told = [unit.told for unit in self.units]
        return PolledTotals(
            units=len(told),
            answering=sum(1 for one in told if one.answers),
            requests=sum(one.requests for one in told),
            answers=sum(one.answers for one in told),
            exceptions=sum(one.exceptions for one in told),
        )

    def ledgers(self) -> Iterator[Answers]:
        """Yield what each unit said that must be in the database."""
        for unit in self.units:
            if unit.told.keys:
                times, values = zip(*unit.told.keys, strict=True)
                key = unit.inside.key
                yield Answers(
                    device=unit.plan.id, measurement=key.measurement, field=key.field, times_ns=times, values=values
                )


if __name__ == "__main__":
    sys.exit(run("hub.sim.modbus", sys.argv[1:], Field))
