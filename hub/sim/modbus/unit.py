"""One polled unit: it answers as planned, and remembers what it answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Final

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.simulator import DataType, SimData, SimDevice

from hub.sim.modbus.insides import build
from hub.sim.modbus.plan import Manner, UnitPlan

if TYPE_CHECKING:
    from hub.model import Clock
    from hub.sim.device import Notice

SLOW_S: Final = 2.0
FAULTS: Final = (ExcCodes.DEVICE_BUSY, ExcCodes.DEVICE_FAILURE, ExcCodes.GATEWAY_NO_RESPONSE)


@dataclass(slots=True)
class Told:
    """What a unit counts about itself.

    Attributes:
        requests: that reached it.
        answers: to them, with registers.
        exceptions: to them, without.
        keys: (when it answered, ns UTC; the value) of each answer that held its key.
    """

    requests: int = 0
    answers: int = 0
    exceptions: int = 0
    keys: list[tuple[int, float]] = field(default_factory=list)


class Unit:
    """A simulated unit; `told` counts what became of the requests."""

    def __init__(self, plan: UnitPlan, clock: Clock, notice: Notice) -> None:
        self.plan = plan
        self.told = Told()
        self.inside = build(plan, clock())
        self._clock = clock
        self._notice = notice
        self._faults = cycle(FAULTS)

    def device(self) -> SimDevice:
        """Return the unit as pymodbus serves it: what lies outside its blocks is an illegal address."""
        blocks = self.inside.map.blocks
        data = [SimData(at, values=[0] * length, datatype=DataType.REGISTERS) for at, length in blocks]
        return SimDevice(self.plan.unit, simdata=data, action=self._asked)

    async def _asked(  # noqa: PLR0913, PLR0917 - as pymodbus calls it
        self, function: int, first: int, at: int, count: int, registers: list[int], wanted: object
    ) -> ExcCodes | None:
        """Put the registers in place as they are now, or say why not."""
        self.told.requests += 1
        if self.plan.manner is Manner.DEAD:
            raise NoSuchIdException
        if self.plan.manner is Manner.SLOW:
            await asyncio.sleep(SLOW_S)
        refusal = self._refusal(function, wanted)
        if refusal is not None:
            self.told.exceptions += 1
            return refusal
        self._answer(first, at, count, registers)
        return None

    def _refusal(self, function: int, wanted: object) -> ExcCodes | None:
        if self.plan.manner is Manner.FAULTY:
            return next(self._faults)
        if function != self.inside.map.function or wanted is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        return None

    def _answer(self, first: int, at: int, count: int, registers: list[int]) -> None:
        now_ns = self._clock()
        words, key = self.inside.measure(now_ns)
        for address, word in words.items():
            registers[address - first] = word
        self.told.answers += 1
        if at <= self.inside.key.at < at + count:
            self.told.keys.append((now_ns, key))
        while self.inside.happened:
            self._notice(self.plan.id, self.inside.happened.pop(0))
