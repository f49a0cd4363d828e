"""REST: incidents."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from hub.web.auth import Caller, Hub
from hub.web.rest.devices import Filter, Limit
from hub.web.rest.reach import agencies_asked
from hub.web.rest.status_models import IncidentView
from hub.web.services import Services
from provisioning.access import Access, check, check_role
from provisioning.errors import Forbidden
from provisioning.records import Contact

router: Final = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])


@router.get("")
def list_incidents(  # noqa: PLR0913, PLR0917 - the filters
    caller: Caller,
    hub: Hub,
    agency: Filter = None,
    closed: Annotated[bool, Query(description="Those that are closed as well")] = False,  # noqa: FBT002 - a parameter of the address
    before: Annotated[int | None, Query(ge=1, description="Only lower ids")] = None,
    limit: Limit = 100,
) -> list[IncidentView]:
    """List the incidents that the caller's agencies are concerned by, the latest first."""
    agencies = agencies_asked(caller, "incident.read", agency)
    contacts = _contacts(hub, caller)
    found = hub.incidents.list(closed=closed, agencies=agencies, before=before, limit=limit)
    return [IncidentView.of(one, contacts.get(one.agency)) for one in found]


@router.get("/{incident_id}")
def show_incident(caller: Caller, hub: Hub, incident_id: int) -> IncidentView:
    """Show an incident."""
    check_role(caller, "incident.read")
    found = hub.incidents.get(incident_id)
    check(caller, "incident.read", found.agency or None)
    return IncidentView.of(found, _contacts(hub, caller).get(found.agency))


@router.post("/{incident_id}/acknowledge")
def acknowledge(caller: Caller, hub: Hub, incident_id: int) -> IncidentView:
    """Take an incident on; once more changes nothing."""
    check_role(caller, "incident.acknowledge")
    check(caller, "incident.acknowledge", hub.incidents.get(incident_id).agency or None)
    found = hub.incidents.acknowledge(incident_id, caller.actor, hub.clock())
    return IncidentView.of(found, _contacts(hub, caller).get(found.agency))


def _contacts(hub: Services, caller: Access) -> dict[str, tuple[str, str]]:
    """Return agency -> whom to call, if the caller may know: the first contact in the order of their ids."""
    try:
        check_role(caller, "contact.read")
    except Forbidden:
        return {}
    return {one.agency: (one.name, one.phone) for one in reversed(hub.registry.all(Contact))}
