"""One connection and the devices behind it: asked one after the other, whoever is due first."""

from __future__ import annotations

import asyncio
import logging
from math import inf
from random import uniform
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.errors import Excepted, Fault, LinkDown, NoAnswer
from hub.model import DeadLetter, Lines
from hub.sources.modbus.pace import Moment
from hub.sources.modbus.unit import Bus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.sources.base import Intake
    from hub.sources.modbus.options import ModbusOptions
    from hub.sources.modbus.pace import Pace
    from hub.sources.modbus.planner import Block
    from hub.sources.modbus.rounds import Round
    from hub.sources.modbus.state import ModbusCounters
    from hub.sources.modbus.unit import Unit
    from hub.transport import modbus

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 30.0
UNHEARD: Final = 3
"""After so many requests without any answer the connection itself is doubted, and made anew."""

NO_FUNCTION, NO_ADDRESS, NO_VALUE, SLOW, BUSY = 1, 2, 3, 5, 6
REFUSALS: Final = {NO_FUNCTION, NO_ADDRESS, NO_VALUE}

log = logging.getLogger(__name__)


class Job(NamedTuple):
    """The next request: one block, for the sake of one round of one unit."""

    unit: Unit
    round: Round
    block: Block


class Hands(NamedTuple):
    """What all gateways share."""

    intake: Intake
    counters: ModbusCounters
    options: ModbusOptions
    pace: Pace
    door: asyncio.Semaphore


