"""Incidents as regions: raised, grown, ended, never twice."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from hub.grafana.annotations import GROW_MS, READ_AGAIN_MS, Annotations
from hub.grafana.client import connected
from hub.grafana.errors import Away
from tests.grafana_server import Grafana, grafana

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hub.grafana.annotations import Incident

MS = 1_000_000
START_MS = 1_790_000_000_000


@dataclass
class Trouble:
    """An incident."""

    id: int = 1
    cause: str = "site_dark"
    severity: str = "critical"
    agency: str = "dishub"
    site: str = "pasar"
    text: str = "Pasar has no power"
    opened_ns: int = START_MS * MS
    closed_ns: int = 0


@dataclass
class City:
    """Who knows the incidents, and a clock."""

    troubles: list[Trouble] = field(default_factory=list)
    now_ms: int = START_MS

    def open_and_recent(self) -> Sequence[Incident]:
        return self.troubles

    def clock(self) -> int:
        return self.now_ms * MS


@asynccontextmanager
async def _scene(*troubles: Trouble) -> AsyncIterator[tuple[Grafana, City, Annotations]]:
    city = City(list(troubles))
    async with grafana() as there, connected(there.options()) as client:
        yield there, city, Annotations(client, city, city.clock)


async def test_an_incident_appears_as_a_region_that_carries_its_id() -> None:
    async with _scene(Trouble()) as (there, _, annotations):
        await annotations.reconcile()
        (note,) = there.notes.values()
        assert note == {
            "time": START_MS, "timeEnd": START_MS, "text": "Pasar has no power",
            "tags": ["cityhub", "incident", "incident:1", "critical", "site_dark", "dishub", "pasar"],
        }  # fmt: skip


async def test_a_region_grows_while_the_incident_lasts_and_ends_with_it() -> None:
    async with _scene(Trouble()) as (there, city, annotations):
        await annotations.reconcile()
        city.now_ms += GROW_MS
        await annotations.reconcile()
        assert there.notes[1]["timeEnd"] == START_MS + GROW_MS
        city.troubles[0].closed_ns = (START_MS + 70_000) * MS
        city.now_ms += GROW_MS
        await annotations.reconcile()
        assert there.notes[1]["timeEnd"] == START_MS + 70_000


async def test_nothing_is_sent_when_nothing_has_changed() -> None:
    async with _scene(Trouble()) as (there, city, annotations):
        await annotations.reconcile()
        there.written.clear()
        city.now_ms += GROW_MS - 1
        await annotations.reconcile()
        assert there.written == []


async def test_a_restarted_hub_finds_its_regions_again() -> None:
    async with _scene(Trouble()) as (there, city, annotations):
        await annotations.reconcile()
        city.troubles[0].closed_ns = (START_MS + 5_000) * MS
        async with connected(there.options()) as client:
            await Annotations(client, city, city.clock).reconcile()
        assert [note["timeEnd"] for note in there.notes.values()] == [START_MS + 5_000]


async def test_an_incident_that_came_and_went_while_grafana_was_away_is_caught_up_with() -> None:
    async with _scene() as (there, city, annotations):
        there.answers = lambda _method, _path: (503, {"message": "starting"})
        with pytest.raises(Away):
            await annotations.reconcile()
        city.troubles.append(Trouble(closed_ns=(START_MS + 5_000) * MS))
        there.answers = lambda _method, _path: None
        await annotations.reconcile()
        assert [note["timeEnd"] for note in there.notes.values()] == [START_MS + 5_000]


async def test_a_request_that_failed_after_it_was_carried_out_is_not_repeated() -> None:
    async with _scene(Trouble()) as (there, _, annotations):
        await annotations.reconcile()
        annotations._known.clear()  # as if the answer to the first request had been lost
        annotations._read_ms = 0
        await annotations.reconcile()
        assert len(there.notes) == 1


async def test_what_is_there_twice_is_there_once_afterwards() -> None:
    async with _scene(Trouble()) as (there, _, annotations):
        tags = ["cityhub", "incident", "incident:1"]
        there.notes = {
            5: {"time": START_MS, "tags": tags, "text": "a"},
            6: {"time": START_MS, "tags": tags, "text": "b"},
        }
        await annotations.reconcile()
        assert {key: note["text"] for key, note in there.notes.items()} == {5: "Pasar has no power"}


async def test_a_region_that_somebody_deleted_is_drawn_again() -> None:
    async with _scene(Trouble()) as (there, city, annotations):
        await annotations.reconcile()
        there.notes.clear()
        city.now_ms += READ_AGAIN_MS
        await annotations.reconcile()
        assert len(there.notes) == 1


async def test_a_grafana_that_lost_its_data_gets_the_open_incidents_again() -> None:
    async with _scene(Trouble()) as (there, city, annotations):
        await annotations.reconcile()
        there.notes.clear()
        city.now_ms += GROW_MS
        with pytest.raises(Exception, match="not found"):
            await annotations.reconcile()
        await annotations.reconcile()
        assert len(there.notes) == 1


async def test_annotations_of_others_are_left_alone() -> None:
    async with _scene(Trouble()) as (there, _, annotations):
        there.notes = {9: {"time": 1, "tags": ["deploy"], "text": "theirs"}}
        await annotations.reconcile()
        assert there.notes[9]["text"] == "theirs"
