"""The schema of the vocabulary: the canonical readings that every profile maps to, their types, units and ranges."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

ReadingType = Literal["float", "int", "bool", "string"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

INT64_MAX = 2**63 - 1

UNITS: dict[str, str] = {
    "1": "a number without a unit", "%": "per cent", "[ppm]": "parts per million", "[ppb]": "parts per billion",
    "[pH]": "pH", "/s": "per second", "/min": "per minute", "/h": "per hour",
    "s": "seconds", "ms": "milliseconds", "us": "microseconds", "min": "minutes", "h": "hours", "d": "days",
    "m": "metres", "mm": "millimetres", "cm": "centimetres", "km": "kilometres", "m2": "square metres",
    "m3": "cubic metres", "L": "litres", "m3/h": "cubic metres an hour", "m3/s": "cubic metres a second",
    "L/s": "litres a second", "L/min": "litres a minute", "mm/h": "millimetres an hour",
    "m/s": "metres a second", "km/h": "kilometres an hour", "m/s2": "metres a second, squared",
    "deg": "degrees of an angle", "rad": "radians", "deg/s": "degrees a second", "g": "grams", "kg": "kilograms",
    "t": "tonnes", "N": "newtons", "J": "joules", "kJ": "kilojoules", "MJ": "megajoules",
    "Cel": "degrees Celsius", "K": "kelvins", "Pa": "pascals", "hPa": "hectopascals", "kPa": "kilopascals",
    "bar": "bars", "mbar": "millibars", "V": "volts", "mV": "millivolts", "kV": "kilovolts",
    "A": "amperes", "mA": "milliamperes", "A.h": "ampere-hours", "Ohm": "ohms", "kOhm": "kilohms", "F": "farads",
    "W": "watts", "kW": "kilowatts", "MW": "megawatts", "W.h": "watt-hours", "kW.h": "kilowatt-hours",
    "MW.h": "megawatt-hours", "V.A": "volt-amperes", "kV.A": "kilovolt-amperes", "kV.A.h": "kilovolt-ampere-hours",
    "V.A{reactive}": "volt-amperes reactive (var)", "kV.A{reactive}": "kilovolt-amperes reactive (kvar)",
    "V.A.h{reactive}": "var-hours", "kV.A.h{reactive}": "kilovar-hours",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "dB": "decibels", "dB[SPL]": "decibels of sound pressure",
    "dB[m]": "decibels over a milliwatt (dBm)", "lx": "lux", "lm": "lumens", "W/m2": "watts a square metre",
    "ug/m3": "micrograms a cubic metre", "mg/m3": "milligrams a cubic metre",
    "mg/L": "milligrams a litre", "g/L": "grams a litre", "uS/cm": "microsiemens a centimetre",
    "mS/cm": "millisiemens a centimetre", "[NTU]": "turbidity units", "uSv/h": "microsieverts an hour",
    "By": "bytes", "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "bit": "bits", "bit/s": "bits a second",
    "kbit/s": "kilobits a second", "Mbit/s": "megabits a second", "By/s": "bytes a second",
}  # fmt: skip
"""Units that a reading may have: UCUM codes (https://ucum.org), and four of that make which UCUM does not define:
`dB`, `dB[m]`, `dB[SPL]` and `[NTU]`; what stands in braces is UCUM's way to annotate a unit."""


class Strict(BaseModel):
    """A part of a profile: frozen, and a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Reading(Strict):
    """A canonical reading: its type never changes, so that InfluxDB never meets a type conflict.

    `unit` is one of UNITS; a number outside `min` ... `max` is rejected. `about` is one plain sentence.
    """

    type: ReadingType
    unit: str | None = None
    min: FiniteFloat | int | None = None
    max: FiniteFloat | int | None = None
    about: str

    @field_validator("unit")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is None or value in UNITS:
            return value
        near = get_close_matches(value, UNITS, n=1)
        hint = f"did you mean {near[0]}?" if near else "those that are known stand in docs/profiles.md"
        raise ValueError(f"there is no unit {value!r} here; {hint}")

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


class Vocabulary(Strict):
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
