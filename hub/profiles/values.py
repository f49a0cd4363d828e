"""How a value that a device sends becomes a canonical reading; what MQTT and Modbus have in common."""

from __future__ import annotations

from pydantic import Field, FiniteFloat, model_validator

from hub.profiles.vocabulary import Strict

Plain = bool | int | float | str


class Conversion(Strict):
    """From a raw value to a canonical one: absent? -> bit -> map -> value * scale + offset -> clamp, or range.

    Attributes:
        absent: raw values that mean "no reading", e.g. [32768] for a burnt-out probe; nothing is stored of them.
        bit: take this bit of a whole number, as true or false; 0 is the lowest.
        map: an enumeration, raw value (as text) -> canonical value; a value that is not listed is rejected.
        scale: the canonical value is value * scale + offset.
        offset: see `scale`.
        min: narrower than the vocabulary's, in canonical units; outside is rejected, or clamped.
        max: likewise.
        clamp: take the nearest bound instead of rejecting what is outside.
    """

    absent: tuple[Plain, ...] = ()
    bit: int | None = Field(default=None, ge=0, le=63)
    map: dict[str, Plain] | None = None
    scale: FiniteFloat = 1
    offset: FiniteFloat = 0
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    clamp: bool = False

    @property
    def renamed(self) -> bool:
        """Whether the raw value is none of the reading's own unit: a word, a bit, or scaled."""
        return self.map is not None or self.bit is not None or self.scale != 1 or self.offset != 0

    @model_validator(mode="after")
    def _one_way(self) -> Conversion:
        if self.bit is not None and self.map is not None:
            raise ValueError("bit and map exclude each other")
        if (self.bit is not None or self.map is not None) and (self.scale != 1 or self.offset != 0):
            raise ValueError("what comes from a bit or a map is not scaled")
        return self
