"""Writes what a plan says, within one transaction."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from provisioning import audit, feed, tables
from provisioning.audit_detail import difference, stated
from provisioning.devices import insert_devices, replace_device, touched_by
from provisioning.records import Lifecycle, Zone
from provisioning.statements import insert_rows, replace_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Table

    from provisioning.audit import Actor, Detail
    from provisioning.importing.plan import Plan
    from provisioning.importing.references import Changes
    from provisioning.records import NewDevice, ReferenceData

    Record = NewDevice | ReferenceData


def write_plan(connection: Connection, plan: Plan, now_ns: int, actor: Actor) -> None:
    """Write a plan without faults, note in the change feed what it touches, and record it in the audit log.

    Raises:
        ProvisioningError: the database refuses something; the transaction must be undone.
    """
    for table, changes in _by_table(plan):
        insert_rows(connection, table, [asdict(one) for one in changes.new])
        for _, after in changes.changed:
            replace_row(connection, table, asdict(after))
    zones = _write_devices(connection, plan, now_ns)
    feed.touch(connection, _touched(connection, plan))
    for action, entries in _entries(plan, zones):
        audit.record_all(connection, now_ns, actor, action, entries)


def _by_table(plan: Plan) -> Sequence[tuple[Table, Changes[Any]]]:
    """In the order of what refers to what."""
    agencies, contacts, sites = plan.references
    return (tables.agency, agencies), (tables.contact, contacts), (tables.site, sites)


def _write_devices(connection: Connection, plan: Plan, now_ns: int) -> list[str]:
    """Write the devices and return the zones that came into being with them."""
    born = {"lifecycle": Lifecycle.REGISTERED, "created_ns": now_ns, "updated_ns": now_ns}
    zones = insert_devices(connection, plan.new, born)
    for _, after in plan.changed:
        zones += replace_device(connection, replace(after, updated_ns=now_ns))
    return zones


def _touched(connection: Connection, plan: Plan) -> set[str]:
    touched = {one.id for one in plan.new} | {after.id for _, after in plan.changed}
    for _, changes in _by_table(plan):
        for _, after in changes.changed:
            touched |= set(connection.scalars(touched_by(after)))
    return touched


def _entries(plan: Plan, zones: list[str]) -> Iterator[tuple[str, list[tuple[str, Detail]]]]:
    """What the audit log is told: action -> pairs of subject and detail, as Registry words them."""
    for table, changes in _by_table(plan):
        yield from _told(table.name, changes.new, changes.changed)
    yield from _told("zone", [Zone(zone) for zone in zones], [])
    yield from _told("device", plan.new, plan.changed)


def _told(
    kind: str, new: Sequence[Record], changed: Sequence[tuple[Record, Record]]
) -> Iterator[tuple[str, list[tuple[str, Detail]]]]:
    if new:
        yield f"{kind}.add", [(f"{kind}/{one.id}", stated(one)) for one in new]
    if changed:
        yield f"{kind}.update", [(f"{kind}/{one.id}", difference(one, after)) for one, after in changed]
