"""The reachability of every device, from evidence: arrays over dense indices, and a wheel of deadlines.

What counts as evidence, and what does not:

- A live message or a Modbus answer (`Watch.heard_ns`); for a gateway, also what it brings from its children.
- A live word that the device is connected: it is there, but until it sends something it is stale, not online.
- A last will, once nothing followed it for a while: a reconnect after a change of address says offline, then online.
- Nothing that the broker retained: nobody knows how old that is.
- While the hub cannot hear a device (see `Ear`) everything is unknown; once it hears again, only what comes from then
  on counts, and every device has its full deadline anew.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.decode.watch import Inbox
from hub.status.presence import SECOND, TABLE, Event, Patience, State, patience
from hub.status.wheel import Wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.decode.watch import Vitals, Watch

_EVENTS: Final = len(Event)
_NEXT: Final = bytes(TABLE[state, event] for state in State for event in Event)
_SPOKE_OR_SILENT: Final = (State.ONLINE, State.STALE, State.OFFLINE)


class Ear(IntEnum):
    """By which way the hub hears a device: what makes it deaf on one leaves the other."""

    MQTT = 0
    MODBUS = 1


class Change(NamedTuple):
    """The reachability of the device at index `who` has changed; or it is mute, which leaves it stale (event MUTE)."""

    who: int
    was: State
    now: State
    event: Event


class Standing(NamedTuple):
    """How a device stands, as it is kept over a restart; times in nanoseconds UTC, 0: never."""

    state: State
    since_ns: int
    seen_ns: int


class Fleet:
    """Follows all devices. Pure: the clock is given. Everything is indexed by `Watch.index`.

    Attributes:
        state: codes of State.
        since: when that state began.
        seen: the last sign of life that has been looked at; `last_seen` looks anew.
    """

    def __init__(self, least_ns: int = 90 * SECOND, will_ns: int = 30 * SECOND) -> None:
        self.watches: list[Watch | None] = []
        self.state = bytearray()
        self.since = array("q")
        self.seen = array("q")
        self._least_ns = least_ns
        self._will_ns = will_ns
        self._before = bytearray()
        self._ear = bytearray()
        self._connected = bytearray()
        self._patience: list[Patience] = []
        self._shared: dict[int, Patience] = {}
        self._served: list[Watch] = []
        self._inbox = Inbox()
        self._expected = -1.0
        self._waiting: set[int] = set()
        self._gone: dict[int, int] = {}
        self._brings: dict[str, set[int]] = {}
        self._parent: dict[int, str] = {}
        self._gateways: dict[int, str] = {}
        self._unsettled = False
        self._deaf = [True, True]  # until it is told that the hub hears
        self._fresh = [0, 0]
        self._wheel = Wheel()
        self._changes: list[Change] = []

    # Who is followed

    def learn(self, watch: Watch, interval_ns: int, ear: Ear, parent: str | None = None) -> None:
        """Follow a device, or take in that its interval, way or gateway is another one now."""
        index = watch.index
        self._grow(index)
        known = self.watches[index]
        if known is None or known.device != watch.device:
            self._begin(index)
        self.watches[index] = watch
        watch.report_to(self._inbox)
        self._ear[index] = ear
        self._patience[index] = self._shared.setdefault(interval_ns, patience(interval_ns, self._least_ns))
        self._attach(index, parent)
        self._unsettled |= watch.device in self._brings
        self._served = []
        self._expected = -1.0
        self._plan(index)

    def forget(self, index: int) -> None:
        """Follow a device no longer."""
        watch = self.watches[index]
        if watch is None:
            return
        watch.report_to(None)
        self._attach(index, None)
        self._unsettled |= self._gateways.pop(index, None) is not None
        self._begin(index)
        self._waiting.discard(index)
        self.watches[index] = None
        self._served = []
        self._expected = -1.0

    def restore(self, index: int, standing: Standing) -> None:
        """Take up how a device stood when the hub last ran; how it is now is unknown until there is evidence."""
        state = standing.state
        self.seen[index], self.since[index] = standing.seen_ns, standing.since_ns
        self._before[index] = state
        self.state[index] = State.NEVER_SEEN if state is State.NEVER_SEEN else State.UNKNOWN
        self._waiting.add(index)
        self._plan(index)

    def _grow(self, index: int) -> None:
        missing = index + 1 - len(self.watches)
        if missing <= 0:
            return
        self.watches.extend([None] * missing)
        self._patience.extend([Patience(0, 0)] * missing)
        for codes in (self.state, self._before, self._ear, self._connected):
            codes.extend(bytes(missing))
        for times in (self.since, self.seen):
            times.extend([0] * missing)

    def _begin(self, index: int) -> None:
        self.state[index] = self._before[index] = State.NEVER_SEEN
        self.since[index] = self.seen[index] = 0
        self._connected[index] = 0
        self._gone.pop(index, None)
        self._waiting.add(index)
        self._wheel.cancel(index)

    def _attach(self, index: int, parent: str | None) -> None:
        if before := self._parent.pop(index, None):
            self._brings[before].discard(index)
            self._unsettled = True
        if parent:
            self._parent[index] = parent
            self._brings.setdefault(parent, set()).add(index)
            self._unsettled = True

    # What is asked

    def last_seen(self, index: int) -> int:
        """Return the last sign of life, nanoseconds UTC; 0: never."""
        return max(self.seen[index], self._heard(index)) if self._counts(index) else self.seen[index]

    def expected_by(self, index: int) -> int:
        """Return until when it should have spoken after its last sign of life, or since the hub hears again."""
        return max(self.seen[index], self._fresh[self._ear[index]]) + self._patience[index].missed

    def standing(self, index: int) -> Standing:
        """Return what to keep over a restart: of an unknown one, how it stood before."""
        code = self.state[index]
        state = State(self._before[index] if code == State.UNKNOWN else code)
        return Standing(state, self.since[index], self.last_seen(index))

    def ear(self, index: int) -> Ear:
        """Return by which way the device is heard."""
        return Ear(self._ear[index])

    def expected_per_s(self) -> float:
        """Return how many messages a second come when every device keeps its promise; counted anew when one changes."""
        if self._expected < 0:
            missed = (self._patience[watch.index].missed for watch in self.served())
            self._expected = sum(1.5 * SECOND / one for one in missed)
        return self._expected

    def served(self) -> list[Watch]:
        """Return the watches of all devices that are followed."""
        if not self._served:
            self._served = [watch for watch in self.watches if watch is not None]
        return self._served

    def take_samples(self) -> Iterator[tuple[Watch, Sequence[Vitals]]]:
        """Yield who left samples since this was last called, with them."""
        sampled, self._inbox.sampled = self._inbox.sampled, []
        for watch in sampled:
            samples = watch.take_samples()
            if samples and watch.inbox is self._inbox:
                yield watch, samples

    # What happens

    def deafen(self, ear: Ear, now_ns: int) -> None:
        """The hub can no longer hear the devices of `ear`: they are unknown, and no word of theirs holds any more."""
        if self._deaf[ear]:
            return
        for watch in self.served():
            if self._ear[watch.index] == ear:
                self._silence(watch.index, now_ns)
        self._deaf[ear] = True

    def _silence(self, index: int, now_ns: int) -> None:
        self._connected[index] = 0
        self._gone.pop(index, None)
        self._wheel.cancel(index)
        if self.state[index] in _SPOKE_OR_SILENT:
            self._look(index, now_ns)
            self._before[index] = self.state[index]
            self.state[index] = _NEXT[self.state[index] * _EVENTS + Event.HUB_ILL]
            self._waiting.add(index)

    def hear(self, ear: Ear, now_ns: int) -> None:
        """The hub hears the devices of `ear` again."""
        if not self._deaf[ear]:
            return
        self._deaf[ear] = False
        self._fresh[ear] = now_ns
        for watch in self.served():
            if self._ear[watch.index] == ear:
                self._plan(watch.index)

    def tick(self, now_ns: int) -> list[Change]:
        """Judge by what was heard since the last call, and by what was not; about once a second."""
        if self._unsettled:
            self._gateways = {watch.index: watch.device for watch in self.served() if watch.device in self._brings}
            self._unsettled = False
        spoken, self._inbox.spoken = self._inbox.spoken, []
        for watch in spoken:
            if watch.inbox is self._inbox:
                self._take_words(watch, now_ns)
        for index in self._returned():
            self._return(index, now_ns)
        for index in self._confirmed(now_ns):
            self._apply(index, Event.GONE, now_ns)
        self._visit_due(now_ns)
        changes, self._changes = self._changes, []
        return changes

    def _take_words(self, watch: Watch, now_ns: int) -> None:
        index = watch.index
        for word in watch.take_words():
            if word.retained:
                continue
            self._connected[index] = word.online
            if word.online:
                self._gone.pop(index, None)
                self._greet(index, min(word.received_ns, now_ns))
            else:
                self._gone[index] = word.received_ns

    def _greet(self, index: int, now_ns: int) -> None:
        if self._deaf[self._ear[index]]:
            return
        self.seen[index] = max(self.seen[index], now_ns)
        if self.state[index] != State.ONLINE:
            self._apply(index, Event.CONNECTED, now_ns)
            self._plan(index)

    def _returned(self) -> list[int]:
        """Who is not online and has been heard since it was last looked at."""
        watches, seen = self.watches, self.seen
        heard = [i for i in self._waiting if (watch := watches[i]) is not None and watch.heard_ns > seen[i]]
        through = [i for i in self._gateways if i in self._waiting and self._heard(i) > seen[i]]
        return [i for i in (*heard, *through) if self._counts(i)]

    def _return(self, index: int, now_ns: int) -> None:
        self._look(index, now_ns)
        self._apply(index, Event.HEARD, now_ns)
        self._plan(index)

    def _counts(self, index: int) -> bool:
        """Whether what was heard last is evidence: not while the hub is deaf, nor from before it heard again."""
        ear = self._ear[index]
        return not self._deaf[ear] and self._heard(index) >= self._fresh[ear]

    def _heard(self, index: int) -> int:
        watch = self.watches[index]
        if watch is None:
            return 0
        if index not in self._gateways:
            return watch.heard_ns
        children = (self.watches[child] for child in self._brings[watch.device])
        return max([watch.heard_ns, *(child.heard_ns for child in children if child is not None)])

    def _look(self, index: int, now_ns: int) -> None:
        """Take in what was heard; a clock that was set back must not make it the future."""
        if self._counts(index):
            self.seen[index] = min(max(self.seen[index], self._heard(index)), now_ns)

    def _confirmed(self, now_ns: int) -> list[int]:
        """Whose last will has stood long enough; whoever was heard after it takes it back."""
        for index in [index for index, at in self._gone.items() if self._heard(index) > at]:
            del self._gone[index]
        ripe = [index for index, at in self._gone.items() if now_ns >= self._from(index, at) + self._will_ns]
        ripe = [index for index in ripe if not self._deaf[self._ear[index]]]
        for index in ripe:
            del self._gone[index]
            self._look(index, now_ns)
        return ripe

    def _from(self, index: int, at_ns: int) -> int:
        return max(at_ns, self._fresh[self._ear[index]])

    def _visit_due(self, now_ns: int) -> None:
        watches, state, ear, patient = self.watches, self.state, self._ear, self._patience
        seen, fresh, online, plan = self.seen, self._fresh, State.ONLINE.value, self._wheel.plan
        for index in self._wheel.due(now_ns):
            watch = watches[index]
            # Nearly every visit: it has spoken in time, and the next deadline follows from that.
            if watch is not None and state[index] == online and fresh[ear[index]] <= watch.heard_ns <= now_ns:
                due_ns = watch.heard_ns + patient[index][0]
                if due_ns > now_ns:
                    seen[index] = max(seen[index], watch.heard_ns)
                    plan(index, due_ns)
                    continue
            self._visit(index, now_ns)

    def _visit(self, index: int, now_ns: int) -> None:
        if self.watches[index] is None or self._deaf[self._ear[index]]:
            return
        self._look(index, now_ns)
        missed, overdue = self._patience[index]
        if now_ns - self._from(index, self.seen[index]) >= overdue:
            self._apply(index, Event.MUTE if self._connected[index] else Event.OVERDUE, now_ns)
            return
        if now_ns - self._spoke(index) >= missed:
            self._apply(index, Event.MISSED, now_ns)
        self._plan(index)

    def _spoke(self, index: int) -> int:
        """Return when it was last heard, as far as that has been looked at: to be connected is no reading."""
        return self._from(index, min(self._heard(index), self.seen[index]))

    def _plan(self, index: int) -> None:
        """Plan the next visit of a device."""
        state = self.state[index]
        if state == State.ONLINE:
            self._wheel.plan(index, self._spoke(index) + self._patience[index].missed)
        elif state in {State.STALE, State.UNKNOWN}:
            self._wheel.plan(index, self._from(index, self.seen[index]) + self._patience[index].overdue)

    def _apply(self, index: int, event: Event, now_ns: int) -> None:
        was = self.state[index]
        now = _NEXT[was * _EVENTS + event]
        if now == was and event is not Event.MUTE:
            return
        self.state[index] = now
        if now != was and not (was == State.UNKNOWN and now == self._before[index]):
            self.since[index] = now_ns
        if now == State.ONLINE:
            self._waiting.discard(index)
        else:
            self._waiting.add(index)
        self._changes.append(Change(index, State(was), State(now), event))

    def counts(self) -> dict[str, int]:
        """Return how many devices are in each state, by its word."""
        totals = {state.word: self.state.count(state) for state in State}
        totals[State.NEVER_SEEN.word] -= len(self.watches) - len(self.served())  # what was forgotten
        return totals
