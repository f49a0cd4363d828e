"""What the REST resources take and give. Bodies are strict: no unknown field, no number for a text."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from provisioning.approvals import Approval
from provisioning.audit import AuditRow
from provisioning.claims import ATTEMPTS, DAYS
from provisioning.clock import utc
from provisioning.crl import Reason
from provisioning.records import Agency, CertificateRecord, Device, Lifecycle, Site, Tariff, Uplink

_Item = TypeVar("_Item")
_Latitude = Annotated[float, Field(description="Degrees WGS 84")]


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def changes(self) -> dict[str, Any]:
        """Return what the client named, and nothing else."""
        return self.model_dump(exclude_unset=True)


class Page(BaseModel, Generic[_Item]):
    """A part of a list; `next` goes into `after` of the next request, null at the end."""

    items: list[_Item]
    next: str | None = None

    @classmethod
    def of(cls, items: list[_Item], limit: int) -> Self:
        """Return the first `limit` of items that each have an id."""
        shown = items[:limit]
        return cls(items=shown, next=shown[-1].id if len(items) > limit else None)  # type: ignore[attr-defined]


class DeviceChange(Body):
    """What may change about a device; what is left out stays."""

    profile: str = Field(default="", description="Name of the profile that describes the model")
    name: str = ""
    agency: str | None = Field(default=None, description="Who owns it; null: the agency of its site")
    site: str | None = None
    zones: list[str] = []
    serial: str | None = Field(default=None, description="The vendor's serial number, unique within the profile")
    imei: str | None = Field(default=None, description="15 digits, unique")
    lat: _Latitude | None = None
    lon: _Latitude | None = None
    parent: str | None = Field(default=None, description="The gateway that speaks for it")
    modbus: str | None = Field(default=None, description="Where it is polled, e.g. tcp://10.20.3.4:502")
    unit: int | None = Field(default=None, description="Its address on that bus, 0 to 255")
    local_recording: bool = Field(default=False, description="Its video stays on a recorder at its site")

    def changes(self) -> dict[str, Any]:
        """Return what the client named, as the registry takes it."""
        named = super().changes()
        return named | {"zones": tuple(named["zones"])} if "zones" in named else named


class DeviceNew(DeviceChange):
    """A device to be registered."""

    id: str = Field(description="1 to 64 of A-Z a-z 0-9 _ -")
    profile: str = Field(description="Name of the profile that describes the model")


class DeviceView(BaseModel):
    """A registered device."""

    id: str
    profile: str
    name: str
    agency: str | None
    site: str | None
    zones: list[str]
    serial: str | None
    imei: str | None
    lat: float | None
    lon: float | None
    parent: str | None
    modbus: str | None
    unit: int | None
    local_recording: bool
    lifecycle: Lifecycle
    created: datetime
    updated: datetime

    @classmethod
    def of(cls, device: Device) -> Self:
        """Show a device."""
        fields = {name: getattr(device, name) for name in cls.model_fields if name not in {"created", "updated"}}
        times = {"created": utc(device.created_ns), "updated": utc(device.updated_ns)}
        return cls(**{**fields, "zones": list(device.zones), **times})


class CertificateView(BaseModel):
    """A certificate that was issued to a device; hexadecimal serial number and SHA-256 fingerprint."""

    serial: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    issued: datetime
    revoked: datetime | None
    reason: str | None

    @classmethod
    def of(cls, record: CertificateRecord) -> Self:
        """Show a certificate."""
        return cls(
            serial=record.serial,
            fingerprint=record.fingerprint,
            not_before=utc(record.not_before_ns),
            not_after=utc(record.not_after_ns),
            issued=utc(record.issued_ns),
            revoked=None if record.revoked_ns is None else utc(record.revoked_ns),
            reason=record.reason,
        )


class Revoke(Body):
    """Revoke all certificates of a device."""

    reason: Annotated[Reason, Field(strict=False)] = Field(description="For the list of revoked certificates")
    note: str = Field(default="", description="For the audit log")


class Retire(Body):
    """Take a device out of service for good."""

    note: str = Field(default="", description="For the audit log")


class Transfer(Body):
    """Hand a device to another agency."""

    agency: str


class Replace(Body):
    """New hardware in the place of the old, under the same id."""

    serial: str = Field(description="The new one's, as on its type plate")
    imei: str | None = None


class Move(Body):
    """Another place in a device's life; its end is `retire`."""

    to: Literal["registered", "active", "maintenance"]


