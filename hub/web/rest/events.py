"""REST: events that other agencies' applications post; they appear beside the devices' own."""

from http import HTTPStatus
from typing import Final
from zlib import crc32

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool

from hub.decode.line import tag_set
from hub.decode.time_rule import AHEAD, EARLIEST
from hub.model import Lines
from hub.status.lines import fields_line
from hub.web.auth import Caller, Hub
from hub.web.rest.moments import nanoseconds_of
from hub.web.rest.status_models import EventNew, EventTaken
from hub.web.services import Services
from provisioning.access import Access, check, check_role
from provisioning.clock import utc
from provisioning.errors import InvalidIdentity
from provisioning.records import Agency, Site

router: Final = APIRouter(prefix="/api/v1/events", tags=["events"])
_RETRY_S: Final = "5"


@router.post("", status_code=HTTPStatus.CREATED)
async def add_event(caller: Caller, hub: Hub, body: EventNew) -> EventTaken:
    """Tell what happened: place, time, kind and text. The same event posted again at the same time is one event."""
    check_role(caller, "event.add")
    agency = await run_in_threadpool(_agency, hub, caller, body)
    time_ns = _time_of(body, hub.clock(), hub.keep_ns)
    if not hub.write(Lines(_line(body, agency, caller, time_ns))):
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "There is no room now.", {"Retry-After": _RETRY_S})
    return EventTaken(time=utc(time_ns), agency=agency, site=body.site)


def _agency(hub: Services, caller: Access, body: EventNew) -> str | None:
    """Return whose event it is: as told, the site's, or the caller's own if there is but one."""
    site = None if body.site is None else hub.registry.get(Site, body.site)
    named = body.agency or (site.agency if site else None)
    if named is None and caller.agencies is not None and len(caller.agencies) == 1:
        named = next(iter(caller.agencies))
    if body.agency is not None:
        hub.registry.get(Agency, body.agency)
    check(caller, "event.add", named)
    return named


def _time_of(body: EventNew, now_ns: int, keep_ns: int) -> int:
    """Return when it happened, by the rule that holds for devices (docs/contracts.md, Time)."""
    if body.time is None:
        return now_ns
    time_ns = nanoseconds_of(body.time)
    if not max(EARLIEST, now_ns - keep_ns) <= time_ns <= now_ns + AHEAD:
        raise InvalidIdentity(
            f"The time {body.time.isoformat()} is ahead, or older than what is kept: check the clock."
        )
    return time_ns


def _line(body: EventNew, agency: str | None, caller: Access, time_ns: int) -> str:
    """Two events of the same time are kept apart by their content, as devices' are."""
    fields: dict[str, int | float | str] = {"name": body.kind, "severity": body.severity.value, "text": body.text}
    fields |= {name: float(value) for name, value in (("lat", body.lat), ("lon", body.lon)) if value is not None}
    fields["reporter"] = caller.actor.name
    apart = crc32(repr(sorted(fields.items())).encode()) % 1_000_000
    tags = tag_set([("agency", agency or ""), ("site", body.site or "")])
    return fields_line("event", tags, fields, time_ns // 1_000_000 * 1_000_000 + apart)
