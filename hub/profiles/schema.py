"""The one home of the schema of device profiles and of the vocabulary that they map to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, model_validator

ReadingType = Literal["float", "int", "bool", "string"]
TimeUnit = Literal["s", "ms", "us", "ns", "rfc3339"]
Kind = Literal["cctv", "gps", "sensor", "meter", "ups", "gateway"]
Channel = Literal["telemetry", "events"]

INT64_MAX = 2**63 - 1


def _path(value: str) -> str:
    if not value or any(not part for part in value.split(".")):
        raise ValueError("is a path of JSON keys joined by dots, e.g. wind.speed")
    return value


Path = Annotated[str, AfterValidator(_path)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Reading(_Strict):
    """A canonical reading: its type never changes, so that InfluxDB never meets a type conflict.

    `unit` is a UCUM code; a number outside `min` ... `max` is rejected. `about` is one plain sentence.
    """

    type: ReadingType
    unit: str | None = None
    min: FiniteFloat | int | None = None
    max: FiniteFloat | int | None = None
    about: str

    @model_validator(mode="after")
    def _numbers_have_a_unit(self) -> Reading:
        if self.type not in {"float", "int"}:
            if self.min is not None or self.max is not None:
                raise ValueError(f"a reading of type {self.type} has no min and max")
            return self
        if self.unit is None or self.min is None or self.max is None:
            raise ValueError(f"a reading of type {self.type} needs unit, min and max")
        if self.min > self.max:
            raise ValueError("min is greater than max")
        if self.type == "int" and not -INT64_MAX <= self.min <= self.max <= INT64_MAX:
            raise ValueError("min and max of an int fit into 64 bits")
        return self


class Vocabulary(_Strict):
    """All canonical readings: `common` ones may stand in every measurement."""

    common: dict[Name, Reading]
    measurements: dict[Name, dict[Name, Reading]]

    def reading(self, measurement: str, name: str) -> Reading | None:
        """Return the reading `name` of `measurement`, or None when there is none."""
        readings = self.measurements.get(measurement)
        return None if readings is None else readings.get(name) or self.common.get(name)

    def names(self, measurement: str) -> list[str]:
        """Return every reading that `measurement` may carry."""
        return [*self.measurements.get(measurement, {}), *self.common]


class Source(_Strict):
    """Where a reading stands in the payload and how it becomes canonical: value * scale + offset."""

    path: Path = Field(alias="from")
    scale: FiniteFloat = 1
    offset: FiniteFloat = 0


def _short_form(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class Time(_Strict):
    """Where the device's own time stands in the payload, and in what unit."""

    path: Path = Field(alias="from")
    unit: TimeUnit


class MessageSpec(_Strict):
    """What one kind of message holds: measurement -> reading -> where to find it."""

    time: Time | None = None
    readings: dict[Name, dict[Name, Annotated[Source, BeforeValidator(_short_form)]]] = Field(min_length=1)


class Manual(_Strict):
    """The document that the profile was written from."""

    title: str
    edition: str
    url: str | None = None


class Profile(_Strict):
    """A device model, described as data. `interval_s` is how often it promises to speak."""

    vendor: str = Field(min_length=1)
    model: str = Field(min_length=1)
    kind: Kind
    about: str = Field(min_length=1)
    manual: Manual
    interval_s: float = Field(gt=0, le=86400)
    mqtt: dict[Channel, MessageSpec] = Field(min_length=1)


class Case(_Strict):
    """An example that the profile must decode: a payload as sent, and the lines or the reasons that come out.

    `lines` are line protocol without tags: `measurement field=value,... time`; `rejected` lists reasons.
    """

    about: str
    channel: Channel = "telemetry"
    payload: str
    received_ns: int = 1_790_000_000_000_000_000
    retained: bool = False
    lines: list[str] = []
    rejected: list[str] = []
