"""`python -m hub.sim PLAN.json`: a simulated city in a process of its own.

Says on standard output what hub/sim/report.py describes, until SIGTERM or SIGINT; then the devices send what they
still hold, and the last lines are the ledgers and the end.
"""

from __future__ import annotations

import asyncio
import sys
from time import time_ns
from typing import TYPE_CHECKING

from hub.sim.fleet import Fleet
from hub.sim.plan import read_plan
from hub.sim.process import report, run, say, tell
from hub.sim.report import End

if TYPE_CHECKING:
    from pathlib import Path


async def simulate(file: Path, stop: asyncio.Event) -> None:
    """Raises CityhubError: the plan, or a bundle that it names, cannot be used."""
    fleet = Fleet(read_plan(file), time_ns, tell)
    async with asyncio.TaskGroup() as tasks:
        reports = tasks.create_task(report(fleet.totals), name="report")
        await fleet.run(stop)
        reports.cancel()
    for ledger in fleet.ledgers():
        say(ledger)
    say(End(totals=fleet.totals()))


if __name__ == "__main__":
    sys.exit(run("hub.sim", sys.argv[1:], simulate))
