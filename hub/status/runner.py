"""Runs status beside the pipeline: a tick a second, lines into the spool, what must survive into the registry."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, TypeVar

from hub.model import Lines
from hub.status.base import Cause
from hub.status.figures import Figures, Reporter
from hub.status.fleet import Ear
from hub.status.presence import SECOND
from hub.status.wellness import Clocks, Hearing, Vitals, Wellness
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from typing import Protocol

    from hub.model import Clock
    from hub.sources.base import Intake
    from hub.status.core import Presence, Status
    from hub.status.roster import Entry
    from hub.status.store import StatusStore
    from hub.status.wording import Names

    _Result = TypeVar("_Result")

    class Worker(Protocol):
        """Does blocking work in the registry's thread."""

        def __call__(self, work: Callable[[], _Result]) -> Awaitable[_Result]: ...  # noqa: D102


KEEP_S: Final = 5.0
"""How often what changed is kept; a kill costs that much of it, which fresh evidence then replaces."""
NAMES_S: Final = 60.0
MOST_KEPT: Final = 5_000
"""Devices in one transaction, so that nobody waits long for the database."""
FIGURES_S: Final = 10
MOST_PENDING: Final = 4_000_000
"""Bytes of lines that wait while the spool takes none; beyond it they are dropped, and counted."""

log = logging.getLogger(__name__)


class StatusRunner:
    """Drives a Status. Use: `feed.followers.append(runner)`, load the feed, `load`, `run`, and `close` at the end.

    Args:
        status: what it drives.
        store: where incidents and presence are kept ...
        worker: ... by work that is done in the registry's thread.
        names: reads what the registry calls things, given the time; blocking.
        intake: takes the lines.
        vitals: the hub's own health.
        figures: the hub's own figures.
        clock: nanoseconds UTC.
        hub: the hub's name among others.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is injected
        self,
        status: Status,
        store: StatusStore,
        worker: Worker,
        names: Callable[[int], Names],
        intake: Intake,
        vitals: Callable[[], Vitals],
        figures: Callable[[], Figures],
        clock: Clock,
        hub: str,
    ) -> None:
        self.status = status
        self.dropped_lines = 0
        self.trouble = ""
        self._store = store
        self._worker = worker
        self._read_names = names
        self._intake = intake
        self._vitals = vitals
        self._figures = figures
        self._clock = clock
        self._reporter = Reporter(hub)
        self._hearing = Hearing()
        self._clocks = Clocks()
        self._wellness = Wellness(status.incidents, round(status.options.ill_s * SECOND))
        self._ends: Sequence[int] = ()
        self._pending = ""
        self._ticks = 0
        self._news = asyncio.Event()

    def follow(self, entries: Sequence[Entry], changed: Collection[str]) -> None:
        """See `hub.pipeline.registry_feed.Follower`."""
        self.status.update(entries, changed, self._clock())

    async def load(self) -> None:
        """Take up what was kept when the hub last ran; after the registry was read, before anything is received.

        Raises:
            StorageProblem: the registry cannot be read.
        """
        now = self._clock()
        kept = await self._worker(lambda: self._store.load(now - round(self.status.options.again_s * SECOND)))
        self.status.restore(kept.standings, kept.incidents, kept.next_id, now)
        own = [one for one in self.status.incidents.open() if one.cause is Cause.HUB_UNWELL]
        self._wellness.restore({one.subject.partition("/")[2] for one in own}, now)
        newest = max((one.seen_ns for one in kept.standings.values()), default=0)
        if newest > now + 60 * SECOND:
            said = f"the clock of the hub is wrong: devices were last heard {(newest - now) / SECOND:.0f} s from now"
            self._wellness.happened("clock", said, now)
        await self._name()
        # Told once more: the hub may have been killed between keeping and telling.
        self._pending = "".join(self.status.tell(one, now) for one in kept.incidents)

    async def run(self) -> None:
        """Tick, and keep what changed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ticking(), name="status-tick")
            tasks.create_task(self._keeping(), name="status-keep")
            tasks.create_task(self._naming(), name="status-names")

    def presence(self, device: str) -> Presence | None:
        """Return how a device is now; None when this hub does not watch it."""
        index = self.status.roster.index.get(device)
        return None if index is None else self.status.of(index, self._clock())

    async def close(self) -> None:
        """Keep everything, before an orderly end."""
        self.status.keep_all()
        while await self._keep():
            pass

    def tick(self) -> None:
        """Do what is due in this second."""
        now, vitals = self._clock(), self._vitals()
        self._listen(vitals, now)
        self._wellness.tick(vitals, now)
        text = self.status.tick(now)
        if self._ticks % FIGURES_S == 0:
            text += self._reporter.lines(self._figures(), self._ends, now)
        self._ticks += 1
        self._write(text)
        if self.status.has_news:
            self._news.set()

    def _listen(self, vitals: Vitals, now_ns: int) -> None:
        """Tell what the hub can hear, and what it could not because time did not go on as it should."""
        happened = self._clocks.judge(now_ns, monotonic_ns())
        if happened:
            self._wellness.happened("clock", happened, now_ns)
            for ear in Ear:
                self.status.deafen(ear, now_ns)
        self.status.hear(Ear.MODBUS, now_ns)
        if self._hearing.judge(vitals, now_ns):
            self.status.hear(Ear.MQTT, now_ns)
        else:
            self.status.deafen(Ear.MQTT, now_ns)

    def _write(self, text: str) -> None:
        """What the spool does not take now is offered again; an incident that closed must not stay open on a board."""
        self._pending += text
        if not self._pending or self._intake.add(Lines(self._pending)):
            self._pending = ""
        elif len(self._pending) > MOST_PENDING:
            self.dropped_lines += self._pending.count("\n")
            self._pending = ""

    async def _ticking(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1, loop.time())
            await asyncio.sleep(due - loop.time())
            self.tick()

    async def _keeping(self) -> None:
        """Incidents are kept at once, the rest now and then."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_S):
                    await self._news.wait()
            self._news.clear()
            if not await self._keep():
                await asyncio.sleep(1)

    async def _naming(self) -> None:
        while True:
            await asyncio.sleep(NAMES_S)
            await self._name()

    async def _keep(self) -> bool:
        """Keep some of what changed, and take in who took an incident on; return whether there was anything.

        An incident is told only once it is kept: the database must not know of one that a restart would forget.
        """
        standings, incidents = self.status.take_unkept(MOST_KEPT)
        try:
            await self._worker(lambda: self._store.keep(standings, incidents))
            acknowledged = await self._worker(self._store.acknowledgements)
        except ProvisioningError as error:
            self.status.keep_again(standings, incidents)
            self._lost(str(error))
            return False
        self._recovered()
        now = self._clock()
        self._write("".join(self.status.tell(one, now) for one in incidents))
        for number, by, at_ns in acknowledged:
            self.status.incidents.acknowledged(number, by, at_ns)
        return bool(standings or incidents)

    async def _name(self) -> None:
        now = self._clock()
        try:
            names = await self._worker(lambda: self._read_names(now))
        except ProvisioningError as error:
            self._lost(str(error))
            return
        self._ends = list(names.expiring.values())
        self.status.name(names, now)

    def _lost(self, why: str) -> None:
        if not self.trouble:
            log.warning("cannot keep incidents and presence, going on in memory: %s", why)
        self.trouble = why

    def _recovered(self) -> None:
        if self.trouble:
            log.info("keeping incidents and presence again")
        self.trouble = ""
