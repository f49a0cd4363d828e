"""Where a way crosses an area, against a dense sample of it; and GeoJSON that is right or wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from math import cos, pi, sin
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.errors import UsageError
from hub.status.fences import CELL_DEG, Fence, Fences, Polygon, Position, read_fence

SQUARE: list[Position] = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
HOLE: list[Position] = [(4, 4), (6, 4), (6, 6), (4, 6), (4, 4)]
RING = Fence("ring", [[SQUARE, HOLE]])
SPLINTER = Fence("splinter", [[[(5, 5), (5.0001, 5), (5.0001, 5.0001), (5, 5)]]])
COORDINATES = st.floats(-20, 20)
POSITIONS = st.tuples(COORDINATES, COORDINATES)


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """A polygon of any shape around a centre, perhaps with a hole."""
    x, y = draw(POSITIONS)
    radii = draw(st.lists(st.floats(0.1, 10), min_size=3, max_size=12))
    corners = [
        (x + radius * cos(2 * pi * number / len(radii)), y + radius * sin(2 * pi * number / len(radii)))
        for number, radius in enumerate(radii)
    ]
    rings = [[*corners, corners[0]]]
    if draw(st.booleans()):
        rings.append([(x + (px - x) / 3, y + (py - y) / 3) for px, py in rings[0]])
    return rings


AREAS = st.builds(lambda polygons: Fence("area", polygons), st.lists(stars(), min_size=1, max_size=3))


def test_a_position_is_inside_or_not() -> None:
    assert RING.holds(1, 1)
    assert not RING.holds(5, 5)  # the hole
    assert not RING.holds(11, 1)


def test_a_way_through_is_entered_and_left() -> None:
    assert RING.passages((-10, 2), (30, 2)) == [(0.0, False), (0.25, True), (0.5, False)]


def test_a_way_through_a_hole_leaves_and_enters_again() -> None:
    assert [inside for _, inside in RING.passages((-5, 5), (15, 5))] == [False, True, False, True, False]


def test_a_vehicle_that_jumps_across_a_small_area_is_noticed() -> None:
    way = SPLINTER.passages((4, 5.00001), (6, 5.00001))
    assert [inside for _, inside in way] == [False, True, False]


def test_a_corner_that_is_touched_is_no_passage() -> None:
    assert RING.passages((-5, 5), (5, -5)) == [(0.0, False)]


def test_a_way_along_the_border_is_one_stretch() -> None:
    assert len(RING.passages((1, 0), (9, 0))) == 1


def test_a_vehicle_that_stands_passes_nothing() -> None:
    assert RING.passages((1, 1), (1, 1)) == [(0.0, True)]


@given(AREAS, POSITIONS, POSITIONS)
def test_the_stretches_are_what_a_dense_sample_says(area: Fence, start: Position, end: Position) -> None:
    way = area.passages(start, end)
    assert way[0][0] == 0.0
    assert all(here < there for (here, _), (there, _) in pairwise(way))
    assert all(one != other for (_, one), (_, other) in pairwise(way))
    for number in range(501):
        part = number / 500
        if all(abs(part - begin) > 1e-9 for begin, _ in way):
            expected = [inside for begin, inside in way if begin <= part][-1]
            here = start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])
            if not _near_border(area, here):
                assert area.holds(*here) == expected


def _near_border(area: Fence, position: Position) -> bool:
    """Rounding decides on which side of an edge a position on it lies."""
    x, y = position
    for polygon in area.polygons:
        for ring in polygon:
            for (ax, ay), (bx, by) in pairwise(ring):
                length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
                if length < 1e-12 or abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length < 1e-9:
                    return True
    return False


@given(AREAS, POSITIONS, POSITIONS)
def test_the_way_back_crosses_at_the_same_places(area: Fence, start: Position, end: Position) -> None:
    there = area.passages(start, end)
    back = area.passages(end, start)
    assume(not any(_near_border(area, one) for one in (start, end)))
    assert [inside for _, inside in reversed(back)] == [inside for _, inside in there]
    crossings = sorted(1 - part for part, _ in back[1:])
    assert crossings == pytest.approx([part for part, _ in there[1:]], abs=1e-9)


@given(st.lists(AREAS, max_size=5), POSITIONS, POSITIONS)
def test_no_area_that_a_way_meets_is_overlooked(areas: list[Fence], start: Position, end: Position) -> None:
    fences = Fences()
    named = [Fence(str(number), area.polygons) for number, area in enumerate(areas)]
    fences.update(named)
    near = {fence.name for fence in fences.near(start, end, None)}
    assert {fence.name for fence in named if any(inside for _, inside in fence.passages(start, end))} <= near


def test_areas_of_another_agency_do_not_concern_a_vehicle() -> None:
    fences = Fences()
    fences.update([Fence("a", [[SQUARE]], "dishub"), Fence("b", [[SQUARE]], "polres"), Fence("c", [[SQUARE]])])
    assert {fence.name for fence in fences.near((1, 1), (2, 2), "dishub")} == {"a", "c"}
    assert {fence.name for fence in fences.near((1, 1), (2, 2), None)} == {"c"}


def test_a_province_and_a_parking_lot_are_both_found() -> None:
    fences = Fences()
    lot = [(109.36, -7.39), (109.361, -7.39), (109.361, -7.389), (109.36, -7.39)]
    fences.update([Fence("world", [[[(-180, -90), (180, -90), (180, 90), (-180, -90)]]]), Fence("lot", [[lot]])])
    here = (109.3605, -7.3895)
    assert {fence.name for fence in fences.near(here, here, None)} == {"world", "lot"}
    assert {fence.name for fence in fences.near((-179, -80), (179, 80), None)} == {"world", "lot"}
    assert CELL_DEG > 0


# GeoJSON

COORDS = [[[0, 0], [1, 0], [1, 1, 27.5], [0, 0]]]
POLYGON = {"type": "Polygon", "coordinates": COORDS}
READ: list[Polygon] = [[[(0, 0), (1, 0), (1, 1), (0, 0)]]]


@pytest.mark.parametrize(
    "document",
    [
        POLYGON,
        {"type": "MultiPolygon", "coordinates": [COORDS]},
        {"type": "Feature", "properties": {"name": "x"}, "geometry": POLYGON},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POLYGON}]},
    ],
)
def test_polygons_are_read_from(document: object) -> None:
    assert read_fence(json.dumps(document)) == READ


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "the file is no GeoJSON Polygon"),
        ({"type": "Point", "coordinates": [0, 0]}, "the file is no GeoJSON Polygon"),
        ({"type": "Feature", "geometry": None}, "the file is no GeoJSON Polygon"),
        ({"type": "FeatureCollection", "features": []}, "holds no polygon"),
        ({"type": "FeatureCollection", "features": [POLYGON, 7]}, "feature 2 is no GeoJSON"),
        ({"type": "Polygon"}, "polygon 1 is no array"),
        ({"type": "Polygon", "coordinates": []}, "polygon 1 has no outline"),
        ({"type": "MultiPolygon", "coordinates": {}}, "coordinates is no array"),
        ({"type": "MultiPolygon", "coordinates": []}, "holds no polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "polygon 1, ring 1 has 3 positions"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "polygon 1, ring 1 is not closed"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], ["1", 1], [0, 0]]]}, "ring 1, position 3 is no"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [True, 1], [0, 0]]]}, "ring 1, position 3 is no"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1], [0, 0]]]}, "ring 1, position 3 is no"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [-7.3, 109.3], [1, 1], [0, 0]]]}, "ring 1, position 2 is no"),
        ({"type": "Polygon", "coordinates": [[[0, 0]] * 10_001]}, "10001 positions, 10000 are allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: Any, message: str) -> None:  # noqa: ANN401 - any JSON
    text = document if isinstance(document, str | bytes) else json.dumps(document)
    with pytest.raises(UsageError, match=message):
        read_fence(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("Polygon"),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry", "features", "x"]), inner)
    ),
    max_leaves=30,
)
TYPES = st.sampled_from(["Polygon", "MultiPolygon", "Feature", "FeatureCollection"])
SHAPED = st.fixed_dictionaries({"type": TYPES, "coordinates": JSON, "geometry": JSON, "features": JSON})
NUMBERS = st.lists(st.lists(st.lists(st.lists(st.floats() | st.integers(), max_size=3), max_size=5), max_size=2))
ALMOST = st.fixed_dictionaries({"type": st.sampled_from(["Polygon", "MultiPolygon"]), "coordinates": NUMBERS})


@given((JSON | SHAPED | ALMOST).map(json.dumps) | st.text() | st.binary())
def test_whatever_is_given_is_read_or_refused_in_words(text: str | bytes) -> None:
    with suppress(UsageError):
        assert Fence("f", read_fence(text)).box
