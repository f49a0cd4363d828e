"""What boards see of an incident: each once, as it is now, although its lines are told under other tags than before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.decode.watch import Watch
from hub.status.base import Cause, Severity, Trouble
from hub.status.core import Status
from hub.status.options import HealthOptions, StatusOptions
from hub.status.presence import SECOND
from hub.status.store import StatusStore
from tests.unit.decode.line_protocol import parse_lines
from tests.unit.status.night import MIDNIGHT, MODELS, ZONE

if TYPE_CHECKING:
    from sqlalchemy import Engine

RIVER = Trouble(Cause.RIVER_LEVEL, "device/gauge", "2.1 m", Severity.WARNING, "jembatan", "bpbd", ("gauge",))
WORSE = replace(RIVER, text="3.1 m", severity=Severity.CRITICAL)
OPEN_CRITICAL = [{"severity": "critical", "site": "jembatan", "agency": "bpbd"}]


class Hub:
    """A hub that keeps and tells its incidents, and the newest line of each series in its database."""

    def __init__(self, engine: Engine) -> None:
        self.store = StatusStore(engine)
        self.now = MIDNIGHT
        self.newest: dict[tuple[tuple[str, str], ...], tuple[int, int]] = {}
        self.start()

    def start(self) -> None:
        self.status = Status({"gauge": Watch("gauge", 0)}, MODELS, StatusOptions(), HealthOptions(), ZONE)

    def raised(self, trouble: Trouble) -> None:
        self.now += SECOND
        self.status.incidents.raised(trouble, self.now)

    def cleared(self) -> None:
        self.now += SECOND
        self.status.incidents.cleared(RIVER.cause, RIVER.subject, self.now)

    def keep(self) -> str:
        """Keep what changed; return the lines that are told then."""
        self.status.tick(self.now)
        _, incidents = self.status.take_unkept(0)
        self.store.keep({}, incidents)
        return "".join(self.status.tell(one, self.now) for one in incidents)

    def tell(self) -> None:
        self.write(self.keep())

    def restart(self) -> None:
        self.now += SECOND
        self.start()
        kept = self.store.load(0)
        self.status.restore(kept.standings, kept.incidents, kept.next_id, self.now)
        self.write("".join(self.status.tell(one, self.now) for one in kept.incidents))

    def write(self, lines: str) -> None:
        for point in parse_lines(lines):
            opened = point.fields["open"]
            assert isinstance(opened, int)
            self.newest[tuple(sorted(point.tags.items()))] = point.time, opened

    def shown(self) -> list[dict[str, str]]:
        """What a board shows as open: the tags that may change."""
        found = [dict(tags) for tags, (_, opened) in self.newest.items() if opened]
        return [{name: tags[name] for name in ("severity", "site", "agency")} for tags in found]


@pytest.fixture
def hub(engine: Engine) -> Hub:
    return Hub(engine)


def test_one_that_became_worse_is_shown_once(hub: Hub) -> None:
    hub.raised(RIVER)
    hub.tell()
    hub.raised(WORSE)
    hub.tell()
    assert hub.shown() == OPEN_CRITICAL


def test_one_that_became_worse_and_better_is_shown_as_it_is_now(hub: Hub) -> None:
    for trouble in (RIVER, WORSE, RIVER):
        hub.raised(trouble)
        hub.tell()
    assert hub.shown() == [{"severity": "warning", "site": "jembatan", "agency": "bpbd"}]


def test_one_whose_device_was_moved_is_shown_at_its_new_site(hub: Hub) -> None:
    hub.raised(RIVER)
    hub.tell()
    hub.raised(replace(RIVER, site="pasar", agency="dishub"))
    hub.tell()
    assert hub.shown() == [{"severity": "warning", "site": "pasar", "agency": "dishub"}]


def test_one_that_is_over_is_shown_no_more_whatever_it_was(hub: Hub) -> None:
    for trouble in (RIVER, WORSE):
        hub.raised(trouble)
        hub.tell()
    hub.cleared()
    hub.tell()
    assert hub.shown() == []


def test_its_newest_line_is_the_one_that_is_true(hub: Hub) -> None:
    for trouble in (RIVER, WORSE):
        hub.raised(trouble)
        hub.tell()
    assert max(hub.newest.values()) == (hub.now, 1)


def test_a_restart_before_it_became_worse_changes_nothing(hub: Hub) -> None:
    hub.raised(RIVER)
    hub.tell()
    hub.restart()
    hub.raised(WORSE)
    hub.tell()
    assert hub.shown() == OPEN_CRITICAL


def test_a_restart_after_it_became_worse_does_not_open_the_old_line_again(hub: Hub) -> None:
    for trouble in (RIVER, WORSE):
        hub.raised(trouble)
        hub.tell()
    hub.restart()
    assert hub.shown() == OPEN_CRITICAL


def test_a_hub_that_was_killed_between_keeping_and_telling_ends_the_old_line_when_it_is_back(hub: Hub) -> None:
    hub.raised(RIVER)
    hub.tell()
    hub.raised(WORSE)
    assert "critical" in hub.keep()
    hub.restart()
    assert hub.shown() == OPEN_CRITICAL
