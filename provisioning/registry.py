"""The registry: the city's devices, and the agencies, sites, zones, uplinks … that belong to them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from sqlalchemy import Table, select, update

from provisioning import audit, feed, tables
from provisioning.audit_detail import difference, stated
from provisioning.database import reading, writing
from provisioning.devices import (
    following,
    insert_devices,
    matching,
    read_device,
    read_devices,
    replace_device,
    touched_by,
)
from provisioning.directory import DirectoryEntry, read_entries
from provisioning.errors import WrongState
from provisioning.records import (
    Agency,
    CertificateRecord,
    Contact,
    Device,
    DeviceChanges,
    Geofence,
    Lifecycle,
    NewDevice,
    ReferenceData,
    Site,
    Uplink,
    Zone,
)
from provisioning.statements import insert_rows, missing, remove_row, replace_row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor, Detail
    from provisioning.clock import Clock

_Data = TypeVar("_Data", bound=ReferenceData)

_TABLES: dict[type, Table] = {
    Agency: tables.agency,
    Contact: tables.contact,
    Geofence: tables.geofence,
    Site: tables.site,
    Uplink: tables.uplink,
    Zone: tables.zone,
}

_NEXT = {
    Lifecycle.REGISTERED: {Lifecycle.ACTIVE, Lifecycle.MAINTENANCE, Lifecycle.RETIRED},
    Lifecycle.ACTIVE: {Lifecycle.MAINTENANCE, Lifecycle.RETIRED},
    Lifecycle.MAINTENANCE: {Lifecycle.ACTIVE, Lifecycle.RETIRED},
    Lifecycle.RETIRED: {Lifecycle.REGISTERED},
}


class Registry:
    """The registry in a database that provisioning.database.open_engine opened.

    Every change notes the devices it touches in the change feed, and is recorded in the audit log as the actor's,
    in the same transaction. All methods raise StorageProblem when the database cannot be used.
    """

    def __init__(self, engine: Engine, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same registry, on behalf of another actor."""
        return type(self)(self._engine, self._clock, actor)

    # Agencies, contacts, sites, uplinks, zones

    def add(self, data: ReferenceData) -> None:
        """Add an agency, a site ….

        Raises:
            InvalidIdentity: a field breaks its rule.
            AlreadyExists: the id is taken.
            Unknown: the agency or site that it refers to does not exist.
        """
        data.check()
        with writing(self._engine) as connection:
            insert_rows(connection, _TABLES[type(data)], [asdict(data)])
            self._record(connection, f"{_word(data)}.add", [(data.id, stated(data))])

    def all(self, kind: type[_Data]) -> list[_Data]:
        """Return all of a kind, e.g. `registry.all(Site)`, in the order of their ids."""
        table = _TABLES[kind]
        with reading(self._engine) as connection:
            return [kind(**row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]

    def get(self, kind: type[_Data], name: str) -> _Data:
        """Return one by its id; raises Unknown when there is none."""
        with reading(self._engine) as connection:
            return _read(connection, kind, name)

    def update(self, data: ReferenceData) -> None:
        """Replace the one that has the same id; raises as `add` does, and Unknown when there is none."""
        data.check()
        with writing(self._engine) as connection:
            before = _read(connection, type(data), data.id)
            touched = set(connection.scalars(touched_by(data)))
            replace_row(connection, _TABLES[type(data)], asdict(data))
            feed.touch(connection, touched)
            self._record(connection, f"{_word(data)}.update", [(data.id, difference(before, data))])

    def remove(self, kind: type[ReferenceData], name: str) -> None:
        """Remove one that nothing refers to.

        Raises:
            Unknown: there is none of that id.
            StillInUse: something refers to it.
        """
        with writing(self._engine) as connection:
            before = _read(connection, kind, name)
            remove_row(connection, _TABLES[kind], name)
            self._record(connection, f"{_word(before)}.remove", [(name, stated(before))])

    # Devices

    def add_device(self, device: NewDevice) -> Device:
        """Register a device; raises as `add_devices` does."""
        self.add_devices([device])
        return self.device(device.id)

    def add_devices(self, devices: Sequence[NewDevice]) -> None:
        """Register devices, all or none; zones that they name for the first time are created.

        Raises:
            InvalidIdentity: a field breaks its rule.
            AlreadyExists: an id, serial or IMEI is taken.
            Unknown: an agency, site or gateway does not exist.
        """
        for device in devices:
            device.check()
        now = self._clock()
        born = {"lifecycle": Lifecycle.REGISTERED, "created_ns": now, "updated_ns": now}
        with writing(self._engine) as connection:
            new_zones = insert_devices(connection, devices, born)
            feed.touch(connection, [device.id for device in devices])
            self._record(connection, "zone.add", ((zone, {}) for zone in new_zones))
            self._record(connection, "device.add", ((device.id, stated(device)) for device in devices))

    def devices(
        self,
        *,
        agency: str | None = None,
        site: str | None = None,
        zone: str | None = None,
        profile: str | None = None,
    ) -> list[Device]:
        """Return the devices that match all that is given, retired ones included, in the order of their ids."""
        with reading(self._engine) as connection:
            return read_devices(connection, *matching(None if agency is None else [agency], site, zone, profile))

    def page(  # noqa: PLR0913 - the filters
        self,
        after: str,
        limit: int,
        *,
        agencies: Collection[str] | None = None,
        site: str | None = None,
        zone: str | None = None,
        profile: str | None = None,
    ) -> list[Device]:
        """Return as `devices` does, of one of several agencies, `limit` at most of those that follow the id `after`."""
        with reading(self._engine) as connection:
            conditions = matching(agencies, site, zone, profile)
            return read_devices(connection, following(after), *conditions, limit=limit)

    def device(self, device_id: str) -> Device:
        """Return one device; raises UnknownDevice when there is none."""
        with reading(self._engine) as connection:
            return read_device(connection, device_id)

    def update_device(self, device_id: str, **changes: Unpack[DeviceChanges]) -> Device:
        """Change what is given and leave the rest; raises as `add_devices` does, and UnknownDevice."""
        with writing(self._engine) as connection:
            before = read_device(connection, device_id)
            changed = replace(before, **changes, updated_ns=self._clock())
            changed.check()
            new_zones = replace_device(connection, changed)
            feed.touch(connection, [device_id])
            self._record(connection, "zone.add", ((zone, {}) for zone in new_zones))
            self._record(connection, "device.update", [(device_id, difference(before, changed))])
        return changed

    def move_device(self, device_id: str, to: Lifecycle) -> None:
        """Move a device on in its life.

        Raises:
            UnknownDevice: there is none of that id.
            WrongState: that step does not follow from where it stands.
        """
        with writing(self._engine) as connection:
            current = read_device(connection, device_id).lifecycle
            if to not in _NEXT[current]:
                allowed = ", ".join(sorted(_NEXT[current]))
                raise WrongState(
                    f"The device {device_id!r} is {current} and cannot become {to}: it may become {allowed}."
                )
            connection.execute(
                update(tables.device)
                .where(tables.device.c.id == device_id)
                .values(lifecycle=to, updated_ns=self._clock())
            )
            feed.touch(connection, [device_id])
            self._record(connection, "device.lifecycle", [(device_id, {"lifecycle": [current, to]})])

    def remove_device(self, device_id: str) -> None:
        """Remove a device that never held a certificate; others are retired, so that their past stays known.

        Raises:
            UnknownDevice: there is none of that id.
            StillInUse: it holds certificates, or is a gateway to others.
        """
        with writing(self._engine) as connection:
            before = read_device(connection, device_id)
            remove_row(connection, tables.device, device_id)
            feed.touch(connection, [device_id])
            self._record(connection, "device.remove", [(device_id, stated(before))])

    def certificates(self, device_id: str) -> list[CertificateRecord]:
        """Return the certificates that were issued to a device, the latest first; none for an unknown device."""
        table = tables.certificate
        query = select(table).where(table.c.device == device_id).order_by(table.c.issued_ns.desc(), table.c.serial)
        with reading(self._engine) as connection:
            return [CertificateRecord(**row) for row in connection.execute(query).mappings()]

    # What a running hub follows

    def entries(self, ids: Collection[str] | None = None) -> list[DirectoryEntry]:
        """Return the directory: all devices that are not retired, or those among `ids`, in no particular order."""
        with reading(self._engine) as connection:
            return read_entries(connection, ids)

    def latest_change(self) -> int:
        """Return the number of the last change, 0 when there was none; read it before `entries`, not after."""
        with reading(self._engine) as connection:
            return feed.latest(connection)

    def changes_since(self, seq: int) -> tuple[int, set[str]]:
        """Return the number of the last change, and the ids of all devices touched after the change `seq`.

        An id among them that `entries` no longer holds is retired or removed.
        """
        with reading(self._engine) as connection:
            last = feed.latest(connection)
            return last, feed.since(connection, seq) if last != seq else set()

    def _record(self, connection: Connection, action: str, changes: Iterable[tuple[str, Detail]]) -> None:
        """Record an action, `<kind>.<verb>`, on those of the kind that have these ids."""
        kind = action.partition(".")[0]
        subjects = ((f"{kind}/{name}", detail) for name, detail in changes)
        audit.record_all(connection, self._clock(), self._actor, action, subjects)


def _read(connection: Connection, kind: type[_Data], name: str) -> _Data:
    table = _TABLES[kind]
    row = connection.execute(select(table).where(table.c.id == name)).mappings().one_or_none()
    if row is None:
        raise missing(connection, table, name)
    return kind(**row)


def _word(data: ReferenceData) -> str:
    return _TABLES[type(data)].name
