"""REST: the links of sites to the network."""

from typing import Final

from fastapi import APIRouter

from hub.web.auth import Caller, Hub
from hub.web.rest.devices import After, Filter, Limit
from hub.web.rest.models import Page, UplinkView
from hub.web.rest.reach import agencies_asked
from provisioning.access import check
from provisioning.records import Site, Uplink

router: Final = APIRouter(prefix="/api/v1/uplinks", tags=["uplinks"])


@router.get("")
def list_uplinks(
    caller: Caller, hub: Hub, agency: Filter = None, after: After = "", limit: Limit = 100
) -> Page[UplinkView]:
    """List the uplinks of the sites that the caller reaches, in the order of their ids."""
    asked = agencies_asked(caller, "uplink.read", agency)
    sites = {site.id for site in hub.registry.all(Site) if asked is None or site.agency in asked}
    found = [one for one in hub.registry.all(Uplink) if one.id > after and one.site in sites]
    return Page.of([UplinkView.of(one) for one in found], limit)


@router.get("/{uplink_id}")
def show_uplink(caller: Caller, hub: Hub, uplink_id: str) -> UplinkView:
    """Show an uplink."""
    uplink = hub.registry.get(Uplink, uplink_id)
    check(caller, "uplink.read", hub.registry.get(Site, uplink.site).agency)
    return UplinkView.of(uplink)
