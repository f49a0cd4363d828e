"""Telemetry over Modbus: every registered device that has a Modbus address is polled as its profile says."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hub.directory import tags_of
from hub.errors import ProfileError
from hub.sources.modbus.gateway import LONGEST_WAIT_S, Gateway, Hands
from hub.sources.modbus.planner import Bounds
from hub.sources.modbus.rounds import Round
from hub.sources.modbus.state import ModbusCounters, ModbusState
from hub.sources.modbus.turns import Turns, share_of
from hub.sources.modbus.unit import Polled, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.directory import Directory
    from hub.profiles.modbus import ModbusSpec
    from hub.sources.base import Intake
    from hub.sources.modbus.options import ModbusOptions
    from hub.sources.modbus.pace import Pace
    from hub.transport.modbus import Bus

log = logging.getLogger(__name__)


class ModbusSource:
    """Polls all gateways beside one another.

    Args:
        open_bus: makes the connection to an address; raises ValueError when it is none.
    """

    def __init__(
        self,
        directory: Directory,
        intake: Intake,
        options: ModbusOptions,
        pace: Pace,
        open_bus: Callable[[str], Bus],
    ) -> None:
        self.counters = ModbusCounters()
        self._directory = directory
        self._open_bus = open_bus
        self._hands = Hands(intake, self.counters, options, pace, asyncio.Semaphore(options.connecting))
        self._units: dict[str, Unit] = {}
        self._unserved: dict[str, tuple[Polled, str]] = {}
        self._gateways: dict[str, Gateway] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def devices(self) -> int:
        """Devices that are polled."""
        return len(self._units)

    @property
    def outages(self) -> list[str]:
        """Gateways that cannot be reached, a sentence each."""
        return [f"Modbus {address}: {one.outage}" for address, one in self._gateways.items() if one.outage]

    def state(self, device: str) -> ModbusState | None:
        """Return how a device answers; None when the registry gives it no Modbus address."""
        if device in self._units:
            return self._units[device].state()
        if device in self._unserved:
            return ModbusState(device, 0, 0, self._unserved[device][1])
        return None

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.refresh()
                for address in self._gateways:
                    self._start(address)
                await asyncio.Event().wait()
        finally:
            self._tasks = None
            self._running.clear()

    def follow(self, entries: object, changed: object) -> None:  # noqa: ARG002 - the directory has taken them in
        """Take in what the registry has changed; see `hub.pipeline.registry_feed.Follower`."""
        self.refresh()

    def refresh(self) -> None:
        """Follow the directory; what did not change is not disturbed."""
        known = {entry.device: entry for entry in self._directory.polled.values()}
        wanted = {
            device: Polled(device, entry.profile, entry.modbus, entry.unit, tags_of(entry))
            for device, entry in known.items()
            if entry.modbus is not None and entry.unit is not None
        }
        for device in [*self._units, *self._unserved]:
            self._follow(device, wanted.get(device))
        for device in wanted.keys() - self._units.keys() - self._unserved.keys():
            self._add(wanted[device])
        for address in [address for address, gateway in self._gateways.items() if not gateway.units]:
            self._end(address)

    def _follow(self, device: str, polled: Polled | None) -> None:
        """Let a device go that is gone or was changed; one that merely moved within the city is polled on."""
        unit = self._units.get(device)
        before = unit.polled if unit is not None else self._unserved[device][0]
        if unit is not None and polled is not None and polled._replace(tags="") == before._replace(tags=""):
            unit.polled = polled
            unit.watch = self._directory.watches[device]
        elif polled != before:
            self._unserved.pop(device, None)
            if self._units.pop(device, None) is not None:
                self._gateways[before.address].remove(device)

    def _add(self, polled: Polled) -> None:
        try:
            unit = self._unit(polled)
            gateway = self._gateway(polled.address)
        except (ProfileError, ValueError) as error:
            log.warning("Modbus: %s is not polled: %s", polled.device, error)
            self._unserved[polled.device] = (polled, f"not polled: {error}")
            return
        self._units[polled.device] = unit
        gateway.put(unit)

    def _unit(self, polled: Polled) -> Unit:
        profile = self._directory.profile_of(polled.device)
        spec = profile.modbus if profile is not None else None
        if spec is None:
            raise ProfileError(f"the profile {polled.profile} says nothing of Modbus")
        return Unit(polled, self._rounds(polled, spec), spec.limits, self._directory.watches[polled.device])

    def _rounds(self, polled: Polled, spec: ModbusSpec) -> list[Round]:
        now, share = self._hands.pace.elapsed(), share_of(polled.device)
        rounds: list[Round] = []
        for group in self._directory.registers[polled.profile]:
            bounds = Bounds(spec.limits, group.table, one_based=spec.one_based)
            rounds.append(Round(group, bounds, Turns(group.every_s, share, now)))
        return rounds

    def _gateway(self, address: str) -> Gateway:
        if address not in self._gateways:
            self._gateways[address] = Gateway(address, self._open_bus(address), self._hands)
            self._start(address)
        return self._gateways[address]

    def _start(self, address: str) -> None:
        if self._tasks is not None and address not in self._running:
            task = self._tasks.create_task(self._tend(address), name=f"modbus-{address}")
            self._running[address] = task

    async def _tend(self, address: str) -> None:
        """Keep a gateway polled; a mistake of ours that shows at one must not end the others."""
        while True:
            try:
                await self._gateways[address].run()
            except Exception:
                log.exception("Modbus: polling %s failed, beginning anew", address)
            pace = self._hands.pace
            await pace.until(pace.elapsed() + LONGEST_WAIT_S, asyncio.Event())

    def _end(self, address: str) -> None:
        del self._gateways[address]
        if task := self._running.pop(address, None):
            task.cancel()
