"""REST: devices and their certificates."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from hub.web.auth import Caller, Hub
from hub.web.rest.models import CertificateView, DeviceChange, DeviceNew, DeviceView, Page
from hub.web.rest.reach import agencies_asked, agency_of, permitted_device
from hub.web.services import Services
from provisioning.access import check, check_role
from provisioning.errors import InvalidIdentity, WrongState
from provisioning.records import NewDevice

router: Final = APIRouter(prefix="/api/v1/devices", tags=["devices"])

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most")]
After = Annotated[str, Query(max_length=64, description="`next` of the answer before")]
Filter = Annotated[str | None, Query(max_length=64)]


@router.get("")
def list_devices(  # noqa: PLR0913, PLR0917 - the filters
    caller: Caller,
    hub: Hub,
    agency: Filter = None,
    site: Filter = None,
    zone: Filter = None,
    profile: Filter = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[DeviceView]:
    """List the devices that match all that is given, in the order of their ids."""
    agencies = agencies_asked(caller, "device.read", agency)
    found = hub.registry.page(after, limit + 1, agencies=agencies, site=site, zone=zone, profile=profile)
    return Page.of([DeviceView.of(one) for one in found], limit)


@router.post("", status_code=HTTPStatus.CREATED)
def add_device(caller: Caller, hub: Hub, body: DeviceNew, response: Response) -> DeviceView:
    """Register a device."""
    check_role(caller, "device.add")
    _check_profile(hub, body.profile)
    new = NewDevice(**body.changes())
    check(caller, "device.add", agency_of(hub, new))
    response.headers["Location"] = f"{router.prefix}/{new.id}"
    return DeviceView.of(hub.registry.acting(caller.actor).add_device(new))


@router.get("/{device_id}")
def show_device(caller: Caller, hub: Hub, device_id: str) -> DeviceView:
    """Show a device."""
    return DeviceView.of(permitted_device(hub, caller, "device.read", device_id))


@router.patch("/{device_id}")
def change_device(caller: Caller, hub: Hub, device_id: str, body: DeviceChange) -> DeviceView:
    """Change what is given, but not whose the device is: that is a transfer."""
    device = permitted_device(hub, caller, "device.update", device_id)
    changes = body.changes()
    if "profile" in changes:
        _check_profile(hub, changes["profile"])
    if agency_of(hub, replace(device, **changes)) != agency_of(hub, device):
        raise WrongState(f"This would give {device_id!r} to another agency: transfer it first, then change the rest.")
    return DeviceView.of(hub.registry.acting(caller.actor).update_device(device_id, **changes))


@router.delete("/{device_id}", status_code=HTTPStatus.NO_CONTENT)
def remove_device(caller: Caller, hub: Hub, device_id: str) -> None:
    """Remove a device that never held a certificate; others are retired."""
    permitted_device(hub, caller, "device.remove", device_id)
    hub.registry.acting(caller.actor).remove_device(device_id)


@router.get("/{device_id}/certificates")
def list_certificates(caller: Caller, hub: Hub, device_id: str) -> list[CertificateView]:
    """List the certificates that were issued to a device, the latest first."""
    permitted_device(hub, caller, "certificate.read", device_id)
    return [CertificateView.of(record) for record in hub.registry.certificates(device_id)]


def _check_profile(hub: Services, name: str) -> None:
    if name not in hub.profiles:
        raise InvalidIdentity(f"There is no profile {name!r}: use one of {', '.join(sorted(hub.profiles))}.")
