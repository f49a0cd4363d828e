"""What the names in a profile mean: canonical readings of the vocabulary, and the vendor's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.profiles.schema import OWN

if TYPE_CHECKING:
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Reading, Vocabulary


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one profile.

    Args:
        profile: it ...
        name: ... and its name, which is its folder's.
        vocabulary: the canonical readings.
    """

    profile: Profile
    name: str
    vocabulary: Vocabulary

    def reading(self, measurement: str, reading: str) -> Reading | None:
        """Return what a reading is, or None when there is none of that name."""
        if measurement == OWN:
            return self.profile.own.get(reading)
        return self.vocabulary.reading(measurement, reading)

    def measurements(self) -> list[str]:
        """Return every measurement that the profile may map to."""
        return [*self.vocabulary.measurements, OWN]

    def readings(self, measurement: str) -> list[str]:
        """Return every reading that `measurement` may carry."""
        return [*self.profile.own] if measurement == OWN else self.vocabulary.names(measurement)

    def measurement(self, measurement: str) -> str:
        """Return the name under which InfluxDB holds a measurement."""
        return f"{self.profile.kind}_ext" if measurement == OWN else measurement

    def field(self, measurement: str, reading: str) -> str:
        """Return the name under which InfluxDB holds a reading."""
        return f"{self.name}_{reading}" if measurement == OWN else reading