class Gateway:
    """Polls the units behind one connection, until cancelled.

    Requests go out in the order in which they are due, those to units that answer badly after all others: so such a
    unit delays its neighbours by one request.
    """

    def __init__(self, address: str, bus: modbus.Bus, hands: Hands) -> None:
        self.units: dict[str, Unit] = {}
        self.outage = ""
        self._address = address
        self._bus = bus
        self._hands = hands
        self._changed = asyncio.Event()
        self._never = asyncio.Event()
        self._attempts = 0
        self._unheard = 0
        self._owed_s = 0.0
        self._shortest_s = 0.0

    def put(self, unit: Unit) -> None:
        """Poll this unit as well, or anew."""
        self.remove(unit.polled.device)
        self.units[unit.polled.device] = unit
        self._measure()
        self._changed.set()

    def remove(self, device: str) -> None:
        """Poll it no more."""
        unit = self.units.pop(device, None)
        if unit is not None:
            unit.gone = True
        self._measure()

    def _measure(self) -> None:
        self._shortest_s = min((unit.every_s for unit in self.units.values()), default=0.0)

    async def run(self) -> None:
        """Poll until cancelled."""
        pace = self._hands.pace
        try:
            while True:
                ready, job = self._next(pace.elapsed())
                if job is None:
                    await pace.until(ready, self._changed)
                elif self._bus.is_open or await self._connect():
                    await self._ask(job)
        finally:
            self._bus.close()

    def _next(self, now: float) -> tuple[float, Job | None]:
        """Return what is to be asked now; else nothing, and when to look again."""
        soonest, chosen, best = inf, None, inf
        for unit in self.units.values():
            one = self._current(unit, now)
            ready = unit.ready_at(one)
            soonest = min(soonest, ready)
            if ready <= now and (rank := unit.rank(one, self._hands.options.longest_rest_s)) < best:
                chosen, best = (unit, one), rank
        return soonest, self._begin(*chosen, now) if chosen else None

    def _current(self, unit: Unit, now: float) -> Round:
        """Return the round that is due first, after the turns that cannot be kept any more have been counted."""
        for one in unit.rounds:
            missed = one.skip(now)
            if missed and (unit.failures or self.outage):
                self._hands.counters.failed += missed
            elif missed:
                self._hands.counters.late += missed
        return unit.next()

    def _begin(self, unit: Unit, one: Round, now: float) -> Job | None:
        if not one.pending:  # the device refuses all of it
            self._hands.counters.failed += 1
            one.finish(now)
            return None
        if not one.begun:
            one.begun = True
            self._hands.counters.lateness_ms.append((now - unit.ready_at(one)) * 1000)
        return Job(unit, one, one.pending[0])

    async def _connect(self) -> bool:
        try:
            async with self._hands.door:
                await self._bus.open()
        except LinkDown as error:
            await self._lost(str(error))
            return False
        if self.outage:
            log.info("Modbus: %s is back", self._address)
        self.outage = ""
        self._unheard = 0
        return True

    async def _lost(self, why: str) -> None:
        """Nothing behind it can be known: say so once, and wait."""
        pace = self._hands.pace
        if not self.outage:
            log.warning("Modbus: %s cannot be reached, trying again: %s", self._address, why)
        self.outage = why
        for unit in self.units.values():
            unit.failed(f"{self._address}: {why}", pace.now_ns())
            self._current(unit, pace.elapsed())
        await self._wait()

    async def _wait(self) -> None:
        wait = min(FIRST_WAIT_S * 2.0 ** min(self._attempts, 32), LONGEST_WAIT_S)
        self._attempts += 1
        pace = self._hands.pace
        await pace.until(pace.elapsed() + wait * uniform(0.5, 1), self._never)  # noqa: S311 - jitter, not a secret

    async def _ask(self, job: Job) -> None:
        unit, one, block = job
        pace, number = self._hands.pace, unit.polled.unit
        self._hands.counters.requests += 1
        began = pace.elapsed()
        try:
            words = await self._bus.read(
                number, one.group.table, block.start - one.first, block.size, self._patience_s(unit)
            )
        except (NoAnswer, Excepted, LinkDown) as error:
            await self._went_wrong(job, error, pace.elapsed() - began)
        else:
            self._attempts = self._unheard = 0
            self._owed_s = 0.0
            if not unit.gone:
                self._read(job, words, pace.elapsed() - began)
        unit.rest(unit.limits.pause_ms / 1000, pace.elapsed())

    def _patience_s(self, unit: Unit) -> float:
        """Return how long to wait: longer when the gateway may still be waiting for another unit that was silent."""
        return unit.patience_s + (0.0 if unit.failures else self._owed_s)

    def _read(self, job: Job, words: Sequence[int], took_s: float) -> None:
        unit, one, block = job
        now = self._now()
        unit.answered(now.utc_ns)
        self._deliver(job, words, now.utc_ns)
        unit.took(took_s, now, self._shared())
        if one.read(block):
            one.finish(now.elapsed)
            self._hands.counters.on_time += 1

    def _deliver(self, job: Job, words: Sequence[int], now_ns: int) -> None:
        """Hand over what was read at `now_ns`; a fault that lasts is one dead letter, not one a poll."""
        unit, one, block = job
        known = dict(zip(range(block.start, block.start + block.size), words, strict=True))
        taken = one.group.decode(unit.polled.tags, known, now_ns, unit.reported)
        unit.watch.keep((now_ns, now_ns, *taken.vitals))
        dead = [self._dead_letter(job, fault, words, now_ns) for key, fault in taken.faults if key not in unit.faulty]
        unit.faulty -= {field.key for field in one.group.fields if field.at in known}
        unit.faulty |= {key for key, _ in taken.faults}
        if (taken.lines or dead) and not self._hands.intake.add(Lines(taken.lines, dead)):
            self._hands.counters.dropped += taken.lines.count("\n")
            unit.reported.clear()

    def _dead_letter(self, job: Job, fault: Fault, words: Sequence[int], now_ns: int) -> DeadLetter:
        place = f"{self._address} unit {job.unit.polled.unit} {job.round.group.table} {job.block.start}"
        payload = b"".join(word.to_bytes(2, "big") for word in words)
        return DeadLetter(now_ns, job.unit.polled.device, place, fault.reason, fault.detail, payload)

    async def _went_wrong(self, job: Job, error: NoAnswer | Excepted | LinkDown, took_s: float) -> None:
        job.unit.given_up += not isinstance(error, Excepted)
        match error:
            case Excepted():
                self._attempts = self._unheard = 0
                self._owed_s = 0.0
                self._excepted(job, error, took_s)
            case NoAnswer():
                self._silent(job.unit, str(error), took_s)
                self._owed_s = job.unit.limits.timeout_ms / 1000
                self._unheard += 1
                if self._unheard >= UNHEARD:
                    self._bus.close()
                    self._unheard = 0
            case LinkDown():
                await self._broken(job.unit, str(error), took_s)

    def _excepted(self, job: Job, error: Excepted, took_s: float) -> None:
        now = self._now()
        unit, one, block = job
        if unit.gone:
            return
        if error.code in REFUSALS:
            unit.answered(now.utc_ns)
            one.refuse(block, str(error), now.elapsed, divide=error.code != NO_FUNCTION)
        elif error.code in {SLOW, BUSY}:
            unit.busy(str(error), now)
        else:
            self._silent(unit, str(error), took_s)

    async def _broken(self, unit: Unit, why: str, took_s: float) -> None:
        """A connection may end while it idles; when it ends twice in a row, the unit that was asked may be why."""
        for one in self.units.values():
            one.failed(why, self._hands.pace.now_ns())
        if self._attempts:
            self._silent(unit, f"the gateway hung up when it was asked: {why}", took_s)
            await self._wait()
        self._attempts += 1

    def _silent(self, unit: Unit, why: str, took_s: float) -> None:
        if not unit.gone:
            unit.leave_alone(why, took_s, self._now(), self._shared())

    def _shared(self) -> Bus:
        return Bus(len(self.units), self._shortest_s, self._hands.options.longest_rest_s)

    def _now(self) -> Moment:
        return Moment(self._hands.pace.elapsed(), self._hands.pace.now_ns())
