"""A world for the poller in which time is the test's own: scripted gateways, and a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import TYPE_CHECKING, NamedTuple

from hub.directory import Directory
from hub.errors import Excepted, LinkDown, NoAnswer
from hub.sources.modbus.options import ModbusOptions
from hub.sources.modbus.source import ModbusSource
from tests.unit.decode.line_protocol import parse_lines
from tests.unit.decode.meters import NOW, VOCABULARY, meter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hub.model import DeadLetter, Lines
    from hub.profiles.schema import Profile
    from hub.sources.base import Intake
    from hub.transport.modbus import Table
    from tests.unit.decode.line_protocol import Point

KEEP_NS = 30 * 86_400 * 1_000_000_000
HOUR = 3600.0
CONNECT_S = 5.0
TURNS_OF_THE_LOOP = 6
"""Enough for whoever has been woken to run into the next wait."""


class Device(NamedTuple):
    """A row of the registry, as far as polling looks at it."""

    device: str
    unit: int | None = 1
    modbus: str | None = "tcp://10.0.0.5:502"
    profile: str = "meter"
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    serial: str | None = None
    imei: str | None = None
    local_recording: bool = False


class FakePace:
    """Implements `hub.sources.modbus.pace.Pace`; time passes only in `wait`."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._alarms: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = count()

    def now_ns(self) -> int:
        """See `Pace.now_ns`."""
        return NOW + round(self.seconds * 1e9)

    def elapsed(self) -> float:
        """See `Pace.elapsed`."""
        return self.seconds

    async def until(self, when: float, awake: asyncio.Event) -> None:
        """See `Pace.until`."""
        heappush(self._alarms, (when, next(self._numbers), awake))
        await awake.wait()
        awake.clear()

    async def sleep(self, seconds: float) -> None:
        """What a scripted answer takes."""
        await self.until(self.seconds + seconds, asyncio.Event())

    async def wait(self, seconds: float) -> None:
        """Let time pass for everybody else."""
        end = self.seconds + seconds
        await self._settle()
        while self._alarms and self._alarms[0][0] <= end:
            when, _, awake = heappop(self._alarms)
            self.seconds = max(self.seconds, when)
            awake.set()
            await self._settle()
        self.seconds = end

    @staticmethod
    async def _settle() -> None:
        for _ in range(TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)


Answer = Sequence[int] | int | None
"""What a unit says: words, the code of an exception, or nothing."""


@dataclass
class Behaviour:
    """How a unit answers, and what it has been asked and has answered.

    Attributes:
        says: (table, address, count) -> words; an int is an exception's code, None is silence.
        asked: (when, address, count); `patience` how long the hub would have waited.
        served: time in ns -> address -> word.
    """

    pace: FakePace
    says: Callable[[Table, int, int], Answer] | None = None
    takes_s: float = 0.02
    hangs_up: bool = False
    asked: list[tuple[float, int, int]] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)
    served: dict[int, dict[int, int]] = field(default_factory=dict)

    def answer(self, table: Table, address: int, size: int) -> Answer:
        """Return what it says; by default a value that is different every tenth of a second, and for every address."""
        if self.says is not None:
            return self.says(table, address, size)
        return [(round(self.pace.seconds * 10) + 7 * place) % 30000 for place in range(address, address + size)]


class Line:
    """What stands behind one address: units, and a link that may be down, or dead without a word."""

    def __init__(self, pace: FakePace) -> None:
        self.up = True
        self.mute = False
        self.breaks = 0
        self.opened = 0
        self.units: dict[int, Behaviour] = {}
        self._pace = pace

    def fall(self) -> None:
        """Go down, and take with it what is on its way."""
        self.up = False
        self.breaks += 1

    def broke(self, before: int) -> bool:
        """Tell whether it has fallen since it had fallen so many times."""
        return self.breaks > before

    def unit(self, number: int) -> Behaviour:
        """Return how a unit behaves; the first mention makes it."""
        return self.units.setdefault(number, Behaviour(self._pace))


