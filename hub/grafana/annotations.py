"""Incidents as regions in every graph: raised, grown while they last, ended; never twice, whatever restarts.

Each annotation carries its incident's id as a tag, so Grafana itself is the memory: what is there is read again after
every failure, and now and then. An incident that was closed while Grafana was away is made up for as long as the
source still tells of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from hub.grafana.errors import GrafanaError
from hub.grafana.shapes import ANNOTATIONS, MADE, Annotation, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.grafana.client import Client
    from hub.model import Clock

TAGS: Final = ("cityhub", "incident")
_MARK: Final = "incident:"
GROW_MS: Final = 60_000
"""How often the region of an open incident is drawn longer."""
READ_AGAIN_MS: Final = 600_000
"""How often Grafana is asked what it has, in case somebody deleted one."""
_MOST: Final = "5000"
_MS: Final = 1_000_000

Json = dict[str, Any]


class Incident(Protocol):
    """What is needed of an incident; times in nanoseconds UTC, `closed_ns` is 0 while it is open."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def cause(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> str: ...  # noqa: D102
    @property
    def agency(self) -> str: ...  # noqa: D102
    @property
    def site(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def opened_ns(self) -> int: ...  # noqa: D102
    @property
    def closed_ns(self) -> int: ...  # noqa: D102


class Incidents(Protocol):
    """Who knows the incidents."""

    def open_and_recent(self) -> Sequence[Incident]:
        """Return those that are open, and those that were closed not long ago; each once."""


class Annotations:
    """Keeps Grafana's annotations true to the incidents."""

    def __init__(self, client: Client, incidents: Incidents, clock: Clock) -> None:
        self._client = client
        self._incidents = incidents
        self._clock = clock
        self._known: dict[int, Annotation] = {}
        self._read_ms = 0

    async def reconcile(self) -> None:
        """Raise, grow and end regions as the incidents demand.

        Raises:
            GrafanaError: what was not done is done by the next call.
        """
        now_ms = self._clock() // _MS
        incidents = self._incidents.open_and_recent()
        try:
            if now_ms - self._read_ms >= READ_AGAIN_MS:
                await self._read(incidents, now_ms)
            for incident in incidents:
                await self._follow(incident, now_ms)
        except GrafanaError:
            self._read_ms = 0  # a request that failed may have been carried out: look before repeating it
            raise
        told = {incident.id for incident in incidents}
        self._known = {name: there for name, there in self._known.items() if name in told}

    async def _read(self, incidents: Sequence[Incident], now_ms: int) -> None:
        """Learn what Grafana has, and delete what is there twice."""
        since = min((incident.opened_ns // _MS for incident in incidents), default=now_ms)
        path = "/api/annotations?" + "&".join(f"tags={tag}" for tag in TAGS)
        window = {"from": str(since - 1), "to": str(now_ms + GROW_MS)}
        found = await self._client.get(ANNOTATIONS, path, limit=_MOST, **window)
        self._known = {}
        for there in sorted(found, key=lambda one: one.id):
            name = _incident_of(there)
            if name is not None and self._known.setdefault(name, there) is not there:
                await self._client.send("DELETE", f"/api/annotations/{there.id}")
        self._read_ms = now_ms

    async def _follow(self, incident: Incident, now_ms: int) -> None:
        there = self._known.get(incident.id)
        end = incident.closed_ns // _MS or now_ms
        if there is None:
            made = read(MADE, await self._client.send("POST", "/api/annotations", _annotation(incident, end)))
            self._known[incident.id] = Annotation(id=made.id, timeEnd=end, text=incident.text)
        elif _is_behind(there, incident, end):
            change = {"timeEnd": end, "text": incident.text}
            await self._client.send("PATCH", f"/api/annotations/{there.id}", change)
            there.timeEnd, there.text = end, incident.text


def _is_behind(there: Annotation, incident: Incident, end: int) -> bool:
    overdue = there.timeEnd != end if incident.closed_ns else end - there.timeEnd >= GROW_MS
    return overdue or there.text != incident.text


def _annotation(incident: Incident, end: int) -> Json:
    about = (incident.severity, incident.cause, incident.agency, incident.site)
    tags = [*TAGS, f"{_MARK}{incident.id}", *(word for word in about if word)]
    return {"time": incident.opened_ns // _MS, "timeEnd": end, "tags": tags, "text": incident.text}


def _incident_of(annotation: Annotation) -> int | None:
    marks = [tag.removeprefix(_MARK) for tag in annotation.tags if tag.startswith(_MARK)]
    return int(marks[0]) if marks and re.fullmatch(r"[0-9]{1,18}", marks[0]) else None
