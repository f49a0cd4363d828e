"""The runner's own part: what it does with lines, with the registry, and with time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hub.decode.watch import Watch
from hub.status.base import Cause, Trouble
from hub.status.core import Status
from hub.status.figures import Figures
from hub.status.options import HealthOptions, StatusOptions
from hub.status.presence import SECOND
from hub.status.runner import MOST_PENDING, StatusRunner
from hub.status.store import Incidents, StatusStore
from hub.status.wellness import Vitals
from hub.status.wording import Names
from provisioning.audit import Actor
from provisioning.errors import StorageProblem
from provisioning.records import NewDevice
from provisioning.registry import Registry
from tests.unit.status.night import MIDNIGHT, MODELS, ZONE, Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from hub.model import Lines

FIGURES = Figures(messages=0, points_stored=0, points_spooled=0, spool_points=0, spool_bytes=0, write_failures=0,
                  devices=1, rejected={}, problems=())  # fmt: skip


class Room:
    """Stands in for the hub around the runner: an intake, the registry's thread, a clock."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = MIDNIGHT
        self.full = False
        self.locked = False
        self.written: list[str] = []
        self.status = Status({"cam": Watch("cam", 0)}, MODELS, StatusOptions(), HealthOptions(), ZONE)
        self.runner = StatusRunner(
            self.status, StatusStore(engine), self.work, lambda _: Names(), self,
            lambda: Vitals(linked=True, others={}), lambda: FIGURES, lambda: self.now, "noc-1",
        )  # fmt: skip
        self.runner.follow([Entry("cam")], ())

    async def work(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
        if self.locked:
            raise StorageProblem("The database is locked.")
        return work()

    def add(self, lines: Lines) -> bool:
        if not self.full:
            self.written += lines.text.splitlines()
        return not self.full

    def offer(self, burst: object) -> bool:
        raise NotImplementedError

    async def ready(self) -> None:
        raise NotImplementedError

    async def settled(self) -> None:
        raise NotImplementedError

    def told(self) -> list[str]:
        return [line.split(",", 1)[0] for line in self.written]

    def trouble(self) -> None:
        self.status.incidents.raised(Trouble(Cause.STORAGE, "device/cam", "full"), self.now)


@pytest.fixture
def room(engine: Engine) -> Room:
    Registry(engine, lambda: 0).add_device(NewDevice(id="cam", profile="camera"))
    return Room(engine)


async def test_an_incident_is_told_once_it_is_kept(room: Room) -> None:
    await room.runner.load()
    room.trouble()
    room.runner.tick()
    assert "incident" not in room.told()
    assert await room.runner._keep()
    assert room.told().count("incident") == 1
    assert [one.cause for one in Incidents(room.engine).list()] == [Cause.STORAGE]
    assert not await room.runner._keep()


async def test_what_cannot_be_kept_is_kept_later_and_said_once(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    await room.runner.load()
    room.locked = True
    room.trouble()
    room.runner.tick()
    assert not await room.runner._keep()
    assert not await room.runner._keep()
    assert room.runner.trouble == "The database is locked."
    room.locked = False
    assert await room.runner._keep()
    assert (room.runner.trouble, room.told().count("incident")) == ("", 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_lines_wait_for_room_and_are_bounded(room: Room) -> None:
    room.full = True
    room.runner.tick()
    room.full = False
    room.now += SECOND
    room.runner.tick()
    assert room.told().count("hub") == 1
    room.full = True
    room.runner._write("x" * MOST_PENDING + "\n\n")
    assert room.runner.dropped_lines == 2


async def test_somebody_who_takes_it_on_elsewhere_is_known_here(room: Room) -> None:
    await room.runner.load()
    room.trouble()
    room.runner.tick()
    await room.runner._keep()
    Incidents(room.engine).acknowledge(1, Actor("budi", "cli"), room.now + SECOND)
    room.written.clear()
    await room.runner._keep()
    room.now += SECOND
    room.runner.tick()
    await room.runner._keep()
    assert 'state="acknowledged"' in next(line for line in room.written if line.startswith("incident"))


async def test_a_clock_that_is_behind_what_was_kept_is_an_incident(room: Room) -> None:
    await room.runner.load()
    room.status.fleet.seen[0] = MIDNIGHT
    await room.runner.close()
    late = Room(room.engine)
    late.now = MIDNIGHT - 3600 * SECOND
    await late.runner.load()
    late.runner.tick()
    [one] = late.status.incidents.open()
    assert (one.cause, one.text) == (
        Cause.HUB_UNWELL,
        "the clock of the hub is wrong: devices were last heard 3600 s from now",
    )


async def test_an_incident_that_ended_as_the_hub_did_is_told_again(room: Room) -> None:
    await room.runner.load()
    room.trouble()
    room.status.incidents.cleared(Cause.STORAGE, "device/cam", room.now)
    room.runner.tick()
    await room.runner._keep()
    again = Room(room.engine)
    await again.runner.load()
    again.runner.tick()
    assert [line for line in again.written if line.startswith("incident") and "open=0i" in line]


async def test_presence_is_shown_of_those_who_are_watched(room: Room) -> None:
    seen = room.runner.presence("cam")
    assert seen is not None
    assert (seen.state.word, seen.lifecycle, room.runner.presence("ghost")) == ("never_seen", "active", None)
