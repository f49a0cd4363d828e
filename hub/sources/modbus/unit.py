"""One device on a bus: what is due of it, how it answers, and how long it is left alone when it does not. No I/O."""

from __future__ import annotations

import logging
from random import uniform
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.sources.modbus.state import ModbusState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.decode.registers import Reported
    from hub.decode.watch import Watch
    from hub.profiles.modbus import Limits
    from hub.sources.modbus.pace import Moment
    from hub.sources.modbus.rounds import Round

FULL_PATIENCE: Final = 4
"""Of so many probes to a silent unit one waits the whole timeout, the others a part of it."""
BUSY_S: Final = 0.2
LONGEST_BUSY_S: Final = 5.0

log = logging.getLogger(__name__)


class Polled(NamedTuple):
    """What the registry says of a device on Modbus."""

    device: str
    profile: str
    address: str
    unit: int
    tags: str


class Bus(NamedTuple):
    """What a unit shares: with how many (itself included), the shortest interval among them, the longest rest."""

    units: int
    shortest_s: float
    longest_rest_s: float


class Unit:
    """A device on a bus.

    Attributes:
        gone: no longer registered here; an answer still under way is nobody's.
        rests_until: not to be asked before.
        failures: unanswered requests in a row.
        reported: what was reported of readings with a dead band.
        faulty: readings that could not be stored last time.
        given_up: requests to it that the hub waits for no longer; see ModbusState.
    """

    def __init__(self, polled: Polled, rounds: Sequence[Round], limits: Limits, watch: Watch) -> None:
        self.polled = polled
        self.rounds = rounds
        self.limits = limits
        self.watch = watch
        self.gone = False
        self.rests_until = 0.0
        self.failures = 0
        self.reported: Reported = {}
        self.faulty: set[str] = set()
        self.given_up = 0
        self._busy = 0
        self._took_s = 0.0
        self._answered_ns = 0
        self._failed_ns = 0
        self._fault = ""
        self._slow = ""

    @property
    def every_s(self) -> float:
        """Its shortest interval."""
        return min(one.turns.every_s for one in self.rounds)

    @property
    def patience_s(self) -> float:
        """How long to wait for its answer: a unit that is silent anyway shall not hold up its neighbours for long."""
        timeout_s = self.limits.timeout_ms / 1000
        if self.failures % FULL_PATIENCE == 0:
            return timeout_s
        return min(timeout_s, max(timeout_s / FULL_PATIENCE, 2 * self._took_s))

    def state(self) -> ModbusState:
        """Return how it answers."""
        refused = [fault for one in self.rounds for fault in one.faults()]
        faults = "; ".join(text for text in (self._fault, self._slow, *refused) if text)
        return ModbusState(self.polled.device, self._answered_ns, self._failed_ns, faults, self.given_up)

    def next(self) -> Round:
        """Return the round that is due first."""
        return min(self.rounds, key=_due)

    def ready_at(self, one: Round) -> float:
        """Return when a round may be asked for."""
        return max(one.turns.due, self.rests_until)

    def rank(self, one: Round, handicap_s: float) -> float:
        """Return what decides who is asked first, the lowest: a unit that may hold up the bus lets others go before it.

        But not for ever: after `handicap_s` of waiting it is first all the same.
        """
        return self.rests_until + handicap_s if self.failures or self._slow else one.turns.due

    def answered(self, now_ns: int) -> None:
        """It answered, if only to refuse: it lives."""
        if self.failures:
            log.info("Modbus: %s answers again", self.polled.device)
        self.failures = 0
        self._busy = 0
        self._fault = ""
        self._answered_ns = self.watch.heard_ns = now_ns

    def took(self, seconds: float, at: Moment, bus: Bus) -> None:
        """Give it a rest after an answer, so that a slow unit takes no more than its share of the bus.

        Its share is what one of so many units gets of the shortest interval among them. What exceeds it twice in a row
        is paid back before the next request; a hiccup is not.
        """
        cost, self._took_s = min(seconds, self._took_s), seconds
        slow = bus.units > 1 and cost > bus.shortest_s / bus.units
        self._slow = f"takes {cost:.1f} s to answer, so it is asked less often for its neighbours' sake" if slow else ""
        if slow:
            self.rest(cost * bus.units, at.elapsed)

    def leave_alone(self, why: str, took_s: float, at: Moment, bus: Bus) -> None:
        """Let it rest, for it did not answer: the first time until its next turn, then longer each time.

        One answer may get lost. From the second on, the rest pays back what the request cost the bus as well.
        """
        if not self.failures:
            log.warning("Modbus: %s at %s unit %d: %s", self.polled.device, self.polled.address, self.polled.unit, why)
        wait = self.every_s * 2.0 ** min(self.failures, 32)
        if self.failures:
            wait = max(wait, took_s * bus.units)
        self.failures += 1
        self.failed(why, at.utc_ns)
        self.rest(min(wait, bus.longest_rest_s) * uniform(0.75, 1), at.elapsed)  # noqa: S311 - jitter, not a secret

    def busy(self, why: str, at: Moment) -> None:
        """Ask again soon: it lives."""
        self._answered_ns = self.watch.heard_ns = at.utc_ns
        self._failed_ns, self._fault = at.utc_ns, why
        self.rest(min(BUSY_S * 2.0 ** min(self._busy, 32), LONGEST_BUSY_S), at.elapsed)
        self._busy += 1

    def failed(self, why: str, now_ns: int) -> None:
        """Whatever was reported may not be so any more."""
        self._failed_ns, self._fault = now_ns, why
        self.reported.clear()

    def rest(self, seconds: float, now: float) -> None:
        """Do not ask it again before so many seconds have passed."""
        self.rests_until = max(self.rests_until, now + seconds)


def _due(one: Round) -> float:
    return one.turns.due