class ScriptedBus:
    """Implements `hub.transport.modbus.Bus`."""

    def __init__(self, line: Line, pace: FakePace) -> None:
        self.is_open = False
        self.busy = False
        self._line = line
        self._pace = pace

    async def open(self) -> None:
        """See `Bus.open`."""
        if self._line.mute:
            await self._pace.sleep(CONNECT_S)
            raise LinkDown("no connection within 5 s")
        if not self._line.up:
            raise LinkDown("no connection: connection refused")
        self._line.opened += 1
        self.is_open = True

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> Sequence[int]:
        """See `Bus.read`."""
        assert not self.busy, "two requests at a time on one connection"
        self.busy = True
        try:
            return await self._read(unit, table, address, count, timeout_s)
        finally:
            self.busy = False

    async def _read(self, unit: int, table: Table, address: int, size: int, timeout_s: float) -> Sequence[int]:
        behaviour, began = self._line.unit(unit), self._line.breaks
        behaviour.asked.append((self._pace.seconds, address, size))
        behaviour.patience.append(timeout_s)
        if behaviour.hangs_up or not self._line.up:
            self.close()
            raise LinkDown("the connection ended")
        said = None if self._line.mute else behaviour.answer(table, address, size)
        if said is None or behaviour.takes_s > timeout_s:
            await self._pace.sleep(timeout_s)
            raise NoAnswer(f"no answer within {timeout_s:g} s")
        await self._pace.sleep(behaviour.takes_s)
        if isinstance(said, int):
            raise Excepted(said)
        if self._line.broke(began):
            self.close()
            raise LinkDown("the connection ended")
        behaviour.served[self._pace.now_ns()] = dict(zip(range(address, address + size), said, strict=True))
        return said

    def close(self) -> None:
        """See `Bus.close`."""
        self.is_open = False


class Book:
    """An intake that keeps what it is given, unless it is full."""

    def __init__(self) -> None:
        self.full = False
        self.text = ""
        self.dead: list[DeadLetter] = []

    def add(self, lines: Lines) -> bool:
        """See `Intake.add`."""
        if not self.full:
            self.text += lines.text
            self.dead += lines.dead
        return not self.full

    def offer(self, burst: object) -> bool:
        """See `Intake.offer`; polling never does that."""
        raise AssertionError(burst)

    async def ready(self) -> None:
        """See `Intake.ready`; polling never waits."""
        raise AssertionError

    async def settled(self) -> None:
        """See `Intake.settled`; polling never waits."""
        raise AssertionError

    def points(self, device: str = "") -> list[Point]:
        """Return what was written, of one device or of all."""
        return [point for point in parse_lines(self.text) if device in {"", point.tags["device"]}]


CALM = meter({"energy": {"voltage_v": {"at": 1, "type": "uint16", "dead_band": 5, "silence_s": 86400}}})
POWER = meter({"energy": {"power_w": {"at": 0, "type": "uint16"}, "voltage_v": {"at": 1, "type": "uint16"}}})


class World:
    """A directory, lines, and the source that polls them."""

    def __init__(self, devices: Sequence[Device], profiles: dict[str, Profile] | None = None) -> None:
        self.pace = FakePace()
        self.lines: dict[str, Line] = {}
        self.book = Book()
        self.buses: list[ScriptedBus] = []
        self.directory = Directory(VOCABULARY, profiles or {"meter": POWER, "calm": CALM}, KEEP_NS)
        self.directory.update(devices)
        self.source = self.polled_into(self.book)

    def polled_into(self, intake: Intake) -> ModbusSource:
        """Return a source that polls this world."""
        return ModbusSource(self.directory, intake, ModbusOptions(), self.pace, self._bus)

    def line(self, address: str = "tcp://10.0.0.5:502") -> Line:
        """Return what stands behind an address."""
        return self.lines.setdefault(address, Line(self.pace))

    def _bus(self, address: str) -> ScriptedBus:
        if address.startswith("tcp://bad"):
            raise ValueError(f"{address!r} is no Modbus address")
        self.buses.append(ScriptedBus(self.line(address), self.pace))
        return self.buses[-1]

    def change(self, *devices: Device, gone: Sequence[str] = ()) -> None:
        """Change the registry, and have the source told."""
        self.directory.update(devices, [*gone, *(device.device for device in devices)])
        self.source.refresh()

    def fault(self, device: str) -> str:
        """Return what is wrong with a device, in words."""
        state = self.source.state(device)
        assert state is not None
        return state.fault


@asynccontextmanager
async def polling(world: World, source: ModbusSource | None = None) -> AsyncIterator[FakePace]:
    """Poll beside the block."""
    task = asyncio.create_task((source or world.source).run())
    try:
        yield world.pace
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


def starts(world: World, number: int, *, after: float = 0) -> list[float]:
    """When a unit was asked."""
    return [when for when, _, _ in world.line().unit(number).asked if when >= after]


def gaps(times: list[float]) -> list[float]:
    return [later - sooner for sooner, later in pairwise(times)]
