"""What the registry holds, as plain values: frozen, compared by content, and checked before they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from provisioning.errors import InvalidIdentity
from provisioning.identity import (
    check_device_id,
    check_imei,
    check_modbus,
    check_name,
    check_phone,
    check_position,
    check_serial,
    check_slug,
)


@dataclass(frozen=True, slots=True)
class Agency:
    """An office of the city (OPD) that owns devices.

    Attributes:
        approval_required: whether a claim of its devices waits for an operator before it gets a certificate.
    """

    id: str
    name: str = ""
    approval_required: bool = False

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("agency", self.id)
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of an agency who is called when something is wrong; `phone` in international form."""

    id: str
    agency: str
    name: str
    phone: str

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("contact", self.id)
        check_name(self.name)
        check_phone(self.phone)


@dataclass(frozen=True, slots=True)
class Site:
    """A place where devices stand.

    Attributes:
        lat: latitude in degrees WGS 84.
        lon: longitude, together with `lat`.
        maintenance_until_ns: until when nothing there is an alarm, nanoseconds UTC; set by provisioning.maintenance.
        maintenance_reason: why.
    """

    id: str
    name: str = ""
    agency: str | None = None
    lat: float | None = None
    lon: float | None = None
    maintenance_until_ns: int | None = None
    maintenance_reason: str | None = None

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("site", self.id)
        check_name(self.name)
        check_position(self.lat, self.lon)


class Tariff(StrEnum):
    """What an uplink is paid by: flat, by volume, or flat up to a quota and by volume beyond it."""

    MONTHLY = "monthly"
    PER_GIGABYTE = "per_gigabyte"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Uplink:
    """A site's link to the network.

    Attributes:
        capacity_bps: bits a second towards the site (down).
        rupiah: price of a month (monthly, quota) or of a gigabyte, 10^9 bytes (per_gigabyte).
        capacity_up_bps: bits a second from the site (up); None: as down.
        router: the device whose counters of this link are the truth; None: nobody measures it.
        quota_bytes: of a quota: bytes a month, both directions, that `rupiah` pays for ...
        overage_rupiah: ... and the price of a gigabyte beyond them.
    """

    id: str
    site: str
    capacity_bps: int
    tariff: Tariff = Tariff.MONTHLY
    rupiah: int = 0
    capacity_up_bps: int | None = None
    router: str | None = None
    quota_bytes: int | None = None
    overage_rupiah: int | None = None

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("uplink", self.id)
        capacities = [self.capacity_bps] if self.capacity_up_bps is None else [self.capacity_bps, self.capacity_up_bps]
        if min(capacities) <= 0 or self.rupiah < 0:
            raise InvalidIdentity(
                f"The uplink {self.id!r} needs a capacity above zero, in bits a second, and a price of zero or more."
            )
        given = [value is not None for value in (self.quota_bytes, self.overage_rupiah)]
        if given != [self.tariff is Tariff.QUOTA] * 2 or (self.quota_bytes or 0) < 0 or (self.overage_rupiah or 0) < 0:
            raise InvalidIdentity(
                f"The uplink {self.id!r}: the tariff {Tariff.QUOTA} needs a quota in bytes and a price of a gigabyte "
                f"beyond it, and no other tariff has them."
            )


@dataclass(frozen=True, slots=True)
class Zone:
    """What devices are there for: traffic, crime, disaster …; comes into being when a device first names it."""

    id: str
    name: str = ""

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("zone", self.id)
        check_name(self.name)


_LONGEST_GEOJSON = 1_000_000  # an outline of that size is a mistake
_FASTEST_KMH = 400.0


