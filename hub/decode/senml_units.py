"""Whether the unit of a SenML record is the one that its reading is made of (RFC 8428, 12.1; RFC 8798). Pure."""

from __future__ import annotations

from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.profiles.mqtt import MessageSpec
    from hub.profiles.terms import Terms

Expected = dict[str, frozenset[str]]
"""Name of a record -> the units in which its number may be; of a name that is not there it does not matter."""

SENML: Final[dict[str, tuple[str, ...]]] = {
    "1": ("count", "/"), "%": ("%RH", "%EL", "/100"), "[ppm]": ("ppm",), "[ppb]": ("ppb",), "[pH]": ("pH",),
    "/s": ("1/s",), "/min": ("1/min",), "L": ("l",), "L/s": ("l/s",), "deg": ("lat", "lon"), "J": ("W.s",),
    "mg/L": ("mg/l",), "g/L": ("g/l",), "[NTU]": ("NTU",), "dB[m]": ("dBm",), "A.h": ("Ah",),
    "W.h": ("Wh",), "kW.h": ("kWh",), "V.A": ("VA",), "kV.A": ("kVA",), "kV.A.h": ("kVAh",),
    "V.A{reactive}": ("var",), "kV.A{reactive}": ("kvar",),
    "V.A.h{reactive}": ("varh",), "kV.A.h{reactive}": ("kvarh",),
    "By": ("B",), "GBy": ("GB",), "By/s": ("B/s",),
}  # fmt: skip
"""Unit of the vocabulary -> what IANA's registry of SenML units calls it; the others have the same name in both."""


class Foreign(NamedTuple):
    """A number in another unit than the reading's: no reading takes it, and its fault says so."""

    value: Any
    unit: str
    expected: str

    def __str__(self) -> str:
        return f"{brief(self.value)} is in {brief(self.unit)}, expected {self.expected}"

    @classmethod
    def unless(cls, value: object, unit: str, expected: frozenset[str] | None) -> object:
        """Return the value if its unit is among those that are expected, or names none."""
        if not unit or expected is None or unit in expected:
            return value
        return cls(value, unit, " or ".join(sorted(expected)))


def expected_units(spec: MessageSpec, terms: Terms) -> Expected:
    """Return the units that records must have; a name that two readings are made of must suit both."""
    expected: Expected = {}
    for path, units in _each(spec, terms):
        expected[path] = expected.get(path, units) & units
    return expected


def _each(spec: MessageSpec, terms: Terms) -> Iterator[tuple[str, frozenset[str]]]:
    for measurement, readings in spec.readings.items():
        for name, source in readings.items():
            reading = terms.reading(measurement, name)
            unit = source.unit or ("" if reading is None or source.renamed else reading.unit or "")
            if unit and source.path is not None:
                yield source.path, frozenset({unit, *SENML.get(unit, ())})
