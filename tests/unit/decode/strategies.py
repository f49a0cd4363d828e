"""What devices send, and what nobody should: JSON as text, so that it may hold what no encoder would write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import assume
from hypothesis import strategies as st

from hub.decode.position import NO_FIX_M, distance_m
from hub.decode.time_rule import AHEAD, EARLIEST

if TYPE_CHECKING:
    from hub.profiles.mqtt import MessageSpec
    from hub.profiles.vocabulary import Reading, Vocabulary

NOW = 1_790_000_000_000_000_000
DAY = 86_400 * 1_000_000_000
KEEP = 30 * DAY

RECEIVED = st.integers(EARLIEST + KEEP, 2**63 - 1 - AHEAD - 1_000_000) | st.just(NOW)

WORDS = st.sampled_from(
    [
        *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "5e-324", "-0", "-0.0", "1E5", "1e-7", "1e22", "01"),
        *("9" * 30, "9" * 400, "18446744073709551615", "9223372036854775808", "-9223372036854775809"),
        *(r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', r'"\n"', r'"\u2028"', '""', '"' + "x" * 1025 + '"'),
        *("[" * 1200, "{" * 3, "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "tru", ""),
    ]
)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"


SCALARS = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    st.integers(-(2**70), 2**70),
).map(json.dumps)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "]")
        | st.lists(st.tuples(st.text(max_size=5), inner), max_size=4).map(_object)
    ),
    max_leaves=10,
)


def is_plain(spec: MessageSpec) -> bool:
    """Tell whether a message is the hub's own format: JSON with a time, its values as they are or scaled."""
    usual = {"path", "scale", "offset"}
    return spec.model_fields_set == {"time", "readings"} and all(one.model_fields_set <= usual for one in spec.sources)


def may_be_silent(spec: MessageSpec) -> bool:
    """Tell whether some payloads of a message are no fault, although nothing is stored of them."""
    return bool(spec.when or spec.partial or spec.retained == "ignore" or spec.empty == "ignored") or any(
        source.absent for source in spec.sources
    )


def keys(spec: MessageSpec) -> list[str]:
    """Every path that the profile reads, the time's included."""
    paths = [source.path or "" for source in spec.sources]
    return sorted({*paths, *([spec.time.path] if spec.time else [])})


def wild_objects(spec: MessageSpec) -> st.SearchStrategy[str]:
    """Objects whose keys the profile knows and whose values are anything."""
    parts = sorted({part for path in keys(spec) for part in path.split(".")})
    pairs = st.lists(st.tuples(st.sampled_from(parts), VALUES | _near_now().map(str)), max_size=8)
    nested = pairs.map(_object)
    return st.lists(st.tuples(st.sampled_from(parts), VALUES | _near_now().map(str) | nested), max_size=8).map(_object)


def _near_now() -> st.SearchStrategy[int]:
    """Milliseconds around now, around 2020, and around the end of the retention."""
    day = DAY // 1_000_000
    return st.sampled_from([NOW, NOW - KEEP, NOW + AHEAD, EARLIEST]).flatmap(
        lambda ns: st.integers(ns // 1_000_000 - day, ns // 1_000_000 + day)
    )


def good_values(reading: Reading, scale: float, offset: float) -> st.SearchStrategy[Any]:
    """Values that the vocabulary allows, as the device would send them."""
    match reading.type:
        case "bool":
            return st.booleans()
        case "string":
            return st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=30)
        case _:
            low, high = reading.min or 0, reading.max or 0
    if reading.type == "int":
        return st.integers(int(low), int(high))
    if (scale, offset) == (1, 0):
        return st.floats(low, high) | st.integers(int(low), int(high))
    inset = (high - low) * 1e-9
    return st.floats((low + inset - offset) / scale, (high - inset - offset) / scale)


@st.composite
def good_samples(draw: st.DrawFn, spec: MessageSpec, vocabulary: Vocabulary) -> dict[str, Any]:
    """Samples with at least one reading, everything in range, and a time of their own."""
    sample: dict[str, Any] = {}
    for measurement, name, source in draw(
        st.lists(st.sampled_from(spec.mapped), min_size=1, max_size=6, unique_by=lambda k: k[2])
    ):
        reading = vocabulary.reading(measurement, name)
        assert reading is not None
        put(sample, source.path or "", draw(good_values(reading, source.scale, source.offset)))
    if {"lat", "lon"} <= sample.keys():
        assume(distance_m(sample["lat"], sample["lon"], 0, 0) >= NO_FIX_M)  # which no tracker is believed
    assert spec.time is not None
    put(sample, spec.time.path, draw(st.integers((NOW - KEEP) // 1_000_000 + 1, NOW // 1_000_000)))
    return sample


def put(sample: dict[str, Any], path: str, value: object) -> None:
    """Set the value at a path of keys joined by dots."""
    *parents, key = path.split(".")
    for parent in parents:
        sample = sample.setdefault(parent, {})
    sample[key] = value
