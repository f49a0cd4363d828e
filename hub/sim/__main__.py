"""`python -m hub.sim PLAN.json`: a simulated city in a process of its own.

Says on standard output what hub/sim/report.py describes, until SIGTERM or SIGINT; then the devices send what they
still hold, and the last lines are the ledgers and the end.
"""

from __future__ import annotations

import sys
from time import time_ns
from typing import TYPE_CHECKING

from hub.sim.fleet import Fleet
from hub.sim.plan import Plan, read_plan
from hub.sim.process import run, tell

if TYPE_CHECKING:
    from pathlib import Path


def _fleet(file: Path) -> Fleet:
    return Fleet(read_plan(file, Plan), time_ns, tell)


if __name__ == "__main__":
    sys.exit(run("hub.sim", sys.argv[1:], _fleet))
