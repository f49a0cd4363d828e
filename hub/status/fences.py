"""Areas that vehicles enter and leave: GeoJSON polygons, and where a straight way crosses them. Pure.

Edges and ways are straight in longitude and latitude, as RFC 7946 (3.1.1) has them. Areas across the antimeridian, and
around a pole, are out of scope: they must be cut there, as RFC 7946 (3.1.9) says, and no way is followed across it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise, product
from math import floor, isfinite
from typing import TYPE_CHECKING, Any, Final

import orjson

from hub.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_POSITIONS: Final = 10_000
SHORTEST_RING: Final = 4
"""A triangle, and its first position again (RFC 7946, 3.1.6)."""
CELL_DEG: Final = 0.02
"""About two kilometres: what stands in other cells need not be looked at."""
MOST_CELLS: Final = 4_096

Position = tuple[float, float]
"""Longitude and latitude in degrees WGS 84, as GeoJSON orders them."""
Polygon = list[list[Position]]
"""The outline and its holes; each ring's last position is its first."""


@dataclass(frozen=True)
class Fence:
    """An area.

    Args:
        agency: whose vehicles it concerns; None: everybody's.
        limit_kmh: the speed that is allowed inside; None: it limits nothing.
    """

    name: str
    polygons: list[Polygon]
    agency: str | None = None
    limit_kmh: float | None = None
    box: tuple[float, float, float, float] = field(init=False)

    def __post_init__(self) -> None:
        lons, lats = zip(*(position for polygon in self.polygons for position in polygon[0]), strict=True)
        object.__setattr__(self, "box", (min(lons), min(lats), max(lons), max(lats)))

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a position lies inside; of one exactly on the border either may be said."""
        west, south, east, north = self.box
        return west <= lon <= east and south <= lat <= north and any(_inside(one, lon, lat) for one in self.polygons)

    def passages(self, start: Position, end: Position) -> list[tuple[float, bool]]:
        """Return the way from start to end as stretches: (where it begins, 0 to 1; whether it lies inside).

        The first begins at 0, and neighbours differ. Touching the border is no passage.
        """
        stretches: list[tuple[float, bool]] = []
        cuts = sorted({0.0, 1.0, *self._cuts(start, end)})
        for here, there in pairwise(cuts):
            inside = self.holds(*_at(start, end, (here + there) / 2))
            if not stretches or stretches[-1][1] != inside:
                stretches.append((here, inside))
        return stretches

    def _cuts(self, start: Position, end: Position) -> Iterator[float]:
        """Where the way meets edges. One that is reported twice, or beside the edge, does no harm."""
        (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
        for polygon in self.polygons:
            for ring in polygon:
                for (ax, ay), (bx, by) in pairwise(ring):
                    ex, ey = bx - ax, by - ay
                    across = dx * ey - dy * ex
                    if across:
                        t = ((ax - x) * ey - (ay - y) * ex) / across
                        if 0 < t < 1:
                            yield t


class Fences:
    """All areas, found by where they are. `version` changes with them."""

    def __init__(self) -> None:
        self.version = 0
        self._cells: dict[tuple[int, int], list[Fence]] = {}
        self._large: list[Fence] = []

    def update(self, fences: Iterable[Fence]) -> None:
        """Take in the areas as they are now."""
        self.version += 1
        self._cells, self._large = {}, []
        for fence in fences:
            cells = _cells(*fence.box)
            if cells is None:
                self._large.append(fence)
            for cell in cells or ():
                self._cells.setdefault(cell, []).append(fence)

    def near(self, start: Position, end: Position, agency: str | None) -> list[Fence]:
        """Return the areas that concern an agency's vehicles and that a way may meet."""
        box = *map(min, start, end), *map(max, start, end)
        cells = _cells(*box)
        found = self._cells.values() if cells is None else (self._cells.get(cell, []) for cell in cells)
        named = {fence.name: fence for one in (self._large, *found) for fence in one}
        return [fence for fence in named.values() if fence.agency in {None, agency} and _meet(fence.box, box)]


