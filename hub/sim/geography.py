"""Purbalingga as the simulation needs it: districts, rivers and bus lines. Positions in degrees WGS 84, rounded."""

from __future__ import annotations

from math import atan2, cos, degrees, hypot, radians
from typing import Final, NamedTuple

METRES_A_DEGREE: Final = 111_320.0


class Point(NamedTuple):
    """A position in degrees WGS 84."""

    lat: float
    lon: float


class District(NamedTuple):
    """A kecamatan: the id its sites begin with, its name, its main town, and the height of that in metres."""

    id: str
    name: str
    centre: Point
    altitude_m: float


class River(NamedTuple):
    """A river with a gauge: its name, the district the gauge stands in, and the usual level there in centimetres."""

    id: str
    name: str
    district: str
    usual_cm: float


DISTRICTS: Final = {
    district.id: district
    for district in (
        District("purbalingga", "Purbalingga", Point(-7.388, 109.363), 62),
        District("bobotsari", "Bobotsari", Point(-7.307, 109.364), 150),
        District("kemangkon", "Kemangkon", Point(-7.459, 109.377), 40),
        District("kutasari", "Kutasari", Point(-7.332, 109.321), 190),
        District("bukateja", "Bukateja", Point(-7.430, 109.430), 48),
        District("padamara", "Padamara", Point(-7.380, 109.315), 80),
        District("kalimanah", "Kalimanah", Point(-7.403, 109.344), 55),
        District("kaligondang", "Kaligondang", Point(-7.383, 109.410), 65),
        District("mrebet", "Mrebet", Point(-7.318, 109.357), 140),
        District("bojongsari", "Bojongsari", Point(-7.345, 109.350), 110),
        District("karangreja", "Karangreja", Point(-7.221, 109.316), 760),
        District("karangjambu", "Karangjambu", Point(-7.228, 109.385), 520),
        District("karanganyar", "Karanganyar", Point(-7.312, 109.425), 120),
        District("karangmoncol", "Karangmoncol", Point(-7.288, 109.487), 160),
        District("rembang", "Rembang", Point(-7.310, 109.530), 180),
        District("kertanegara", "Kertanegara", Point(-7.280, 109.450), 170),
        District("pengadegan", "Pengadegan", Point(-7.372, 109.480), 95),
        District("kejobong", "Kejobong", Point(-7.408, 109.470), 80),
    )
}

RIVERS: Final = (
    River("klawing", "Kali Klawing", "purbalingga", 140),
    River("serayu", "Kali Serayu", "kemangkon", 210),
    River("pekacangan", "Kali Pekacangan", "bukateja", 120),
    River("gintung", "Kali Gintung", "kaligondang", 95),
    River("ponggawa", "Kali Ponggawa", "padamara", 80),
    River("laban", "Kali Laban", "karanganyar", 70),
)

ROUTES: Final = (
    ("purbalingga", "bojongsari", "mrebet", "bobotsari", "karangreja"),
    ("purbalingga", "kalimanah", "padamara", "kutasari", "bojongsari"),
    ("purbalingga", "kaligondang", "pengadegan", "kejobong", "bukateja"),
    ("kemangkon", "kalimanah", "purbalingga", "bojongsari"),
    ("bobotsari", "karanganyar", "kertanegara", "karangmoncol", "rembang"),
    ("bukateja", "kemangkon", "purbalingga", "kaligondang"),
    ("karangjambu", "bobotsari", "mrebet", "kutasari"),
)
"""Lines that vehicles serve to and fro, by district."""


def distance_m(a: Point, b: Point) -> float:
    """Return the distance in metres on a plane that touches the globe at `a`: exact enough within a regency."""
    north, east = _offset(a, b)
    return hypot(north, east)


def course_deg(a: Point, b: Point) -> float:
    """Return the course from `a` to `b` in degrees clockwise from north, 0 included, 360 excluded."""
    north, east = _offset(a, b)
    return degrees(atan2(east, north)) % 360


def _offset(a: Point, b: Point) -> tuple[float, float]:
    return (b.lat - a.lat) * METRES_A_DEGREE, (b.lon - a.lon) * METRES_A_DEGREE * cos(radians(a.lat))
