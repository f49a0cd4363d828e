"""What the runner, the parts of status and the incidents promise each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hub.decode.watch import Vitals, Watch
    from hub.status.roster import Entry


class Part(Protocol):
    """Something that judges what devices report: bandwidth, fences, health … Pure: times are given, nothing waits."""

    def wants(self, profile: str) -> bool:
        """Whether samples of that profile's devices mean anything to it."""

    def observe(self, entry: Entry, watch: Watch, samples: Sequence[Vitals], now_ns: int) -> None:
        """Take in what a device reported since the last call, oldest first; `entry` is what the registry says of it.

        Called about once a second, only for devices of profiles that it wants, and only when they reported.
        """

    def tick(self, now_ns: int) -> str:
        """Draw conclusions, about once a second; return lines to write, each ended by a newline, or nothing."""


Observe = Callable[["Entry", "Watch", Sequence["Vitals"], int], None]
"""See `Part.observe`."""


class Severity(StrEnum):
    """How soon somebody must look; the words are those of devices' own events."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Cause(StrEnum):
    """What an incident is about; the tag `kind` of the measurement `incident`."""

    LISTENER_SILENT = "listener_silent"
    SITE_SILENT = "site_silent"
    GATEWAY_SILENT = "gateway_silent"
    DEVICE_OFFLINE = "device_offline"
    DATA_STALE = "data_stale"
    FLAPPING = "flapping"
    CAMERA_NO_VIDEO = "camera_no_video"
    TAMPERING = "tampering"
    STORAGE = "storage"
    UPS_ON_BATTERY = "ups_on_battery"
    RIVER_LEVEL = "river_level"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    HUB_UNWELL = "hub_unwell"
    UPLINK_SATURATED = "uplink_saturated"
    UPLINK_ASYMMETRIC = "uplink_asymmetric"
    UPLINK_DROPPING = "uplink_dropping"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that somebody must look at, as it is now.

    Attributes:
        subject: what it befalls: `device/<id>`, `site/<id>`, `uplink/<id>`, `gateway/<id>`, `hub/<part>`; with the
            cause it tells one trouble from another.
        text: a sentence for the person who is called.
        site: where it is, if anywhere; likewise `agency`, whose contact is called.
        devices: ids of the devices concerned.
        of: out of so many, where that says something; otherwise 0.
        since_ns: when it began, as far as is known, nanoseconds UTC; 0: when it was raised.
    """

    cause: Cause
    subject: str
    text: str
    severity: Severity = Severity.WARNING
    site: str = ""
    agency: str = ""
    devices: tuple[str, ...] = ()
    of: int = 0
    since_ns: int = 0


class Alarms(Protocol):
    """Where troubles become incidents."""

    def raised(self, trouble: Trouble, now_ns: int) -> None:
        """There is this trouble; say it again when its text, severity or devices change."""

    def cleared(self, cause: Cause, subject: str, now_ns: int) -> None:
        """It is over, or was none; nothing happens when nobody raised it."""
