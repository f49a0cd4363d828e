"""The application behind the listener for the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.web import crl
from hub.web.est import routes as est
from hub.web.rest import devices, enrolment, events, incidents, life, maintenance, places, record, uplinks
from hub.web.server import build_api, limited

if TYPE_CHECKING:
    from fastapi import FastAPI

    from hub.model import Clock
    from hub.web.options import ApiOptions
    from hub.web.services import Services


def network_api(services: Services, options: ApiOptions, clock: Clock, version: str) -> FastAPI:
    """Return REST, EST and the revocation list in one application with its limits."""
    rest = (devices, life, maintenance, enrolment, places, uplinks, incidents, events, record)
    api = build_api([*(one.router for one in rest), est.router, crl.router], version)
    api.state.services = services
    return limited(api, options, clock)
