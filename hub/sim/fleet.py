"""All devices of a plan, living side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hub.sim.bundle import Bundle
from hub.sim.device import Device, Notice
from hub.sim.report import Ledger, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.model import Clock
    from hub.sim.plan import Plan

DRAIN_S: Final = 10.0
"""How long devices may wait for acknowledgements once they are told to stop."""


class Fleet:
    """Switches the devices on over a while, and off all at once.

    Raises:
        UsageError: a bundle is missing.
    """

    def __init__(self, plan: Plan, clock: Clock, notice: Notice) -> None:
        self._spread_s = plan.spread_s
        self._devices = [Device(one, Bundle(plan.bundles / one.id), plan.rate, clock, notice) for one in plan.devices]

    async def run(self, stop: asyncio.Event) -> None:
        """Live until `stop` is set; then return when all is acknowledged, or after `DRAIN_S`."""
        async with asyncio.TaskGroup() as tasks:
            lives = [
                tasks.create_task(self._live(device, index), name=device.plan.id)
                for index, device in enumerate(self._devices)
            ]
            await stop.wait()
            for device in self._devices:
                device.stop()
            if lives:
                _, late = await asyncio.wait(lives, timeout=DRAIN_S)
                for life in late:
                    life.cancel()

    async def _live(self, device: Device, index: int) -> None:
        await asyncio.sleep(self._spread_s * index / len(self._devices))
        await device.run()

    def totals(self) -> Totals:
        """Return the sums as they are now."""
        tallies = [device.tally for device in self._devices]
        everyone = Counter(device.plan.model.model for device in self._devices)
        present = Counter(device.plan.model.model for device in self._devices if device.connected)
        return Totals(
            devices=len(self._devices),
            connected=present.total(),
            seen=sum(1 for tally in tallies if tally.connections),
            published=sum(tally.published for tally in tallies),
            acknowledged=sum(tally.acknowledged for tally in tallies),
            good=sum(len(times) for tally in tallies for times in tally.good_ms.values()),
            refused=sum(tally.refused for tally in tallies),
            dropped=sum(tally.dropped for tally in tallies),
            waiting=sum(device.waiting for device in self._devices),
            rubbish=dict(sum((tally.rubbish for tally in tallies), Counter())),
            models={model: (present[model], count) for model, count in everyone.items()},
        )

    def ledgers(self) -> Iterator[Ledger]:
        """Yield what the broker took of each device, and must be in the database."""
        for device in self._devices:
            for channel, times in device.tally.good_ms.items():
                yield Ledger(
                    device=device.plan.id,
                    measurements=device.unit.measurements if channel == "telemetry" else ("event",),
                    first_ms=times[0],
                    gaps_ms=[later - earlier for earlier, later in pairwise(times)],
                )
