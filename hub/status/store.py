"""Incidents and how each device last stood, in the registry's database: a restart neither invents nor forgets one.

The running hub alone raises and closes; anybody may acknowledge, here or in another process, and the hub takes it in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from hub.status.base import Cause, Severity
from hub.status.fleet import Standing
from hub.status.incidents import Incident, State
from hub.status.presence import State as Reach
from hub.status.tables import incident, incident_device, presence
from provisioning import audit
from provisioning.database import reading, writing
from provisioning.errors import Unknown, WrongState
from provisioning.tables import device

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, RowMapping

    from provisioning.audit import Actor

MOST_CLOSED: Final = 50_000
"""Incidents that are kept after they were closed, the newest."""
_AT_ONCE: Final = 500
"""Ids in one statement: SQL bounds its parameters."""
_REACH: Final = {state.word: state for state in Reach}
_SET_PRESENCE: Final = (
    update(presence)
    .where(presence.c.device == bindparam("b_device"))
    .values(state=bindparam("state"), since_ns=bindparam("since_ns"), seen_ns=bindparam("seen_ns"))
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a hub left behind: how devices stood, the incidents that matter still, and the next one's number."""

    standings: Mapping[str, Standing]
    incidents: Sequence[Incident]
    next_id: int


class StatusStore:
    """All methods raise StorageProblem when the database cannot be used."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rows: set[str] = set()

    def load(self, closed_since_ns: int) -> Kept:
        """Return what was kept, with the incidents that were closed after `closed_since_ns`; tidy up what is old."""
        with writing(self._engine) as connection:
            connection.execute(delete(presence).where(presence.c.device.not_in(select(device.c.id))))
            _trim(connection)
            standings = {
                row.device: Standing(_REACH[row.state], row.since_ns, row.seen_ns)
                for row in connection.execute(select(presence))
            }
            wanted = (incident.c.closed_ns == 0) | (incident.c.closed_ns > closed_since_ns)
            known = _read(connection, wanted)
            last = connection.scalar(select(func.max(incident.c.id))) or 0
        self._rows = set(standings)
        return Kept(standings, known, last + 1)

    def keep(self, standings: Mapping[str, Standing], incidents: Iterable[Incident]) -> None:
        """Keep what changed, in one transaction."""
        with writing(self._engine) as connection:
            self._keep_presence(connection, standings)
            for one in incidents:
                _write(connection, one)
        self._rows |= standings.keys()

    def acknowledgements(self) -> list[tuple[int, str, int]]:
        """Return (id, who, when) of the open incidents that somebody has taken on."""
        wanted = (incident.c.closed_ns == 0) & (incident.c.acknowledged_ns > incident.c.raised_ns)
        query = select(incident.c.id, incident.c.acknowledged_by, incident.c.acknowledged_ns).where(wanted)
        with reading(self._engine) as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

    def _keep_presence(self, connection: Connection, standings: Mapping[str, Standing]) -> None:
        rows = [
            {"device": name, "state": one.state.word, "since_ns": one.since_ns, "seen_ns": one.seen_ns}
            for name, one in standings.items()
        ]
        if old := [{**row, "b_device": row["device"]} for row in rows if row["device"] in self._rows]:
            connection.execute(_SET_PRESENCE, [{key: row[key] for key in row if key != "device"} for row in old])
        if new := [row for row in rows if row["device"] not in self._rows]:
            connection.execute(insert(presence), new)


class Incidents:
    """The incidents, for those who look at them and take them on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(
        self, *, closed: bool = False, agencies: Collection[str] | None = None, before: int | None = None,
        limit: int = 100,
    ) -> list[Incident]:  # fmt: skip
        """Return incidents, the latest first.

        Args:
            closed: those that are closed as well.
            agencies: only what belongs to these; None: everything, also what belongs to no agency.
            before: only lower ids, to read on from where the last answer ended.
            limit: how many at most.
        """
        wanted: list[ColumnElement[bool]] = [] if closed else [incident.c.closed_ns == 0]
        if agencies is not None:
            wanted.append(incident.c.agency.in_(sorted(agencies)))
        if before is not None:
            wanted.append(incident.c.id < before)
        with reading(self._engine) as connection:
            return _read(connection, *wanted, limit=limit)

    def get(self, incident_id: int) -> Incident:
        """Return one; raises Unknown when there is none."""
        with reading(self._engine) as connection:
            return _one(connection, incident_id)

    def acknowledge(self, incident_id: int, actor: Actor, now_ns: int, by: str = "") -> Incident:
        """Note that somebody has taken an incident on; it is recorded as the actor's. Once more changes nothing.

        Args:
            incident_id: which.
            actor: who says so.
            now_ns: when.
            by: who has taken it on, if that is somebody else.

        Raises:
            Unknown: there is none of that id.
            WrongState: it is closed already.
        """
        with writing(self._engine) as connection:
            found = _one(connection, incident_id)
            if found.state is State.CLOSED:
                raise WrongState(f"The incident {incident_id} is closed: there is nothing left to take on.")
            if found.state is State.OPEN:
                found.acknowledged_ns, found.acknowledged_by = now_ns, by or actor.name
                values = {"acknowledged_ns": now_ns, "acknowledged_by": found.acknowledged_by}
                connection.execute(update(incident).where(incident.c.id == incident_id).values(values))
                detail = {"by": by} if by else {}
                audit.record(connection, now_ns, actor, "incident.acknowledge", f"incident/{incident_id}", detail)
        return found


def _one(connection: Connection, incident_id: int) -> Incident:
    for found in _read(connection, incident.c.id == incident_id):
        return found
    raise Unknown("incident", str(incident_id))


def _read(connection: Connection, *wanted: ColumnElement[bool], limit: int | None = None) -> list[Incident]:
    query = select(incident).where(*wanted).order_by(incident.c.id.desc()).limit(limit)
    found = [_incident(row) for row in connection.execute(query).mappings()]
    by_id = {one.id: one for one in found}
    ids = list(by_id)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        rows = select(incident_device).where(incident_device.c.incident.in_(some)).order_by(incident_device.c.device)
        for number, name in connection.execute(rows):
            by_id[number].devices[name] = None
    return found


def _incident(row: RowMapping) -> Incident:
    fields: dict[str, Any] = dict(row)
    fields["of"] = fields.pop("of_devices")
    return Incident(**{**fields, "cause": Cause(row["cause"]), "severity": Severity(row["severity"])})


def _write(connection: Connection, one: Incident) -> None:
    row = {
        "cause": one.cause, "subject": one.subject, "severity": one.severity, "text": one.text[:1024],
        "site": one.site, "agency": one.agency, "opened_ns": one.opened_ns, "raised_ns": one.raised_ns,
        "closed_ns": one.closed_ns, "times": one.times, "of_devices": one.of, "since_ns": one.since_ns,
    }  # fmt: skip
    if not connection.execute(update(incident).where(incident.c.id == one.id).values(row)).rowcount:
        connection.execute(insert(incident).values(id=one.id, **row))
    known = set(connection.scalars(select(incident_device.c.device).where(incident_device.c.incident == one.id)))
    if new := [{"incident": one.id, "device": name} for name in one.devices if name not in known]:
        connection.execute(insert(incident_device), new)


def _trim(connection: Connection) -> None:
    newest = select(incident.c.id).where(incident.c.closed_ns > 0).order_by(incident.c.id.desc())
    last = connection.scalar(newest.offset(MOST_CLOSED).limit(1))
    if last is not None:
        connection.execute(delete(incident).where((incident.c.closed_ns > 0) & (incident.c.id <= last)))
