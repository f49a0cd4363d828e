"""REST: what happens to a device in its life."""

from typing import Final

from fastapi import APIRouter

from hub.web.auth import Caller, Hub
from hub.web.rest.models import DeviceView, Move, Replace, Retire, Revoke, RevokedView, Transfer
from hub.web.rest.reach import permitted_device
from provisioning.access import check
from provisioning.records import Lifecycle

router: Final = APIRouter(prefix="/api/v1/devices/{device_id}", tags=["devices"])


@router.post("/revoke")
def revoke(caller: Caller, hub: Hub, device_id: str, body: Revoke) -> RevokedView:
    """Revoke all certificates of a device, and its claim code; the broker throws it out."""
    permitted_device(hub, caller, "certificate.revoke", device_id)
    return RevokedView(revoked=hub.revocation.acting(caller.actor).revoke(device_id, body.reason, body.note))


@router.post("/retire")
def retire(caller: Caller, hub: Hub, device_id: str, body: Retire) -> RevokedView:
    """Take a device out of service for good; its certificates are revoked, its past stays."""
    permitted_device(hub, caller, "device.retire", device_id)
    return RevokedView(revoked=hub.life.acting(caller.actor).retire(device_id, body.note))


@router.post("/transfer")
def transfer(caller: Caller, hub: Hub, device_id: str, body: Transfer) -> DeviceView:
    """Hand a device to another agency; this takes leave of both."""
    permitted_device(hub, caller, "device.transfer", device_id)
    check(caller, "device.transfer", body.agency)
    return DeviceView.of(hub.life.acting(caller.actor).transfer(device_id, body.agency))


@router.post("/replace")
def replace(caller: Caller, hub: Hub, device_id: str, body: Replace) -> DeviceView:
    """Put new hardware in the place of the old; the old one's certificates are revoked."""
    permitted_device(hub, caller, "device.replace", device_id)
    return DeviceView.of(hub.life.acting(caller.actor).replace_hardware(device_id, body.serial, body.imei))


@router.post("/lifecycle")
def move(caller: Caller, hub: Hub, device_id: str, body: Move) -> DeviceView:
    """Move a device on in its life; whoever may retire a device may also register it again."""
    device = permitted_device(hub, caller, "device.lifecycle", device_id)
    if device.lifecycle is Lifecycle.RETIRED:
        permitted_device(hub, caller, "device.retire", device_id)
    hub.registry.acting(caller.actor).move_device(device_id, Lifecycle(body.to))
    return DeviceView.of(hub.registry.device(device_id))
