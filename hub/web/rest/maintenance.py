"""REST: work on a device or at a site, and how a device is."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter

from hub.web.auth import Caller, Hub
from hub.web.rest.moments import nanoseconds_of
from hub.web.rest.reach import permitted_device, permitted_site
from hub.web.rest.status_models import MaintenanceNew, PresenceView
from provisioning.errors import WrongState

router: Final = APIRouter(prefix="/api/v1")


@router.get("/devices/{device_id}/presence", tags=["devices"])
def show_presence(caller: Caller, hub: Hub, device_id: str) -> PresenceView:
    """Show whether a device can be reached, and its health."""
    permitted_device(hub, caller, "device.read", device_id)
    seen = hub.presence(device_id)
    if seen is None:
        raise WrongState(f"{device_id!r} is not watched: it is retired, or this hub does not have its profile.")
    return PresenceView.of(device_id, seen)


@router.put("/devices/{device_id}/maintenance", status_code=HTTPStatus.NO_CONTENT, tags=["devices"])
def begin_device(caller: Caller, hub: Hub, device_id: str, body: MaintenanceNew) -> None:
    """Announce work on a device: nothing about it is an alarm until its end; its presence goes on being shown."""
    permitted_device(hub, caller, "device.maintenance", device_id)
    hub.maintenance.acting(caller.actor).begin("device", device_id, nanoseconds_of(body.until), body.reason)


@router.delete("/devices/{device_id}/maintenance", status_code=HTTPStatus.NO_CONTENT, tags=["devices"])
def end_device(caller: Caller, hub: Hub, device_id: str) -> None:
    """End the work on a device now."""
    permitted_device(hub, caller, "device.maintenance", device_id)
    hub.maintenance.acting(caller.actor).end("device", device_id)


@router.put("/sites/{site_id}/maintenance", status_code=HTTPStatus.NO_CONTENT, tags=["sites"])
def begin_site(caller: Caller, hub: Hub, site_id: str, body: MaintenanceNew) -> None:
    """Announce work at a site, which is work on all of its devices."""
    permitted_site(hub, caller, "site.maintenance", site_id)
    hub.maintenance.acting(caller.actor).begin("site", site_id, nanoseconds_of(body.until), body.reason)


@router.delete("/sites/{site_id}/maintenance", status_code=HTTPStatus.NO_CONTENT, tags=["sites"])
def end_site(caller: Caller, hub: Hub, site_id: str) -> None:
    """End the work at a site now."""
    permitted_site(hub, caller, "site.maintenance", site_id)
    hub.maintenance.acting(caller.actor).end("site", site_id)
