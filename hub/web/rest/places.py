"""REST: agencies and sites."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from hub.web.auth import Caller, Hub
from hub.web.rest.devices import After, Filter, Limit
from hub.web.rest.models import AgencyChange, AgencyNew, AgencyView, Page, SiteChange, SiteNew, SiteView
from hub.web.rest.reach import agencies_asked, permitted_site
from provisioning.access import check, check_role
from provisioning.records import Agency, Site

router: Final = APIRouter(prefix="/api/v1")


@router.get("/agencies", tags=["agencies"])
def list_agencies(caller: Caller, hub: Hub, after: After = "", limit: Limit = 100) -> Page[AgencyView]:
    """List the agencies that the caller reaches, in the order of their ids."""
    check_role(caller, "agency.read")
    found = [one for one in hub.registry.all(Agency) if one.id > after and caller.covers(one.id)]
    return Page.of([AgencyView.of(one) for one in found], limit)


@router.post("/agencies", status_code=HTTPStatus.CREATED, tags=["agencies"])
def add_agency(caller: Caller, hub: Hub, body: AgencyNew, response: Response) -> AgencyView:
    """Add an agency; this is for those who answer for the whole city."""
    check(caller, "agency.add", None)
    new = Agency(**body.changes())
    hub.registry.acting(caller.actor).add(new)
    response.headers["Location"] = f"{router.prefix}/agencies/{new.id}"
    return AgencyView.of(new)


@router.get("/agencies/{agency_id}", tags=["agencies"])
def show_agency(caller: Caller, hub: Hub, agency_id: str) -> AgencyView:
    """Show an agency."""
    check(caller, "agency.read", agency_id)
    return AgencyView.of(hub.registry.get(Agency, agency_id))


@router.patch("/agencies/{agency_id}", tags=["agencies"])
def change_agency(caller: Caller, hub: Hub, agency_id: str, body: AgencyChange) -> AgencyView:
    """Change what is given."""
    check(caller, "agency.update", agency_id)
    changed = replace(hub.registry.get(Agency, agency_id), **body.changes())
    hub.registry.acting(caller.actor).update(changed)
    return AgencyView.of(changed)


@router.get("/sites", tags=["sites"])
def list_sites(
    caller: Caller, hub: Hub, agency: Filter = None, after: After = "", limit: Limit = 100
) -> Page[SiteView]:
    """List the sites that the caller reaches, in the order of their ids."""
    asked = agencies_asked(caller, "site.read", agency)
    found = [one for one in hub.registry.all(Site) if one.id > after and (asked is None or one.agency in asked)]
    return Page.of([SiteView.of(one) for one in found], limit)


@router.post("/sites", status_code=HTTPStatus.CREATED, tags=["sites"])
def add_site(caller: Caller, hub: Hub, body: SiteNew, response: Response) -> SiteView:
    """Add a site."""
    check(caller, "site.add", body.agency)
    new = Site(**body.changes())
    hub.registry.acting(caller.actor).add(new)
    response.headers["Location"] = f"{router.prefix}/sites/{new.id}"
    return SiteView.of(new)


@router.get("/sites/{site_id}", tags=["sites"])
def show_site(caller: Caller, hub: Hub, site_id: str) -> SiteView:
    """Show a site."""
    return SiteView.of(permitted_site(hub, caller, "site.read", site_id))


@router.patch("/sites/{site_id}", tags=["sites"])
def change_site(caller: Caller, hub: Hub, site_id: str, body: SiteChange) -> SiteView:
    """Change what is given. Another agency also gets the site's devices that have none of their own."""
    changed = replace(permitted_site(hub, caller, "site.update", site_id), **body.changes())
    check(caller, "site.update", changed.agency)
    hub.registry.acting(caller.actor).update(changed)
    return SiteView.of(changed)
