"""REST: the audit log."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from hub.web.auth import Caller, Hub
from hub.web.rest.devices import Limit
from hub.web.rest.models import AuditVerdict, AuditView
from provisioning import audit
from provisioning.access import check

router: Final = APIRouter(prefix="/api/v1/audit", tags=["audit"])


@router.get("")
def read(
    caller: Caller,
    hub: Hub,
    subject: Annotated[str | None, Query(max_length=200, description="Only about this, e.g. device/cam-1")] = None,
    before: Annotated[int | None, Query(ge=1, description="Only rows with a lower number")] = None,
    limit: Limit = 100,
) -> list[AuditView]:
    """Read the audit log, the latest row first."""
    check(caller, "audit.read", None)
    return [AuditView.of(row) for row in audit.read(hub.engine, limit, subject, before)]


@router.get("/verify")
def verify(caller: Caller, hub: Hub) -> AuditVerdict:
    """Find out whether a row is missing or was altered; reads the whole log."""
    check(caller, "audit.verify", None)
    faults = audit.verify(hub.engine)
    return AuditVerdict(intact=not faults, faults=faults)