def read_fence(text: str | bytes) -> list[Polygon]:
    """Return the polygons of a GeoJSON Polygon or MultiPolygon, also as a Feature or a FeatureCollection of those.

    Raises:
        UsageError: it is none; says where and what.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error}") from None
    polygons = [polygon for geometry in _geometries(document, "the file") for polygon in _polygons(geometry)]
    if not polygons:
        raise UsageError("holds no polygon: draw one, e.g. at https://geojson.io")
    positions = sum(len(ring) for polygon in polygons for ring in polygon)
    if positions > MOST_POSITIONS:
        raise UsageError(f"has {positions} positions, {MOST_POSITIONS} are allowed: simplify the outline")
    return polygons


def _geometries(document: Any, where: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    match document:
        case {"type": "Polygon" | "MultiPolygon"}:
            yield document
        case {"type": "Feature", "geometry": {"type": "Polygon" | "MultiPolygon"} as geometry}:
            yield geometry
        case {"type": "FeatureCollection", "features": [*features]} if where == "the file":
            for number, feature in enumerate(features, 1):
                yield from _geometries(feature, f"feature {number}")
        case _:
            raise UsageError(f"{where} is no GeoJSON Polygon or MultiPolygon (RFC 7946), nor a Feature of one")


def _polygons(geometry: dict[str, Any]) -> list[Polygon]:
    coordinates = geometry.get("coordinates")
    polygons = _list(coordinates, "coordinates") if geometry["type"] == "MultiPolygon" else [coordinates]
    return [_polygon(polygon, f"polygon {number}") for number, polygon in enumerate(polygons, 1)]


def _polygon(rings: object, where: str) -> Polygon:
    found = [_ring(ring, f"{where}, ring {number}") for number, ring in enumerate(_list(rings, where), 1)]
    if not found:
        raise UsageError(f"{where} has no outline")
    return found


def _ring(ring: object, where: str) -> list[Position]:
    positions = [_position(one, f"{where}, position {number}") for number, one in enumerate(_list(ring, where), 1)]
    if len(positions) < SHORTEST_RING:
        raise UsageError(f"{where} has {len(positions)} positions: a ring needs {SHORTEST_RING}, the last as the first")
    if positions[0] != positions[-1]:
        raise UsageError(f"{where} is not closed: its last position must be its first")
    return positions


def _position(position: object, where: str) -> Position:
    match position:
        case [float() | int() as lon, float() | int() as lat, *_] if _on_the_globe(lon, lat):
            return float(lon), float(lat)
        case _:
            raise UsageError(f"{where} is no [longitude, latitude] in degrees")


def _on_the_globe(lon: float, lat: float) -> bool:
    if isinstance(lon, bool) or isinstance(lat, bool):
        return False
    return isfinite(lon) and isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90  # noqa: PLR2004 - the globe


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where} is no array")
    return value


def _inside(polygon: Polygon, lon: float, lat: float) -> bool:
    """Even-odd rule over outline and holes: an edge counts when it crosses the parallel east of the position."""
    odd = False
    for ring in polygon:
        for (ax, ay), (bx, by) in pairwise(ring):
            if (ay > lat) != (by > lat) and lon < ax + (lat - ay) / (by - ay) * (bx - ax):
                odd = not odd
    return odd


def _at(start: Position, end: Position, part: float) -> Position:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _cells(west: float, south: float, east: float, north: float) -> list[tuple[int, int]] | None:
    """Return the cells that a box touches; None when they are too many to be named."""
    columns = range(floor(west / CELL_DEG), floor(east / CELL_DEG) + 1)
    rows = range(floor(south / CELL_DEG), floor(north / CELL_DEG) + 1)
    return None if len(columns) * len(rows) > MOST_CELLS else list(product(columns, rows))


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
