"""The schema of device profiles: who a model is, what it sends, and how it is asked. Its parts have files beside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hub.profiles.certificate import CertificateSpec
from hub.profiles.modbus import ModbusSpec, TableName, words_problem
from hub.profiles.mqtt import MessageSpec, Presence
from hub.profiles.vocabulary import Name, Reading, Strict

Kind = Literal["cctv", "gps", "sensor", "meter", "ups", "gateway"]
Registers = dict[TableName, dict[int, list[int]]]
"""Table -> address (as the profile counts) -> the words from there on; coils and discrete inputs are 0 or 1."""
OWN = "own"
"""As a measurement in `readings`: the vendor's own, stored in `<kind>_ext` under `<profile>_<name>`."""


class Manual(Strict):
    """The document that the profile was written from."""

    title: str
    edition: str
    url: str | None = None


Vital = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class Profile(Strict):
    """A device model, described as data.

    Attributes:
        interval_s: how often it promises to speak; silence for longer is a sign.
        unconfirmed: what the documents leave open, a sentence each.
        counter_bits: width of its byte counters, so that a wrap is told from a reset; without it they never wrap. A
            counter that begins anew by itself, e.g. every day, must not have it.
        speed_limit_kmh: of a vehicle's tracker, where no geofence sets another; without it nothing is too fast.
        vitals: readings by which its health is judged, as `measurement.reading`: bandwidth (counter or rate),
            temperature, battery, storage, firmware, position ...
        own: the vendor's own readings, beyond the vocabulary.
        mqtt: message name -> what it holds.
    """

    vendor: str = Field(min_length=1)
    model: str = Field(min_length=1)
    kind: Kind
    about: str = Field(min_length=1)
    manual: Manual
    unconfirmed: tuple[str, ...] = ()
    interval_s: float = Field(gt=0, le=86400)
    counter_bits: Literal[32, 64] | None = None
    speed_limit_kmh: float | None = Field(default=None, gt=0, le=400)
    vitals: tuple[Vital, ...] = ()
    own: dict[Name, Reading] = Field(default_factory=dict)
    mqtt: dict[Name, MessageSpec] = Field(default_factory=dict)
    presence: Presence | None = None
    modbus: ModbusSpec | None = None
    certificate: CertificateSpec = CertificateSpec()

    @model_validator(mode="after")
    def _speaks(self) -> Profile:
        if not self.mqtt and self.modbus is None:
            raise ValueError("says neither mqtt nor modbus: how shall the device be heard?")
        return self


class Case(Strict):
    """An example that the profile must decode: what the device sends, and the lines or the reasons that come out.

    Attributes:
        message: name of the MQTT message that the payload is one of.
        topic: the topic it comes on, where the profile has its own; placeholders are filled with `identity`.
        identity: serial and imei of the device that sends it; `device` is `dev-1` unless given.
        payload: as text; `payload_hex` for bytes.
        registers: Modbus instead: what has been read of each table.
        lines: line protocol without tags: `measurement field=value,... time`.
        rejected: the reasons, in their order.
    """

    about: str
    message: str = "telemetry"
    topic: str | None = None
    identity: dict[Literal["device", "serial", "imei"], str] = Field(default_factory=dict)
    payload: str | None = None
    payload_hex: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}\s*)*$")] | None = None
    registers: Registers | None = None
    received_ns: int = 1_790_000_000_000_000_000
    retained: bool = False
    lines: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Case:
        if sum(value is not None for value in (self.payload, self.payload_hex, self.registers)) != 1:
            raise ValueError("holds one of payload, payload_hex and registers")
        return self

    @field_validator("registers")
    @classmethod
    def _held(cls, value: Registers | None) -> Registers | None:
        for table, blocks in (value or {}).items():
            for first, words in blocks.items():
                if what := words_problem(table, first, words):
                    raise ValueError(what)
        return value
