"""Incidents as regions in every graph: raised, grown while they last, ended; never twice, whatever restarts.

Each annotation carries its incident's id as a tag, so Grafana itself is the memory: what is there is read again after
every failure, and now and then. An incident that was closed while Grafana was away is made up for as long as the
source still tells of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from hub.grafana.client import list_of, object_of
from hub.grafana.errors import GrafanaError

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
        self._known: dict[int, Json] = {}
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
        found = list_of(
            await self._client.find(path, limit=_MOST, **{"from": str(since - 1), "to": str(now_ms + GROW_MS)})
        )
        self._known = {}
        for there in sorted(found, key=lambda one: int(one["id"])):
            name = _incident_of(there)
            if name is not None and self._known.setdefault(name, there) is not there:
                await self._client.send("DELETE", f"/api/annotations/{there['id']}")
        self._read_ms = now_ms

    async def _follow(self, incident: Incident, now_ms: int) -> None:
        there = self._known.get(incident.id)
        end = incident.closed_ns // _MS or now_ms
        if there is None:
            made = object_of(await self._client.send("POST", "/api/annotations", _annotation(incident, end)))
            self._known[incident.id] = {"id": made["id"], "timeEnd": end, "text": incident.text}
        elif _is_behind(there, incident, end):
            change = {"timeEnd": end, "text": incident.text}
            await self._client.send("PATCH", f"/api/annotations/{there['id']}", change)
            there.update(change)


def _is_behind(there: Json, incident: Incident, end: int) -> bool:
    drawn = int(there.get("timeEnd") or 0)
    overdue = drawn != end if incident.closed_ns else end - drawn >= GROW_MS
    return overdue or there.get("text") != incident.text


def _annotation(incident: Incident, end: int) -> Json:
    about = (incident.severity, incident.cause, incident.agency, incident.site)
    tags = [*TAGS, f"{_MARK}{incident.id}", *(word for word in about if word)]
    return {"time": incident.opened_ns // _MS, "timeEnd": end, "tags": tags, "text": incident.text}


def _incident_of(annotation: Json) -> int | None:
    marks = [str(tag).removeprefix(_MARK) for tag in annotation.get("tags") or [] if str(tag).startswith(_MARK)]
    return int(marks[0]) if marks and marks[0].isdecimal() else None
