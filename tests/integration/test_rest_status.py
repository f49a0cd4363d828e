"""Incidents, presence, maintenance and events over REST, as programs with a token use them."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hub.status.base import Cause, Trouble
from hub.status.core import Presence
from hub.status.incidents import IncidentBook
from hub.status.presence import State
from hub.status.store import StatusStore
from hub.web.api import network_api
from hub.web.options import ApiOptions
from provisioning.access import Role
from provisioning.records import Contact
from tests.unit.decode.line_protocol import parse_lines
from tests.webhub import web_hub
from tests.webserver import Client, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.model import Lines
    from tests.webhub import WebHub

INCIDENTS, EVENTS = "/api/v1/incidents", "/api/v1/events"
SECOND = 10**9
FLOOD = {"kind": "flood_report", "text": "Water on the road", "severity": "warning", "site": "pasar", "lat": -7.3,
         "lon": 109.3}  # fmt: skip


class Running:
    """A hub's REST over the registry of `hub`, with a database that takes lines while there is room."""

    def __init__(self, hub: WebHub) -> None:
        self.hub = hub
        self.lines: list[str] = []
        self.room = True

    def write(self, lines: Lines) -> bool:
        if self.room:
            self.lines.append(lines.text)
        return self.room

    @asynccontextmanager
    async def client(self, role: Role, *agencies: str) -> AsyncIterator[Client]:
        """Return a client of a new user."""
        seen = {"cam-1": Presence(State.STALE, "active", 1_790_000_000 * SECOND, 0, 60, "silent; video loss")}
        services = replace(self.hub.services, write=self.write, presence=seen.get)
        api = network_api(services, ApiOptions(requests_per_minute=100_000), time.time_ns, "1")
        headers = {"Authorization": f"Bearer {self.hub.token(role, *agencies)}"}
        async with (
            client_of(api) as plain,
            aiohttp.ClientSession(f"http://127.0.0.1:{plain.port}", headers=headers) as session,
        ):
            yield Client(session, plain.port)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """Two incidents that are open: one of bpbd's site, and one of the whole city."""
    async with web_hub(tmp_path) as hub:
        hub.services.registry.add(Contact("budi", "bpbd", "Budi", "+628123456789"))
        hub.add_device("cam-1")
        book = IncidentBook(0)
        book.raised(
            Trouble(Cause.SITE_SILENT, "site/pasar", "3 of 3", site="pasar", agency="bpbd", devices=("a", "b")),
            time.time_ns(),
        )
        book.raised(Trouble(Cause.HUB_UNWELL, "hub/broker", "gone"), time.time_ns())
        StatusStore(hub.services.engine).keep({}, book.take_changed())
        yield Running(hub)


async def test_a_viewer_sees_the_incidents_of_its_agencies_without_phone_numbers(running: Running) -> None:
    async with running.client(Role.VIEWER, "bpbd") as viewer:
        [seen] = (await viewer.get(INCIDENTS)).json
        assert (seen["id"], seen["cause"], seen["state"], seen["devices"]) == (1, "site_silent", "open", ["a", "b"])
        assert (seen["phone"], seen["acknowledged"]) == (None, None)
        assert (await viewer.get(f"{INCIDENTS}/1")).json == seen
        assert (await viewer.get(f"{INCIDENTS}/2")).status == 403
        assert (await viewer.get(f"{INCIDENTS}/3")).status == 404
        assert (await viewer.get(INCIDENTS, params={"agency": "dishub"})).status == 403
        assert (await viewer.post(f"{INCIDENTS}/1/acknowledge")).status == 403


async def test_an_operator_takes_an_incident_on_and_sees_whom_to_call(running: Running) -> None:
    async with running.client(Role.OPERATOR, "bpbd") as operator:
        taken = (await operator.post(f"{INCIDENTS}/1/acknowledge")).json
        assert (taken["state"], taken["acknowledged_by"], taken["phone"]) == (
            "acknowledged",
            "operator-bpbd",
            "+628123456789",
        )
        assert (await operator.get(f"{INCIDENTS}/1")).json == taken
        assert (await operator.post(f"{INCIDENTS}/2/acknowledge")).status == 403
    [row] = running.hub.record("incident/1")
    assert (row.actor, row.action) == ("operator-bpbd", "incident.acknowledge")


