"""Who asks: a user's API token becomes what that user may do."""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hub.web.services import Services
from provisioning.access import Access
from provisioning.errors import NotAuthenticated

_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="token", description="An API token: cityhub_<id>_<secret>.")


def services(request: Request) -> Services:
    """Return the service layer that the application was built on."""
    found: Services = request.app.state.services
    return found


Hub = Annotated[Services, Depends(services)]
"""The service layer, acting for nobody yet."""


def origin(request: Request) -> str:
    """Return where a request comes from, for the audit log."""
    return request.client.host if request.client else "unknown"


def authenticated(
    request: Request, hub: Hub, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> Access:
    """Return what the holder of the request's token may do.

    Raises:
        NotAuthenticated: there is no token, or it is not valid.
    """
    if credentials is None:
        raise NotAuthenticated("This needs an API token: send it as `Authorization: Bearer <token>`.")
    return hub.users.authenticate_token(credentials.credentials, origin(request))


Caller = Annotated[Access, Depends(authenticated)]
"""What whoever asks may do; asking for it makes a route refuse the anonymous."""
