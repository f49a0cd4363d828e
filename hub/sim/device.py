"""One device's life: it measures, publishes, misbehaves as planned, and ends in order when it is told to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Final

import aiomqtt
import orjson

from hub.sim.link import ACCEPTED, DeviceLink
from hub.sim.models import build
from hub.sim.plan import Behaviour, DevicePlan
from hub.sim.rubbish import Rubbish, spoil
from hub.sim.tally import Tally
from hub.sim.units import Event

if TYPE_CHECKING:
    from hub.model import Clock
    from hub.sim.bundle import Bundle

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
MOST_WAITING: Final = 3600
"""Samples kept while the link is down; then the oldest go."""
SPOILED: Final = 5
"""A device that sends rubbish spoils one sample in so many."""

Notice = Callable[[str, Event], None]
"""Told the device's id and what happened to it."""


@dataclass(slots=True)
class _Message:
    channel: str
    payload: bytes
    ts_ms: int
    rubbish: str = ""
    tried: bool = False


class Device:
    """A simulated device; `tally` counts what became of its messages.

    Args:
        rate: samples a second.
    """

    def __init__(self, plan: DevicePlan, bundle: Bundle, rate: float, clock: Clock, notice: Notice) -> None:
        self.plan = plan
        self.tally = Tally()
        self.unit = build(plan, clock())
        self._bundle = bundle
        self._interval_s = 1 / rate
        self._clock = clock
        self._notice = notice
        self._chance = Random(f"{plan.seed} {plan.behaviour}")  # noqa: S311 - a simulation
        self._spoils = cycle(Rubbish)
        self._waiting: deque[_Message] = deque()
        self._something = asyncio.Event()
        self._stopping = asyncio.Event()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._link: DeviceLink | None = None

    @property
    def connected(self) -> bool:
        """Whether its link stands."""
        return self._link is not None

    @property
    def waiting(self) -> int:
        """Messages that were not acknowledged yet."""
        return len(self._waiting)

    def stop(self) -> None:
        """Measure no more; `run` returns when all that waits has been acknowledged, or at once without a link."""
        self._stopping.set()
        self._something.set()
        self._reachable.set()

    async def run(self) -> None:
        """Live until `stop` is called."""
        async with asyncio.TaskGroup() as tasks:
            apart = [tasks.create_task(self._measure()), tasks.create_task(self._misbehave())]
            await self._communicate()
            for task in apart:
                task.cancel()

    # Measuring

    async def _measure(self) -> None:
        due = asyncio.get_running_loop().time() + self._interval_s * self._chance.random()
        while not await self._stopped_within(due - asyncio.get_running_loop().time()):
            due += self._interval_s
            if self._reachable.is_set() or self.plan.behaviour is not Behaviour.REBOOTS:
                self._take_sample()

    def _take_sample(self) -> None:
        sample = self.unit.sample(self._clock())
        if self.plan.behaviour is Behaviour.RUBBISH and not self._chance.randrange(SPOILED):
            kind = next(self._spoils)
            self._enqueue(_Message("telemetry", spoil(kind, sample, self.unit), self.unit.last_ms, kind))
        else:
            self._enqueue(_Message("telemetry", orjson.dumps(sample), self.unit.last_ms))
        self._tell_events()

    def _tell_events(self) -> None:
        while self.unit.happened:
            event = self.unit.happened.pop(0)
            told = self.unit.tell(event, self._clock())
            self._enqueue(_Message("events", orjson.dumps(told), self.unit.last_ms))
            self._notice(self.plan.id, event)

    def _enqueue(self, message: _Message) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.tally.dropped += 1
        self._waiting.append(message)
        self._something.set()

    # Communicating

    async def _communicate(self) -> None:
        """Keep a link up, with jittered back-off; an outage is told once."""
        wait_s, told = FIRST_WAIT_S, False
        while not self._stopping.is_set():
            before = self.tally.connections
            try:
                await self._session()
            except* aiomqtt.MqttError as group:
                if self.tally.connections > before:
                    self._note("link_down", "warning", "sambungan terputus · link lost")
                elif not told:
                    self._note("link_down", "warning", f"tidak tersambung · cannot connect: {group.exceptions[0]}")
                told = True
            wait_s = FIRST_WAIT_S if self.tally.connections > before else min(2 * wait_s, LONGEST_WAIT_S)
            await self._stopped_within(wait_s * self._chance.uniform(0.5, 1))
            await self._reachable.wait()

    async def _session(self) -> None:
        async with (
            DeviceLink(self._bundle.options, self._bundle.topic("status")) as link,
            asyncio.TaskGroup() as tasks,
        ):
            watch = tasks.create_task(link.watch())
            try:
                await self._speak(link)
            finally:
                self._link = None
            watch.cancel()

    async def _speak(self, link: DeviceLink) -> None:
        await link.announce("online")
        self._link = link
        if self.tally.connections:
            self._note("link_up", "info", f"tersambung lagi · back with {len(self._waiting)} samples")
        self.tally.connections += 1
        while await self._has_something():
            await self._send(link, self._waiting[0])
        await link.announce("offline")

    async def _has_something(self) -> bool:
        """Wait for a message; false when there will be no more."""
        while not self._waiting and not self._stopping.is_set():
            self._something.clear()
            await self._something.wait()
        return bool(self._waiting)

    async def _send(self, link: DeviceLink, message: _Message) -> None:
        """Publish the first message that waits; it stays the first until the broker has answered."""
        self.tally.published += not message.tried
        message.tried = True
        code = await link.deliver(self._bundle.topic(message.channel), message.payload)
        if self._waiting and self._waiting[0] is message:
            self._waiting.popleft()
        if code == ACCEPTED:
            self.tally.delivered(message.channel, message.ts_ms, message.rubbish)
        else:
            self.tally.refused += 1

    # Misbehaving

    async def _misbehave(self) -> None:
        """Now and then lose the link, or the power and with it all that was counted and not sent."""
        while self.plan.behaviour in (Behaviour.DROPS, Behaviour.REBOOTS):
            await asyncio.sleep(self._chance.uniform(6, 20))
            if self._link is None or self._stopping.is_set():
                continue
            self._reachable.clear()
            self._link.cut()
            await asyncio.sleep(self._chance.uniform(2, 6))
            if self.plan.behaviour is Behaviour.REBOOTS:
                self.tally.dropped += len(self._waiting)
                self._waiting.clear()
                self.unit.reboot(self._clock())
            self._reachable.set()

    def _note(self, name: str, severity: str, text: str) -> None:
        self._notice(self.plan.id, Event(name, severity, text))

    async def _stopped_within(self, seconds: float) -> bool:
        """Wait so long, or until the device is told to stop; return whether it was."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return self._stopping.is_set()
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True
