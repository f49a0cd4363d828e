from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hub.decode.line import tag_set
from hub.decode.messages import compile_profile
from hub.decode.time_rule import AHEAD
from hub.decode.watch import Watch
from hub.errors import Fault, Reason, Rejected
from hub.profiles.terms import Terms
from tests.shipped import PROFILES, VOCABULARY
from tests.unit.decode.line_protocol import Point, Value, parse_lines
from tests.unit.decode.strategies import (
    KEEP,
    NOW,
    RECEIVED,
    VALUES,
    good_samples,
    is_plain,
    keys,
    may_be_silent,
    put,
    wild_objects,
)

if TYPE_CHECKING:
    from hub.decode.formats import Decoder
    from hub.profiles.mqtt import MessageSpec

DECODERS = {
    name: {message: inlet.bind("") for message, inlet in compile_profile(profile, name, VOCABULARY, KEEP).items()}
    for name, profile in PROFILES.items()
}
SHIPPED = [(name, message) for name, decoders in DECODERS.items() for message in decoders]
TAGS = tag_set([("device", "a 1"), ("zone", "flood+traffic")])
TYPES: dict[str, type[Value]] = {"float": float, "int": int, "bool": bool, "string": str}

every_decoder = pytest.mark.parametrize(("profile", "message"), SHIPPED)
every_plain_decoder = pytest.mark.parametrize(
    ("profile", "message"), [one for one in SHIPPED if is_plain(PROFILES[one[0]].mqtt[one[1]])]
)
"""Decoders of the hub's own format; what vendors' formats add has tests of its own beside these."""


def spec_of(profile: str, message: str) -> MessageSpec:
    return PROFILES[profile].mqtt[message]


def outcome(
    decode: Decoder, payload: bytes, received_ns: int = NOW, *, retained: bool = False
) -> tuple[str, list[Fault]]:
    """Decode; what is kept and what was wrong. Anything but a rejection escapes and fails the test."""
    try:
        return decode(TAGS, payload, received_ns, retained, Watch("a 1", 0)), []
    except Rejected as rejected:
        return rejected.kept, rejected.faults


def check(profile: str, message: str, payload: bytes, received_ns: int, *, retained: bool) -> None:
    """Whatever was sent, what comes out is valid line protocol, or a rejection that says why, or both."""
    text, faults = outcome(DECODERS[profile][message], payload, received_ns, retained=retained)
    points = parse_lines(text)
    assert points or faults or may_be_silent(spec_of(profile, message))  # a rejection says why
    assert all(fault.reason in Reason and fault.detail.isprintable() for fault in faults)
    assert len(faults) <= 16
    for point in points:
        check_point(point, Terms(PROFILES[profile], profile, VOCABULARY), spec_of(profile, message))
        assert received_ns - KEEP <= point.time <= received_ns + AHEAD + 999_999


def check_point(point: Point, terms: Terms, spec: MessageSpec) -> None:
    assert point.tags == {"device": "a 1", "zone": "flood+traffic"}
    known = {
        terms.field(measurement, name): terms.reading(measurement, name)
        for measurement, readings in spec.readings.items()
        if terms.measurement(measurement) == point.measurement
        for name in (*readings, "clock_skew")
    }
    for name, value in point.fields.items():
        reading = known[name] or VOCABULARY.common["clock_skew"]
        assert type(value) is TYPES[reading.type]
        if reading.min is not None and reading.max is not None and not isinstance(value, str):
            assert reading.min <= value <= reading.max


@every_decoder
@given(payload=st.binary(), received_ns=RECEIVED, retained=st.booleans())
def test_any_bytes_are_line_protocol_or_a_rejection(
    profile: str, message: str, payload: bytes, received_ns: int, *, retained: bool
) -> None:
    check(profile, message, payload, received_ns, retained=retained)


@every_decoder
@given(text=VALUES, received_ns=RECEIVED, retained=st.booleans())
@example(text="[" * 5000, received_ns=NOW, retained=False)
@example(text="[[" * 400 + "]]" * 400, received_ns=NOW, retained=False)
def test_any_json_is_line_protocol_or_a_rejection(
    profile: str, message: str, text: str, received_ns: int, *, retained: bool
) -> None:
    check(profile, message, text.encode(), received_ns, retained=retained)


@pytest.mark.slow
@every_decoder
@given(data=st.data(), received_ns=RECEIVED, retained=st.booleans())
def test_any_value_under_the_profiles_own_keys_is_line_protocol_or_a_rejection(
    profile: str, message: str, data: st.DataObject, received_ns: int, *, retained: bool
) -> None:
    objects = wild_objects(spec_of(profile, message))
    text = data.draw(objects | st.lists(objects | VALUES, max_size=4).map(lambda items: f"[{','.join(items)}]"))

    check(profile, message, text.encode(), received_ns, retained=retained)


