"""Enrolment over Secure Transport (RFC 7030, with the corrections of RFC 8951).

A device gets its first certificate for a claim code (HTTP Basic: its id and the code), and each later one for the
certificate that it holds. What can be enrolled and renewed is decided by provisioning; the forms of requests and
answers are in messages.py.
"""

from http import HTTPStatus
from typing import Annotated, Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from fastapi import APIRouter, Depends, HTTPException, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from hub.web.auth import Hub, origin
from hub.web.bodies import RawBody, raw_body_of
from hub.web.est.messages import (
    ATTRIBUTES_TYPE,
    CERTIFICATES_TYPE,
    REQUEST_TYPE,
    attributes_body,
    certificates_body,
    read_body,
)
from hub.web.protocol import client_certificate
from provisioning.approvals import Pending
from provisioning.audit import Actor
from provisioning.csr import read_stated
from provisioning.errors import BadClaim, BadRequest, Refused
from provisioning.issued import Issued

router: Final = APIRouter(prefix="/.well-known/est", tags=["est"])

_TRANSFER: Final = {"Content-Transfer-Encoding": "base64"}  # RFC 8951 lets clients ignore it; older ones look for it
_Responses = dict[int | str, dict[str, Any]]

_GIVES_CERTIFICATES: Final[_Responses] = {200: {"content": {CERTIFICATES_TYPE: {}}}}
_MAY_WAIT: Final[_Responses] = {
    **_GIVES_CERTIFICATES,
    202: {"description": "Waits for approval: the same request again after Retry-After seconds"},
}


_BASIC: Final = HTTPBasic(
    auto_error=False, scheme_name="claim", description="User name: the device's id. Password: its claim code."
)
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="cityhub-est", charset="UTF-8"'}


def presented_certificate(request: Request) -> x509.Certificate:
    """Return the certificate that the client showed; answers 403 when it showed none."""
    certificate = client_certificate(request)
    if certificate is None:
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "Renewal takes the device's present certificate in the TLS handshake: show it."
        )
    return certificate


@router.get("/cacerts", response_class=Response, responses=_GIVES_CERTIFICATES)
def cacerts(hub: Hub) -> Response:
    """Give the certificates to trust: issuing CAs and root."""
    return Response(certificates_body(hub.authority.certificates), headers=_TRANSFER, media_type=CERTIFICATES_TYPE)


@router.get("/csrattrs", response_class=Response, responses={200: {"content": {ATTRIBUTES_TYPE: {}}}})
def csrattrs() -> Response:
    """Tell what a request should hold: a P-256 key, signed with SHA-256."""
    return Response(attributes_body(), headers=_TRANSFER, media_type=ATTRIBUTES_TYPE)


@router.post("/simpleenroll", response_class=Response, responses=_MAY_WAIT, openapi_extra=raw_body_of(REQUEST_TYPE))
def simpleenroll(
    request: Request, hub: Hub, credentials: Annotated[HTTPBasicCredentials | None, Security(_BASIC)], body: RawBody
) -> Response:
    """Exchange a claim code for the device's certificate; 202 while an operator has to approve first."""
    if credentials is None:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "Send the device's id and its claim code.", _CHALLENGE)
    csr = read_body(body)
    if read_stated(csr).device_id != credentials.username:
        raise BadRequest("The request's CN is not the user name: both are the id of the device.")
    claims = hub.claims.acting(_acting(credentials.username, request))
    try:
        outcome = claims.redeem(credentials.password, csr)
    except (BadClaim, Refused) as error:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, str(error), _CHALLENGE) from error
    return _waiting(outcome) if isinstance(outcome, Pending) else _certificate(outcome)


@router.post(
    "/simplereenroll",
    response_class=Response,
    responses=_GIVES_CERTIFICATES,
    openapi_extra=raw_body_of(REQUEST_TYPE),
)
def simplereenroll(
    request: Request, hub: Hub, presented: Annotated[x509.Certificate, Depends(presented_certificate)], body: RawBody
) -> Response:
    """Renew the certificate that the client shows, expired ones within the grace period."""
    name = presented.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    enrolment = hub.enrolment.acting(_acting(str(name), request))
    return _certificate(enrolment.renew(presented, read_body(body), grace_days=hub.grace_days))


def _acting(device_id: str, request: Request) -> Actor:
    """A device that acts for itself; no user's name holds a slash."""
    return Actor(f"device/{device_id}", origin(request))


def _waiting(pending: Pending) -> Response:
    headers = {"Retry-After": str(pending.retry_after_s)}
    text = "An operator has to approve this first: send the same request again.\n"
    return PlainTextResponse(text, HTTPStatus.ACCEPTED, headers)


def _certificate(issued: Issued) -> Response:
    """Answer with the new certificate alone (RFC 7030, section 4.2.3)."""
    certificate = x509.load_pem_x509_certificate(issued.cert_pem)
    return Response(certificates_body([certificate]), headers=_TRANSFER, media_type=CERTIFICATES_TYPE)
