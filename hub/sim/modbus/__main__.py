"""`python -m hub.sim.modbus PLAN.json`: simulated Modbus gateways and units in a process of their own.

Says on standard output what hub/sim/report.py describes, until SIGTERM or SIGINT; the last lines are the ledgers and
the end.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from time import time_ns
from typing import TYPE_CHECKING

from hub.sim.modbus.gateway import Gateway
from hub.sim.modbus.plan import read_plan
from hub.sim.process import report, run, say, tell
from hub.sim.report import Answers, End, PolledTotals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Field:
    """All gateways of a plan."""

    def __init__(self, file: Path) -> None:
        self.gateways = [Gateway(one, time_ns, tell) for one in read_plan(file).gateways]
        self.units = [unit for gateway in self.gateways for unit in gateway.units]

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set."""
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


async def simulate(file: Path, stop: asyncio.Event) -> None:
    """Raises CityhubError: the plan cannot be used, or a port is taken."""
    field = Field(file)
    async with asyncio.TaskGroup() as tasks:
        reports = tasks.create_task(report(field.totals), name="report")
        await field.run(stop)
        reports.cancel()
    for ledger in field.ledgers():
        say(ledger)
    say(End(totals=field.totals()))


if __name__ == "__main__":
    sys.exit(run("hub.sim.modbus", sys.argv[1:], simulate))