async def test_the_whole_citys_operator_sees_all(running: Running) -> None:
    async with running.client(Role.OPERATOR) as operator:
        assert [one["id"] for one in (await operator.get(INCIDENTS)).json] == [2, 1]
        assert [one["id"] for one in (await operator.get(INCIDENTS, params={"before": "2"})).json] == [1]


async def test_the_presence_of_a_device_is_shown(running: Running) -> None:
    running.hub.add_device("cam-2")
    async with running.client(Role.VIEWER) as viewer:
        assert (await viewer.get("/api/v1/devices/cam-1/presence")).json == {
            "device": "cam-1", "state": "stale", "lifecycle": "active", "since": "2026-09-21T14:13:20Z",
            "last_seen": None, "health": 60, "reasons": ["silent", "video loss"],
        }  # fmt: skip
        assert (await viewer.get("/api/v1/devices/cam-2/presence")).status == 409
        assert (await viewer.get("/api/v1/devices/cam-3/presence")).status == 404


async def test_a_technician_announces_maintenance(running: Running) -> None:
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    work = {"until": until, "reason": "new lens"}
    async with running.client(Role.TECHNICIAN, "dishub") as technician:
        address = "/api/v1/devices/cam-1/maintenance"
        assert (await technician.request("PUT", address, json=work)).status == 204
        assert running.hub.services.registry.device("cam-1").maintenance_reason == "new lens"
        assert (await technician.request("DELETE", address)).status == 204
        assert running.hub.services.registry.device("cam-1").maintenance_until_ns is None
        assert (await technician.request("PUT", address, json=work | {"until": until[:-1]})).status == 422
        assert (await technician.request("PUT", address, json=work | {"until": "2020-01-01T00:00:00Z"})).status == 422
        assert (await technician.request("PUT", "/api/v1/sites/pasar/maintenance", json=work)).status == 403


async def test_a_reporter_posts_an_event_and_may_do_nothing_else(running: Running) -> None:
    async with running.client(Role.REPORTER, "bpbd") as reporter:
        answer = await reporter.post(EVENTS, json=FLOOD)
        assert (answer.status, answer.json["agency"], answer.json["site"]) == (201, "bpbd", "pasar")
        assert (await reporter.get(INCIDENTS)).status == 403
        assert (await reporter.get("/api/v1/devices")).status == 403
    [line] = running.lines
    [(name, tags, fields, _)] = parse_lines(line)
    assert (name, tags) == ("event", {"agency": "bpbd", "site": "pasar"})
    assert fields == {"name": "flood_report", "severity": "warning", "text": "Water on the road", "lat": -7.3,
                      "lon": 109.3, "reporter": "reporter-bpbd"}  # fmt: skip


async def test_the_same_event_again_is_the_same_point(running: Running) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    async with running.client(Role.REPORTER, "bpbd") as reporter:
        for _ in range(2):
            await reporter.post(EVENTS, json=FLOOD | {"time": moment})
        await reporter.post(EVENTS, json=FLOOD | {"time": moment, "text": "Another road"})
    assert len(set(running.lines)) == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "Flood report"}, 422),
        ({"text": ""}, 422),
        ({"text": "x" * 1001}, 422),
        ({"severity": "dreadful"}, 422),
        ({"site": "ghost"}, 422),
        ({"agency": "ghost"}, 422),
        ({"agency": "dishub"}, 403),
        ({"lat": 91}, 422),
        ({"time": "2019-12-31T00:00:00Z"}, 422),
        ({"time": "2026-01-01T00:00:00"}, 422),
        ({"time": "2990-01-01T00:00:00Z"}, 422),
        ({"colour": "red"}, 422),
    ],
)
async def test_an_event_that_cannot_be_is_refused(running: Running, change: dict[str, Any], status: int) -> None:
    async with running.client(Role.REPORTER, "bpbd") as reporter:
        answer = await reporter.post(EVENTS, json=FLOOD | change)
        assert (answer.status, answer.problem["status"]) == (status, status)
    assert running.lines == []


async def test_an_event_for_which_there_is_no_room_is_not_promised(running: Running) -> None:
    running.room = False
    async with running.client(Role.REPORTER) as reporter:
        answer = await reporter.post(EVENTS, json=FLOOD)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
