"""REST: ways to a certificate other than EST, and the operator's decisions."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from hub.web.auth import Caller, Hub
from hub.web.bodies import RawBody, raw_body_of
from hub.web.est.messages import read_body
from hub.web.rest.models import ApprovalView, Approve, ClaimCode, ClaimNew, Refuse
from hub.web.rest.reach import permitted_device
from provisioning.access import check_role

router: Final = APIRouter(prefix="/api/v1", tags=["enrolment"])

CHAIN_TYPE: Final = "application/pem-certificate-chain"  # RFC 8555, section 9.1


@router.post(
    "/devices/{device_id}/certificate",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses={201: {"content": {CHAIN_TYPE: {}}}},
    openapi_extra=raw_body_of("application/pkcs10", "application/x-pem-file"),
)
def issue(caller: Caller, hub: Hub, device_id: str, body: RawBody) -> Response:
    """Issue a certificate for a signing request (PKCS #10: PEM, DER or base64), with the issuing CA's, PEM.

    Where the agency demands an approval, only those who could give one may ask; others go by a claim code.
    """
    permitted_device(hub, caller, "certificate.issue", device_id)
    if hub.approvals.required(device_id):
        check_role(caller, "approval.decide")
    issued = hub.enrolment.acting(caller.actor).issue_from_csr(device_id, read_body(body))
    return Response(issued.presented_pem, HTTPStatus.CREATED, media_type=CHAIN_TYPE)


@router.post("/devices/{device_id}/claim", status_code=HTTPStatus.CREATED)
def claim(caller: Caller, hub: Hub, device_id: str, body: ClaimNew, response: Response) -> ClaimCode:
    """Make a claim code for a device; the one that it had before is void."""
    permitted_device(hub, caller, "claim.create", device_id)
    response.headers["Cache-Control"] = "no-store"
    code = hub.claims.acting(caller.actor).create(device_id, days=body.days, attempts=body.attempts)
    return ClaimCode(device=device_id, code=code)


@router.delete("/devices/{device_id}/claim", status_code=HTTPStatus.NO_CONTENT)
def withdraw(caller: Caller, hub: Hub, device_id: str) -> None:
    """Make a device's claim code void, if it has one."""
    permitted_device(hub, caller, "claim.revoke", device_id)
    hub.claims.acting(caller.actor).withdraw(device_id)


@router.get("/approvals")
def list_approvals(caller: Caller, hub: Hub) -> list[ApprovalView]:
    """List the devices that wait for an operator, the one that has waited longest first."""
    check_role(caller, "approval.read")
    return [ApprovalView.of(one) for one in hub.approvals.list() if caller.covers(one.agency)]


@router.post("/approvals/{device_id}/approve", status_code=HTTPStatus.NO_CONTENT)
def approve(caller: Caller, hub: Hub, device_id: str, body: Approve) -> None:
    """Let a device have its certificate when it asks again."""
    permitted_device(hub, caller, "approval.decide", device_id)
    hub.approvals.acting(caller.actor).approve(device_id, body.key_fingerprint)


@router.post("/approvals/{device_id}/refuse", status_code=HTTPStatus.NO_CONTENT)
def refuse(caller: Caller, hub: Hub, device_id: str, body: Refuse) -> None:
    """Refuse a device its certificate."""
    permitted_device(hub, caller, "approval.decide", device_id)
    hub.approvals.acting(caller.actor).refuse(device_id, body.key_fingerprint, body.reason)