@every_plain_decoder
@given(data=st.data())
def test_everything_in_range_is_stored_as_sent(profile: str, message: str, data: st.DataObject) -> None:
    spec = spec_of(profile, message)
    sample = data.draw(good_samples(spec, VOCABULARY))

    text, faults = outcome(DECODERS[profile][message], json.dumps(sample).encode())

    assert faults == []
    stored = {(point.measurement, name): value for point in parse_lines(text) for name, value in point.fields.items()}
    assert stored == {
        (measurement, name): pytest.approx(sent * source.scale + source.offset) if is_number(sent) else sent
        for measurement, readings in spec.readings.items()
        for name, source in readings.items()
        if (sent := value_at(sample, source.path or "")) is not None
    }


@every_plain_decoder
@given(data=st.data())
def test_bad_neighbours_in_an_array_change_nothing_for_the_good(
    profile: str, message: str, data: st.DataObject
) -> None:
    decode, spec = DECODERS[profile][message], spec_of(profile, message)
    good = data.draw(st.lists(good_samples(spec, VOCABULARY), min_size=1, max_size=3))
    assume(len({(one["lat"], one["lon"]) for one in good if {"lat", "lon"} <= one.keys()}) <= 1)  # no tracker jumps
    bad: list[Any] = [1, None, "x", [], {}, {"ts": 0}, {"ts": NOW // 1_000_000}, {"ts": {}}, *good]
    mixed = data.draw(st.lists(st.sampled_from(bad), min_size=2, max_size=8))

    text, faults = outcome(decode, json.dumps(mixed).encode())

    alone = [outcome(decode, json.dumps(sample).encode())[0] for sample in mixed if sample in good]
    assert text == "".join(alone)
    assert bool(faults) == (len(alone) < len(mixed))


@every_plain_decoder
@given(data=st.data())
def test_a_bad_reading_costs_only_itself(profile: str, message: str, data: st.DataObject) -> None:
    decode, spec = DECODERS[profile][message], spec_of(profile, message)
    assert spec.time is not None
    sample = data.draw(good_samples(spec, VOCABULARY))
    absent = [key for key in keys(spec) if value_at(sample, key) is None and "." not in key]
    assume(absent)
    broken = data.draw(st.sampled_from(absent))

    whole, _ = outcome(decode, json.dumps(sample).encode())
    put(sample, broken, [broken])
    kept, faults = outcome(decode, json.dumps(sample).encode())

    assert kept == whole
    assert [fault.reason for fault in faults] == [Reason.WRONG_TYPE]
    assert faults[0].detail.startswith(f"{broken}: ")


def is_number(value: object) -> bool:
    return type(value) is int or type(value) is float


def value_at(sample: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    for key in path.split("."):
        sample = sample.get(key, {}) if isinstance(sample, dict) else {}
    return None if sample == {} else sample


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"nan", b'{"a":1}x'])
def test_what_is_not_json_is_a_bad_payload(payload: bytes) -> None:
    _, faults = outcome(DECODERS["generic_ipcamera"]["telemetry"], payload)

    assert [fault.reason for fault in faults] == [Reason.BAD_PAYLOAD]


@pytest.mark.parametrize("payload", [b"1", b"null", b"[]", b'"online"', b"true"])
def test_what_holds_no_object_is_of_the_wrong_type(payload: bytes) -> None:
    _, faults = outcome(DECODERS["generic_ipcamera"]["telemetry"], payload)

    assert [fault.reason for fault in faults] == [Reason.WRONG_TYPE]


def test_the_faults_of_a_long_array_are_bounded_and_name_their_sample() -> None:
    _, faults = outcome(DECODERS["generic_ipcamera"]["telemetry"], json.dumps([1] * 1000).encode())

    assert [fault.detail for fault in faults] == [f"sample {index}: is not a JSON object" for index in range(8)]


def test_two_events_at_the_same_time_are_kept_apart_and_a_redelivered_one_lands_on_itself() -> None:
    decode, ms = DECODERS["generic_ipcamera"]["events"], NOW // 1_000_000
    opened, closed = ({"ts": ms, "event": name} for name in ("door_open", "door_closed"))

    first, second = (point.time for point in parse_lines(outcome(decode, json.dumps([opened, closed]).encode())[0]))
    again = parse_lines(outcome(decode, json.dumps(closed).encode(), NOW + 5_000_000_000)[0])[0].time

    assert first != second
    assert again == second
    assert {first // 1_000_000, second // 1_000_000} == {ms}
