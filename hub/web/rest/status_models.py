"""What the REST resources of status take and give: presence, maintenance, incidents, and events of others."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from hub.status.base import Cause, Severity
from hub.status.core import Presence
from hub.status.incidents import Incident, State
from hub.web.rest.models import Body
from provisioning.clock import utc


class MaintenanceNew(Body):
    """Work on a device or at a site: nothing about it is an alarm until its end."""

    until: Annotated[datetime, Field(strict=False)] = Field(description="RFC 3339, with a time zone; within 30 days")
    reason: str = Field(min_length=1, max_length=200)


class PresenceView(BaseModel):
    """How a device is, as the hub knows; times are null when there was none."""

    device: str
    state: Literal["never_seen", "online", "stale", "offline", "unknown"]
    lifecycle: str
    since: datetime | None
    last_seen: datetime | None
    health: int = Field(description="0 to 100")
    reasons: list[str] = Field(description="Why it is not 100, in words")

    @classmethod
    def of(cls, device: str, seen: Presence) -> Self:
        """Show a device's presence."""
        return cls(
            device=device,
            state=seen.state.word,
            lifecycle=seen.lifecycle,
            since=_moment(seen.since_ns),
            last_seen=_moment(seen.last_seen_ns),
            health=seen.health,
            reasons=seen.reasons.split("; ") if seen.reasons else [],
        )


class IncidentView(BaseModel):
    """Something that somebody must look at."""

    id: int
    state: State
    cause: Cause
    subject: str = Field(description="What it befalls, e.g. site/pasar or device/cam-1")
    severity: Severity
    text: str
    site: str | None
    agency: str | None
    devices: list[str] = Field(description="The devices concerned")
    since: datetime
    opened: datetime
    closed: datetime | None
    acknowledged: datetime | None
    acknowledged_by: str | None
    times: int = Field(description="How often it was raised: one that returns soon is the same one")
    contact: str | None = Field(description="Whom to call, if the caller may know")
    phone: str | None

    @classmethod
    def of(cls, incident: Incident, contact: tuple[str, str] | None) -> Self:
        """Show an incident, and whom to call."""
        taken_on = incident.acknowledged_ns > incident.raised_ns
        return cls(
            id=incident.id,
            state=incident.state,
            cause=incident.cause,
            subject=incident.subject,
            severity=incident.severity,
            text=incident.text,
            site=incident.site or None,
            agency=incident.agency or None,
            devices=list(incident.devices),
            since=utc(incident.since_ns),
            opened=utc(incident.opened_ns),
            closed=_moment(incident.closed_ns),
            acknowledged=utc(incident.acknowledged_ns) if taken_on else None,
            acknowledged_by=incident.acknowledged_by if taken_on else None,
            times=incident.times,
            contact=contact[0] if contact else None,
            phone=contact[1] if contact else None,
        )


class EventNew(Body):
    """What another agency's application has to tell: a citizen's report, a call to the police."""

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="What happened, in a word, e.g. flood_report")
    text: str = Field(min_length=1, max_length=1000, description="What happened, in a sentence")
    severity: Annotated[Severity, Field(strict=False)] = Severity.INFO
    time: Annotated[datetime | None, Field(strict=False)] = Field(
        default=None, description="RFC 3339, with a time zone; now when left out"
    )
    agency: str | None = Field(default=None, description="Whose event it is; left out: the site's, or the caller's own")
    site: str | None = Field(default=None, description="Where, if at a registered site")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None


class EventTaken(BaseModel):
    """What was stored."""

    time: datetime
    agency: str | None
    site: str | None


def _moment(ns: int) -> datetime | None:
    return utc(ns) if ns else None
