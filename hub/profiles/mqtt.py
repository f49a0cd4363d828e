"""The schema of what a profile says of MQTT: topics, formats, times, and where each reading stands."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hub.profiles.values import Conversion, Plain
from hub.profiles.vocabulary import Name, Strict

TimeUnit = Literal["s", "ms", "us", "ns", "rfc3339"]
Format = Literal["json", "senml", "text", "binary"]
BinaryType = Literal[
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"
]

NATIVE: dict[str, str] = {"telemetry": "devices/{device}/telemetry", "events": "devices/{device}/events"}
"""The hub's own topics, which a message of that name uses unless it names others."""

SKEW: str = ".clock_skew"
"""How the vital sign ends that no payload holds: the hub found the device's clock wrong."""

TOPIC: str = "$topic."
"""How the path begins of what stands in the topic."""


def _path(value: str) -> str:
    if not value or any(not part for part in value.split(".")):
        raise ValueError("is a path of JSON keys joined by dots, e.g. wind.speed")
    return value


Path = Annotated[str, AfterValidator(_path)]


class Source(Conversion):
    """Where a reading stands in the payload, and how it becomes canonical.

    Attributes:
        path: written `from`. JSON: keys joined by dots, a number is an index into an array (`apower.0`). SenML: the
            record's resolved name, or its own without the base, which may differ from device to device. `$topic.3` is
            the topic's level 3, counted from 0, in any format. Not needed for text (the whole payload) and binary
            (`at`).
        at: binary only: the byte where the value begins.
        type: binary only: what stands there; big-endian unless `little` is set.
        part: take this part, counted from 0, of a text that is cut at `separator`; implies `numeral`.
        numeral: a number written as text ("23.5") is accepted.
        unit: SenML only: of the record's number, as SenML or the vocabulary writes it, where scale and offset make the
            reading's own of it; a record in another unit is rejected.
        default: what a missing value means; for devices that leave zeros out (OwnTracks).
    """

    path: Path | None = Field(default=None, alias="from")
    at: int | None = Field(default=None, ge=0, le=65535)
    type: BinaryType | None = None
    little: bool = False
    part: int | None = Field(default=None, ge=0, le=63)
    separator: str = ","
    numeral: bool = False
    unit: str | None = Field(default=None, min_length=1, max_length=32)
    default: Plain | None = None


def _short_form(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


ShortSource = Annotated[Source, BeforeValidator(_short_form, json_schema_input_type=str | Source)]


class Time(Strict):
    """Where the device's own time stands in the payload, and in what unit."""

    path: Path = Field(alias="from")
    unit: TimeUnit


class MessageSpec(Strict):
    """What one kind of message holds: measurement -> reading -> where to find it.

    Attributes:
        topics: filters that the device publishes to; {device}, {serial} and {imei} stand for its own, `+` and `#` are
            MQTT's. Without it: the native topic of that name.
        format: of the payload. `json`: an object or an array of them; `senml`: RFC 8428; `text`: one value; `binary`: a
            struct of fixed layout.
        samples: JSON only: path of the array in which the samples stand; the time is looked for in each.
        when: JSON only: path -> value; a message in which one differs is not meant here, and no fault.
        event: keep two of the same time apart by their content. Without it: whether the name is `events`.
        retained: what to do with what the broker kept: `rule` is the time rule of docs/contracts.md.
        empty: a payload of no bytes is `ignored` (ONVIF: the property is gone) or `rejected`.
        partial: a message may hold none of the readings (Shelly sends only what changed), and that is no fault.
        time: the device's own time; without it, the time of receipt.
        readings: `own` as a measurement holds the vendor's own readings, which `own` of the profile defines.
    """

    topics: tuple[str, ...] = ()
    format: Format = "json"
    samples: Path | None = None
    when: dict[Path, Plain] = Field(default_factory=dict)
    event: bool | None = None
    retained: Literal["rule", "ignore"] = "rule"
    empty: Literal["ignored", "rejected"] = "rejected"
    partial: bool = False
    time: Time | None = None
    readings: dict[Name, dict[Name, ShortSource]] = Field(min_length=1)

    @property
    def looks_at_topic(self) -> bool:
        """Whether a reading stands in the topic."""
        return any((source.path or "").startswith(TOPIC) for source in self.sources)

    @property
    def mapped(self) -> list[tuple[str, str, Source]]:
        """Measurement, reading and where that stands, of each reading in the profile's order."""
        return [(m, name, source) for m, readings in self.readings.items() for name, source in readings.items()]

    @property
    def sources(self) -> list[Source]:
        """Where the readings stand, in the same order."""
        return [source for _, _, source in self.mapped]


class Presence(Strict):
    """The device's own word on whether it is connected, and its last will; the native `status` topic needs none.

    Attributes:
        path: written `from`: where the word stands in a JSON payload; without it, the payload is the word.
    """

    topics: tuple[str, ...] = Field(min_length=1)
    online: tuple[str, ...] = Field(min_length=1)
    offline: tuple[str, ...] = Field(min_length=1)
    path: Path | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _either_or(self) -> Presence:
        if both := set(self.online) & set(self.offline):
            raise ValueError(f"{min(both)!r} cannot mean both online and offline")
        return self


STATUS: Presence = Presence(topics=("devices/{device}/status",), online=("online",), offline=("offline",))
"""The hub's own presence topic, which every profile has."""
