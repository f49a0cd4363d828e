"""A small city for the parts of status: places, profiles, and a history that overwrites points as InfluxDB does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from hub.profiles.schema import Profile
from hub.status.history import history_lines

if TYPE_CHECKING:
    from hub.status.ledger import Ledger


class Place(NamedTuple):
    """A row of the registry."""

    device: str
    profile: str = "camera"
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    local_recording: bool = False
    serial: str | None = None
    imei: str | None = None
    modbus: str | None = None
    unit: int | None = None
    lifecycle: str = "active"
    maintenance_until_ns: int = 0


def profile(kind: str, *vitals: str, interval_s: float = 300, **more: Any) -> Profile:  # noqa: ANN401 - fields of a profile
    measurement = {"cctv": "cctv", "gps": "gps"}.get(kind, "router")
    return Profile.model_validate(
        {
            "vendor": "V",
            "model": "M",
            "kind": kind,
            "about": "a",
            "manual": {"title": "t", "edition": "1"},
            "interval_s": interval_s,
            "vitals": [f"{measurement}.{vital}" for vital in vitals],
            "mqtt": {"telemetry": {"readings": {measurement: {vital: vital for vital in vitals}}}},
            **more,
        }
    )


@dataclass
class City:
    """What the directory knows."""

    entries: dict[str, Place]
    profiles: dict[str, Profile]


Tags = dict[str, str]
Fields = dict[str, float | str]


def parsed(line: str) -> tuple[str, Tags, Fields, int]:
    """Take a line apart; good enough for tags and texts without spaces, commas and escapes."""
    head, rest = line.split(" ", 1)
    body, time = rest.rsplit(" ", 1)
    measurement, *tags = head.split(",")
    fields: Fields = {}
    for pair in body.split(","):
        name, value = pair.split("=", 1)
        fields[name] = value.strip('"') if value.startswith('"') else float(value.rstrip("i"))
        if value.endswith("i"):
            fields[name] = int(value[:-1])
    return measurement, dict(tag.split("=", 1) for tag in tags), fields, int(time)


@dataclass
class History:
    """Points as a database keeps them: the last of the same measurement, tags and time stands."""

    points: dict[tuple[str, tuple[tuple[str, str], ...], int], Fields] = field(default_factory=dict)

    def publish(self, ledger: Ledger) -> None:
        """Take over what is new in the ledger."""
        for page in ledger.pages():
            self.write(history_lines(page, ledger.rows(page)))
            ledger.tick_off(page)

    def write(self, lines: str) -> None:
        for line in lines.splitlines():
            measurement, tags, fields, time = parsed(line)
            self.points[measurement, tuple(sorted(tags.items())), time] = fields

    def total(self, measurement: str, by: str, *names: str) -> dict[str, int]:
        """Sum fields over all times, by a tag."""
        sums: dict[str, int] = defaultdict(int)
        for (found, tags, _), fields in self.points.items():
            if found == measurement:
                sums[dict(tags).get(by, "")] += sum(int(fields[name]) for name in names)
        return dict(sums)

    def at(self, measurement: str, **tags: str) -> dict[int, Fields]:
        """Return time -> fields of the series that has these tags."""
        return {
            time: fields
            for (found, its, time), fields in self.points.items()
            if found == measurement and tags.items() <= dict(its).items()
        }
