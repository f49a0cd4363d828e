"""What ends or changes in a device's service: retired, handed to another agency, its hardware replaced.

The id stays, and with it all that is known under it: telemetry, certificates, the record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from provisioning import audit, claims, feed
from provisioning.crl import Reason
from provisioning.database import writing
from provisioning.devices import read_device, replace_device
from provisioning.errors import WrongState
from provisioning.identity import check_name
from provisioning.records import Device, Lifecycle
from provisioning.revocation import revoke_all
from provisioning.statements import replace_row
from provisioning.tables import device as devices

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor, Detail
    from provisioning.clock import Clock


class ServiceLife:
    """Changes a device's service, its certificates with it; each change is recorded as the actor's.

    All methods raise UnknownDevice, WrongState for a device that is retired already, and StorageProblem.
    """

    def __init__(self, engine: Engine, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same, on behalf of another actor."""
        return type(self)(self._engine, self._clock, actor)

    def retire(self, device_id: str, note: str = "") -> list[str]:
        """Take a device out of service for good: its certificates are revoked, its claim code is void.

        Returns:
            The serial numbers of the certificates that were revoked, hexadecimal.

        Raises:
            InvalidIdentity: the note is too long, or more than a line.
        """
        check_name(note)
        with writing(self._engine) as connection:
            device, now = _in_service(connection, device_id), self._clock()
            row = {"id": device_id, "lifecycle": Lifecycle.RETIRED, "updated_ns": now}
            replace_row(connection, devices, row)
            serials = revoke_all(connection, now, self._actor, device_id, Reason.CESSATION_OF_OPERATION, note)
            self._record(connection, "device.retire", device_id, {"lifecycle": [device.lifecycle, Lifecycle.RETIRED]})
        return serials

    def transfer(self, device_id: str, agency: str) -> Device:
        """Hand a device to another agency; it keeps its certificate, which names nothing but its id.

        A claim code is void then, as it is the new agency that decides whether a claim needs an approval.

        Raises:
            Unknown: there is no such agency.
            WrongState: the device has it as its agency already.
        """
        with writing(self._engine) as connection:
            before = _in_service(connection, device_id)
            if before.agency == agency:
                raise WrongState(f"The device {device_id!r} belongs to {agency!r} already.")
            changed = replace(before, agency=agency, updated_ns=self._clock())
            replace_device(connection, changed)
            claims.withdraw(connection, device_id)
            feed.touch(connection, [device_id])
            self._record(connection, "device.transfer", device_id, {"agency": [before.agency, agency]})
        return changed

    def replace_hardware(self, device_id: str, serial: str, imei: str | None = None) -> Device:
        """Put new hardware in the place of the old: the same id, another serial number, and no certificate yet.

        All certificates of the old hardware are revoked; their keys are out for good.

        Args:
            device_id: which device.
            serial: the new one's serial number, as on its type plate.
            imei: the new one's IMEI; None when it has none.

        Raises:
            InvalidIdentity: the serial number or IMEI breaks its rule.
            AlreadyExists: one of them belongs to another device.
            WrongState: the serial number is the old one.
        """
        with writing(self._engine) as connection:
            before, now = _in_service(connection, device_id), self._clock()
            if before.serial == serial:
                raise WrongState(
                    f"The device {device_id!r} has the serial number {serial} already: compare the plates."
                )
            changed = replace(before, serial=serial, imei=imei, updated_ns=now)
            changed.check()
            replace_device(connection, changed)
            revoke_all(connection, now, self._actor, device_id, Reason.SUPERSEDED, "hardware replaced")
            detail: Detail = {"serial": [before.serial, serial], "imei": [before.imei, imei]}
            self._record(connection, "device.replace", device_id, detail)
        return changed

    def _record(self, connection: Connection, action: str, device_id: str, detail: Detail) -> None:
        audit.record(connection, self._clock(), self._actor, action, f"device/{device_id}", detail)


def _in_service(connection: Connection, device_id: str) -> Device:
    device = read_device(connection, device_id)
    if device.lifecycle is Lifecycle.RETIRED:
        raise WrongState(f"The device {device_id!r} is retired already: register it again first.")
    return device
