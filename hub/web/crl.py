"""The lists of revoked certificates over HTTP, for whoever checks certificates; public as they are."""

import hashlib
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from hub.web.auth import Hub

router: Final = APIRouter(tags=["crl"])

PEM_TYPE: Final = "application/x-pem-file"
DER_TYPE: Final = "application/pkix-crl"  # RFC 2585, section 4.2
_MAX_AGE_S: Final = 300


IfNoneMatch = Annotated[str | None, Header(max_length=1000)]


@router.get("/crl.pem", response_class=Response, responses={200: {"content": {PEM_TYPE: {}}}})
def crl_pem(hub: Hub, if_none_match: IfNoneMatch = None) -> Response:
    """Give the lists of every issuing CA, one after the other."""
    return _cached(hub.lists.current().pem, PEM_TYPE, if_none_match)


@router.get("/crl.der", response_class=Response, responses={200: {"content": {DER_TYPE: {}}}})
def crl_der(hub: Hub, if_none_match: IfNoneMatch = None) -> Response:
    """Give the list of the CA that signs now."""
    return _cached(hub.lists.current().der, DER_TYPE, if_none_match)


def _cached(content: bytes, media_type: str, if_none_match: str | None) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={_MAX_AGE_S}"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
