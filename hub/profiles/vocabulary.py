"""The schema of the vocabulary: the canonical readings that every profile maps to, their types, units and ranges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

ReadingType = Literal["float", "int", "bool", "string"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

INT64_MAX = 2**63 - 1


class Strict(BaseModel):
    """A part of a profile: frozen, and a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Reading(Strict):
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
