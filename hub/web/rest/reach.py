"""Which devices and sites a caller reaches: what is asked for is read, and its agency checked."""

from collections.abc import Collection

from hub.web.services import Services
from provisioning.access import Access, check, check_role
from provisioning.records import Device, NewDevice, Site


def permitted_device(hub: Services, caller: Access, action: str, device_id: str) -> Device:
    """Return a device to which the caller may do `action`.

    Raises:
        Forbidden: the caller's role or agencies do not allow it.
        UnknownDevice: there is none.
    """
    check_role(caller, action)
    device = hub.registry.device(device_id)
    check(caller, action, agency_of(hub, device))
    return device


def permitted_site(hub: Services, caller: Access, action: str, site_id: str) -> Site:
    """Return a site to which the caller may do `action`; raises Forbidden and Unknown."""
    check_role(caller, action)
    site = hub.registry.get(Site, site_id)
    check(caller, action, site.agency)
    return site


def agency_of(hub: Services, device: NewDevice) -> str | None:
    """Return who owns a device: its own agency, or else its site's; raises Unknown for the site."""
    if device.agency is not None or device.site is None:
        return device.agency
    return hub.registry.get(Site, device.site).agency


def agencies_asked(caller: Access, action: str, agency: str | None) -> Collection[str] | None:
    """Return the agencies to list: the one that was asked for, or all that the caller reaches; None means every one.

    Raises:
        Forbidden: the role is too low, or the agency asked for is not the caller's.
    """
    check_role(caller, action)
    if agency is not None:
        check(caller, action, agency)
        return [agency]
    return caller.agencies
