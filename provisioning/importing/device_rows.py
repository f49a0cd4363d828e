"""The devices that the rows state, and what is wrong with them among each other and in the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from provisioning.errors import InvalidIdentity, Unknown
from provisioning.importing.columns import Column
from provisioning.importing.references import differs
from provisioning.records import Device, Lifecycle, NewDevice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from provisioning.importing.header import Faults
    from provisioning.importing.rows import Row

FIELDS: Final = {
    Column.NAME: "name",
    Column.PROFILE: "profile",
    Column.AGENCY: "agency",
    Column.SITE: "site",
    Column.ZONES: "zones",
    Column.SERIAL: "serial",
    Column.IMEI: "imei",
    Column.LAT: "lat",
    Column.LON: "lon",
    Column.PARENT: "parent",
    Column.MODBUS: "modbus",
    Column.UNIT: "unit",
    Column.LOCAL_RECORDING: "local_recording",
}
"""Column -> the field of a device that it states; an empty cell empties it, a column left out does not touch it."""

REFERENCES: Final = {
    Column.AGENCY: ("agency", " To create it here, fill in agency_name."),
    Column.SITE: ("site", " To create it here, fill in site_name."),
    Column.SITE_AGENCY: ("agency", " To create it here, name it in the columns agency and agency_name."),
    Column.PARENT: ("device", " Or add a row for it."),
}
"""Column -> the kind of thing that it names, and what else can be done when there is none."""

_EMPTY: Final[Mapping[Column, Any]] = {Column.NAME: "", Column.ZONES: (), Column.LOCAL_RECORDING: False}
_MOST_SEARCHES: Final = 20  # a nearest name among 100,000 takes a second


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as a row states it, and as the registry has it."""

    row: Row
    after: NewDevice
    before: Device | None

    @property
    def change(self) -> tuple[Device, Device] | None:
        """What is to be replaced by what; None for a new device, and for one that stays as it is."""
        before, after = self.before, self.after
        return (before, after) if before is not None and isinstance(after, Device) and after != before else None


def read_devices(rows: Sequence[Row], stored: Mapping[str, Device], faults: Faults) -> list[DeviceRow]:
    """Return the devices of the rows that name id and profile, each id once."""
    first: dict[str, int] = {}
    found = []
    for row in rows:
        id_ = row.text(Column.ID)
        if id_ is None or row.text(Column.PROFILE) is None:
            continue
        if (other := first.setdefault(id_, row.number)) != row.number:
            faults.add(row.number, Column.ID, f"The id {id_!r} stands in row {other} already: remove one of the two.")
            continue
        found.append(_device_row(row, id_, stored.get(id_)))
    return found


def _device_row(row: Row, id_: str, before: Device | None) -> DeviceRow:
    fields: dict[str, Any] = {
        name: _EMPTY.get(column) if row.values[column] is None else row.values[column]
        for column, name in FIELDS.items()
        if column in row.values
    }
    return DeviceRow(row, NewDevice(id=id_, **fields) if before is None else replace(before, **fields), before)


def check_each(devices: Iterable[DeviceRow], faults: Faults, *, update: bool) -> None:
    """Find what is wrong with a device by itself, and changes that may not be written."""
    for one in devices:
        if one.before is not None and one.before.lifecycle is Lifecycle.RETIRED:
            problem = "This device is retired: remove the row, or register the device again first."
            faults.add(one.row.number, Column.ID, problem)
        elif one.row.sound:
            _check_whole(one, faults)
            if one.before is not None and not update:
                _refuse(one, one.before, faults)


def _check_whole(one: DeviceRow, faults: Faults) -> None:
    try:
        one.after.check()
    except InvalidIdentity as error:
        faults.add(one.row.number, _culprit(one.after), str(error))


def _culprit(device: NewDevice) -> Column:
    """Name the column to look at first, of those that only make sense together."""
    if device.parent == device.id:
        return Column.PARENT
    if (device.modbus is None) != (device.unit is None):
        return Column.MODBUS if device.modbus is None else Column.UNIT
    return Column.LAT


def _refuse(one: DeviceRow, before: Device, faults: Faults) -> None:
    for column, name in FIELDS.items():
        stored, stated = getattr(before, name), getattr(one.after, name)
        if stored != stated:
            faults.add(one.row.number, column, differs(stored, stated))


def check_known(rows: Iterable[Row], column: Column, known: Collection[str], faults: Faults) -> None:
    """Find names in a column of REFERENCES that nothing known has."""
    what, remedy = REFERENCES[column]
    said: dict[str, str] = {}
    for row in rows:
        name = row.text(column)
        if name is None or name in known:
            continue
        if name not in said:
            said[name] = f"{Unknown(what, name, known if len(said) < _MOST_SEARCHES else ())}{remedy}"
        faults.add(row.number, column, said[name])


def check_gateways(devices: Sequence[DeviceRow], stored: Mapping[str, Device], faults: Faults) -> None:
    """A gateway speaks for others over its own connection, so it can have no gateway itself."""
    rows = {one.after.id: one.row.number for one in devices}
    parents = {id_: one.parent for id_, one in stored.items()} | {one.after.id: one.after.parent for one in devices}
    for child, gateway in parents.items():
        if gateway is None or gateway == child or parents.get(gateway) is None:
            continue
        if row := rows.get(child) or rows.get(gateway):
            problem = (
                f"The gateway {gateway!r} of {child!r} has a gateway itself: name the one that has the connection."
            )
            faults.add(row, Column.PARENT, problem)


def check_unique(devices: Iterable[DeviceRow], stored: Mapping[str, Device], faults: Faults) -> None:
    """Vendors build topics from serial and IMEI, so two devices cannot share one."""
    holders = {key: (one.id, 0) for one in stored.values() for _, key in _keys(one)}
    for one in devices:
        for column, key in _keys(one.after):
            holder, row = holders.setdefault(key, (one.after.id, one.row.number))
            if holder != one.after.id:
                where = f"in row {row}" if row else "in the registry"
                problem = f"This belongs to {holder!r} {where} already: compare the type plates."
                faults.add(one.row.number, column, problem)


def _keys(device: NewDevice) -> Iterator[tuple[Column, tuple[str, ...]]]:
    if device.serial is not None:
        yield Column.SERIAL, (device.profile, device.serial)
    if device.imei is not None:
        yield Column.IMEI, (device.imei,)