@dataclass(frozen=True, slots=True)
class Geofence:
    """An area that vehicles enter and leave.

    Attributes:
        geojson: a Polygon or MultiPolygon (RFC 7946), as text; whoever adds it has read it, see hub/status/fences.py.
        agency: whose vehicles it concerns; None: everybody's.
        limit_kmh: the speed that is allowed inside; None: it limits nothing.
    """

    id: str
    geojson: str
    agency: str | None = None
    limit_kmh: float | None = None

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("geofence", self.id)
        if len(self.geojson) > _LONGEST_GEOJSON:
            raise InvalidIdentity(
                f"The geofence {self.id!r} is larger than {_LONGEST_GEOJSON} characters: simplify it."
            )
        if self.limit_kmh is not None and not 0 < self.limit_kmh <= _FASTEST_KMH:
            raise InvalidIdentity(f"The speed limit of {self.id!r} is not in 0 to {_FASTEST_KMH:.0f} km/h.")


ReferenceData = Agency | Contact | Geofence | Site | Uplink | Zone
"""What devices refer to, and what hangs on it."""


class Lifecycle(StrEnum):
    """Where a device stands in its life."""

    REGISTERED = "registered"
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to be registered.

    Attributes:
        profile: name of the device profile that describes the model.
        agency: who owns it; None means the agency of its site.
        zones: ids of zones, in any order; new ones are created.
        serial: the vendor's serial number, unique within the profile.
        imei: 15 digits, unique.
        lat: latitude in degrees WGS 84; None means the position of its site.
        lon: longitude, together with `lat`.
        parent: id of the gateway that speaks for it, which has no gateway itself.
        modbus: where it is polled, e.g. `tcp://10.20.3.4:502`; devices that share it share one connection.
        unit: its address on that bus, 0 to 255.
        local_recording: whether its video stays on a recorder at its site and never crosses the uplink.
    """

    id: str
    profile: str
    name: str = ""
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    serial: str | None = None
    imei: str | None = None
    lat: float | None = None
    lon: float | None = None
    parent: str | None = None
    modbus: str | None = None
    unit: int | None = None
    local_recording: bool = False

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_device_id(self.id)
        check_slug("profile", self.profile)
        check_name(self.name)
        check_position(self.lat, self.lon)
        for zone in self.zones:
            check_slug("zone", zone)
        if self.serial is not None:
            check_serial(self.serial)
        if self.imei is not None:
            check_imei(self.imei)
        if self.parent == self.id:
            raise InvalidIdentity(f"The device {self.id!r} cannot be its own gateway: leave the parent out.")
        check_modbus(self.modbus, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(NewDevice):
    """A registered device; times in nanoseconds UTC.

    Attributes:
        maintenance_until_ns: until when nothing about it is an alarm; set by provisioning.maintenance.
        maintenance_reason: why.
    """

    lifecycle: Lifecycle
    created_ns: int
    updated_ns: int
    maintenance_until_ns: int | None = None
    maintenance_reason: str | None = None


class DeviceChanges(TypedDict, total=False):
    """What may change about a registered device; see NewDevice for the meaning."""

    profile: str
    name: str
    agency: str | None
    site: str | None
    zones: tuple[str, ...]
    serial: str | None
    imei: str | None
    lat: float | None
    lon: float | None
    parent: str | None
    modbus: str | None
    unit: int | None
    local_recording: bool


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate that was issued to a device.

    Attributes:
        serial: serial number, hexadecimal without leading zeros.
        fingerprint: SHA-256 of the certificate (DER), hexadecimal.
        key_fingerprint: SHA-256 of its SubjectPublicKeyInfo (DER), hexadecimal.
        reason: why it was revoked, one of provisioning.crl.Reason.
        issuer: the key id of the CA that signed it; None when that was recorded before there could be another.
        key_kind: e.g. `EC-256`, `RSA-2048`; None as for `issuer`.
    """

    serial: str
    device: str
    fingerprint: str
    key_fingerprint: str
    not_before_ns: int
    not_after_ns: int
    issued_ns: int
    revoked_ns: int | None = None
    reason: str | None = None
    issuer: str | None = None
    key_kind: str | None = None