class RevokedView(BaseModel):
    """What was revoked: serial numbers of certificates, hexadecimal."""

    revoked: list[str]


class SiteChange(Body):
    """What may change about a site; what is left out stays."""

    name: str = ""
    agency: str | None = None
    lat: _Latitude | None = None
    lon: _Latitude | None = None


class SiteNew(SiteChange):
    """A site to be added."""

    id: str = Field(description="1 to 64 of A-Z a-z 0-9 _ . -")


class SiteView(BaseModel):
    """A place where devices stand."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    agency: str | None
    lat: float | None
    lon: float | None

    @classmethod
    def of(cls, site: Site) -> Self:
        """Show a site."""
        return cls.model_validate(site)


class UplinkView(BaseModel):
    """A site's link to the network."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    site: str
    capacity_bps: int = Field(description="Towards the site")
    capacity_up_bps: int | None = Field(description="From the site; null: as towards it")
    router: str | None = Field(description="The device whose counters of the link are the truth")
    tariff: Tariff
    rupiah: int = Field(description="Of a month, or of a gigabyte when paid by volume")
    quota_bytes: int | None
    overage_rupiah: int | None = Field(description="Of a gigabyte beyond the quota")

    @classmethod
    def of(cls, uplink: Uplink) -> Self:
        """Show an uplink."""
        return cls.model_validate(uplink)


class AgencyChange(Body):
    """What may change about an agency; what is left out stays."""

    name: str = ""
    approval_required: bool = Field(
        default=False, description="Whether a claim of its devices waits for an operator before it gets a certificate"
    )


class AgencyNew(AgencyChange):
    """An agency to be added."""

    id: str = Field(description="1 to 64 of A-Z a-z 0-9 _ . -")


class AgencyView(BaseModel):
    """An office of the city (OPD) that owns devices."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    approval_required: bool

    @classmethod
    def of(cls, agency: Agency) -> Self:
        """Show an agency."""
        return cls.model_validate(agency)


class ClaimNew(Body):
    """A claim code to be made."""

    days: int = Field(default=DAYS, description="For how long it holds")
    attempts: int = Field(default=ATTEMPTS, description="How often it may be tried")


class ClaimCode(BaseModel):
    """A claim code; this is the one time to see it."""

    device: str
    code: str


class ApprovalView(BaseModel):
    """A device that waits for its certificate."""

    device: str
    agency: str | None
    key_fingerprint: str = Field(description="SHA-256 of its key; compare it with the device's")
    requested: datetime
    origin: str

    @classmethod
    def of(cls, approval: Approval) -> Self:
        """Show a request that waits."""
        return cls(
            device=approval.device,
            agency=approval.agency,
            key_fingerprint=approval.key_fingerprint,
            requested=utc(approval.requested_ns),
            origin=approval.origin,
        )


class Approve(Body):
    """Let a device have its certificate for the key that was looked at."""

    key_fingerprint: str = Field(description="As the list gave it")


class Refuse(Approve):
    """Refuse a device its certificate."""

    reason: str = Field(min_length=1)


class AuditView(BaseModel):
    """A change, as it was recorded."""

    seq: int
    at: datetime
    actor: str
    origin: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Show a row of the audit log."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "at"}
        return cls(**{**fields, "at": utc(row.at_ns)})


class AuditVerdict(BaseModel):
    """Whether the audit log is as it was written: a sentence for each place where it is not."""

    intact: bool
    faults: list[str]
