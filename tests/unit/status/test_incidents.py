"""The life of an incident, row by row; and that one trouble is one incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.status.base import Cause, Severity, Trouble
from hub.status.incidents import TABLE, Event, Incident, IncidentBook, State
from hub.status.presence import SECOND
from hub.status.store import Incidents, StatusStore
from provisioning import audit
from provisioning.audit import Actor
from provisioning.errors import Unknown, WrongState

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = 1_790_000_000 * SECOND
AGAIN = 600 * SECOND
SITE = Trouble(Cause.SITE_SILENT, "site/pasar", "3 of 3", Severity.WARNING, "pasar", "dishub", ("a", "b", "c"), 3)


@pytest.fixture
def book() -> IncidentBook:
    return IncidentBook(AGAIN)


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        ("open", "raised", "open"),
        ("open", "worsened", "open"),
        ("open", "acknowledged", "acknowledged"),
        ("open", "cleared", "closed"),
        ("acknowledged", "raised", "acknowledged"),
        ("acknowledged", "worsened", "open"),
        ("acknowledged", "acknowledged", "acknowledged"),
        ("acknowledged", "cleared", "closed"),
        ("closed", "raised", "open"),
        ("closed", "worsened", "open"),
        ("closed", "acknowledged", "closed"),
        ("closed", "cleared", "closed"),
    ],
)
def test_a_row(state: str, event: str, expected: str) -> None:
    assert TABLE[State(state), Event(event)] is State(expected)


def test_the_table_is_complete() -> None:
    assert len(TABLE) == len(State) * len(Event)


def only(book: IncidentBook) -> Incident:
    [found] = book.take_changed()
    return found


def test_a_trouble_that_is_told_twice_is_one_incident(book: IncidentBook) -> None:
    book.raised(SITE, NOW)
    assert (only(book).id, only_open(book).state) == (1, State.OPEN)
    book.raised(SITE, NOW + SECOND)
    assert book.take_changed() == []


def only_open(book: IncidentBook) -> Incident:
    [found] = book.open()
    return found


def test_what_is_new_about_it_is_taken_in_and_devices_only_come(book: IncidentBook) -> None:
    book.raised(SITE, NOW)
    book.raised(Trouble(SITE.cause, SITE.subject, "4 of 4", devices=("d",)), NOW + SECOND)
    assert (only(book).text, list(only_open(book).devices)) == ("4 of 4", ["a", "b", "c", "d"])


def test_it_closes_and_what_nobody_raised_does_not(book: IncidentBook) -> None:
    book.cleared(SITE.cause, SITE.subject, NOW)
    assert book.take_changed() == []
    book.raised(SITE, NOW)
    book.cleared(SITE.cause, SITE.subject, NOW + SECOND)
    assert (book.open(), only(book).closed_ns) == ([], NOW + SECOND)


def test_what_returns_soon_is_the_same_and_what_returns_late_is_another(book: IncidentBook) -> None:
    for moment in (0, 500, 2000):
        book.raised(SITE, NOW + moment * SECOND)
        book.cleared(SITE.cause, SITE.subject, NOW + (moment + 10) * SECOND)
    assert [(one.id, one.times) for one in book.take_changed()] == [(1, 2), (2, 1)]
    book.forget(NOW + 9000 * SECOND)
    book.raised(SITE, NOW + 9001 * SECOND)
    assert only_open(book).id == 3


def test_an_acknowledgement_holds_until_it_gets_worse_or_returns(book: IncidentBook) -> None:
    book.raised(SITE, NOW)
    book.acknowledged(1, "budi", NOW + 5 * SECOND)
    book.acknowledged(1, "siti", NOW + 6 * SECOND)
    assert (only_open(book).state, only_open(book).acknowledged_by) == (State.ACKNOWLEDGED, "budi")
    book.raised(Trouble(SITE.cause, SITE.subject, "all", Severity.CRITICAL), NOW + 9 * SECOND)
    assert only_open(book).state is State.OPEN
    book.acknowledged(1, "late", NOW + 8 * SECOND)
    assert only_open(book).state is State.OPEN


def test_a_device_that_is_gone_leaves_nothing_open(book: IncidentBook) -> None:
    book.raised(Trouble(Cause.STORAGE, "device/a", "full"), NOW)
    book.raised(Trouble(Cause.TAMPERING, "device/a", "covered"), NOW)
    book.raised(Trouble(Cause.TAMPERING, "device/ab", "covered"), NOW)
    book.dismissed("device/a", NOW + SECOND)
    assert [one.subject for one in book.open()] == ["device/ab"]


# --- kept in the registry's database ---

BUDI = Actor("budi", "10.1.2.3")


@pytest.fixture
def kept(engine: Engine, book: IncidentBook) -> Incidents:
    book.raised(SITE, NOW)
    book.raised(Trouble(Cause.HUB_UNWELL, "hub/broker", "gone"), NOW)
    book.raised(Trouble(Cause.STORAGE, "device/a", "full", agency="dinkes"), NOW)
    book.cleared(Cause.STORAGE, "device/a", NOW + SECOND)
    StatusStore(engine).keep({}, book.take_changed())
    return Incidents(engine)


def test_what_is_kept_is_what_was_raised(engine: Engine, kept: Incidents, book: IncidentBook) -> None:
    assert kept.get(1) == only_first(book)
    back = StatusStore(engine).load(NOW)
    assert ([one.id for one in back.incidents], back.next_id) == ([3, 2, 1], 4)
    assert [one.id for one in StatusStore(engine).load(NOW + 2 * SECOND).incidents] == [2, 1]


def only_first(book: IncidentBook) -> Incident:
    return book.open()[0]


def test_incidents_are_listed_by_agency_and_page(kept: Incidents) -> None:
    assert [one.id for one in kept.list()] == [2, 1]
    assert [one.id for one in kept.list(closed=True)] == [3, 2, 1]
    assert [one.id for one in kept.list(closed=True, before=3, limit=1)] == [2]
    assert [one.id for one in kept.list(closed=True, agencies=["dishub", "dinkes"])] == [3, 1]
    assert kept.list(agencies=[]) == []


def test_whoever_takes_one_on_is_noted_recorded_and_told_to_the_hub(
    engine: Engine, kept: Incidents, book: IncidentBook
) -> None:
    assert kept.acknowledge(1, BUDI, NOW + 9 * SECOND).acknowledged_by == "budi"
    assert kept.acknowledge(1, Actor("siti", "10.1.2.4"), NOW + 10 * SECOND).acknowledged_by == "budi"
    [row] = audit.read(engine, 10)
    assert (row.actor, row.action, row.subject) == ("budi", "incident.acknowledge", "incident/1")
    [told] = StatusStore(engine).acknowledgements()
    book.acknowledged(*told)
    assert only_first(book).state is State.ACKNOWLEDGED


def test_the_hub_does_not_undo_an_acknowledgement_that_it_has_not_seen_yet(
    engine: Engine, kept: Incidents, book: IncidentBook
) -> None:
    kept.acknowledge(1, BUDI, NOW + 9 * SECOND)
    book.raised(Trouble(SITE.cause, SITE.subject, "4 of 4", agency="dishub"), NOW + 10 * SECOND)
    StatusStore(engine).keep({}, book.take_changed())
    assert (kept.get(1).state, kept.get(1).text) == (State.ACKNOWLEDGED, "4 of 4")


def test_what_is_closed_or_unknown_cannot_be_taken_on(kept: Incidents) -> None:
    with pytest.raises(WrongState, match="closed"):
        kept.acknowledge(3, BUDI, NOW)
    with pytest.raises(Unknown):
        kept.acknowledge(9, BUDI, NOW)
