"""What the shipped profiles do not use: other units of time, scaled integers, deeper nesting."""

from __future__ import annotations

from typing import Any

import pytest

from hub.decode.compiler import compile_sample
from hub.decode.fields import Field
from hub.decode.time_rule import EARLIEST, SECOND, TimeRule
from hub.decode.watch import Watch
from hub.errors import Fault, Reason, Rejected
from hub.profiles.mqtt import MessageSpec, Source
from hub.profiles.schema import Profile
from hub.profiles.terms import Terms
from hub.profiles.vocabulary import Vocabulary
from tests.unit.decode.line_protocol import Point, parse_lines
from tests.unit.decode.strategies import DAY, KEEP, NOW

VOCABULARY = Vocabulary.model_validate(
    {
        "common": {},
        "measurements": {
            "meter": {
                "energy_wh": {"type": "int", "unit": "W.h", "min": 0, "max": 10**12, "about": "Energy"},
                "power_w": {"type": "float", "unit": "W", "min": -1000, "max": 1000, "about": "Power"},
                "state": {"type": "string", "about": "State"},
            },
        },
    }
)
Doc = dict[str, Any]


def terms(spec: Doc, vocabulary: Vocabulary = VOCABULARY, **more: object) -> Terms:
    profile = {
        "vendor": "V",
        "model": "M",
        "kind": "meter",
        "about": "A meter",
        "interval_s": 60,
        "manual": {"title": "T", "edition": "1"},
        "mqtt": {"telemetry": spec},
        **more,
    }
    return Terms(Profile.model_validate(profile), "v_m", vocabulary)


def decode(spec: Doc, doc: Doc, *, keep_ns: int = KEEP) -> list[Point]:
    bind = compile_sample(MessageSpec.model_validate(spec), terms(spec), TimeRule(keep_ns, tracker=False))
    return parse_lines(bind(())("", doc, NOW, False, True, Watch("d", 0)))  # noqa: FBT003 - the hot path's own order


def faults(spec: Doc, doc: Doc) -> list[Fault]:
    with pytest.raises(Rejected) as caught:
        decode(spec, doc)
    return caught.value.faults


@pytest.mark.parametrize(
    ("unit", "value"),
    [("s", 1_789_999_999), ("us", 1_789_999_999_000_000), ("ns", NOW - SECOND), ("rfc3339", "2026-09-21T14:13:19Z")],
)
def test_every_unit_of_time_leads_to_nanoseconds(unit: str, value: object) -> None:
    spec = {"time": {"from": "head.at", "unit": unit}, "readings": {"meter": {"power_w": "p"}}}

    assert decode(spec, {"head": {"at": value}, "p": 1}) == [Point("meter", {}, {"power_w": 1.0}, NOW - SECOND)]


def test_a_message_without_a_place_for_time_has_the_time_of_receipt() -> None:
    assert decode({"readings": {"meter": {"power_w": "p"}}}, {"p": 1}) == [Point("meter", {}, {"power_w": 1.0}, NOW)]


def test_a_long_retention_does_not_let_a_time_before_2020_through() -> None:
    spec = {"time": {"from": "ts", "unit": "s"}, "readings": {"meter": {"power_w": "p"}}}

    points = decode(spec, {"ts": EARLIEST // SECOND - 1, "p": 1}, keep_ns=3650 * DAY)

    assert points == [Point("meter", {}, {"power_w": 1.0, "clock_skew": True}, NOW)]


@pytest.mark.parametrize(("sent", "stored"), [(2, 2000), (2.0, 2000), (0.5, 500)])
def test_a_scaled_reading_of_type_int_stays_one(sent: float, stored: int) -> None:
    spec = {"readings": {"meter": {"energy_wh": {"from": "kwh", "scale": 1000}}}}

    (point,) = decode(spec, {"kwh": sent})

    assert point.fields == {"energy_wh": stored}
    assert type(point.fields["energy_wh"]) is int


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (0.0005, Reason.WRONG_TYPE),
        (2**63, Reason.OUT_OF_RANGE),
        (1e300, Reason.OUT_OF_RANGE),
        (10**400, Reason.OUT_OF_RANGE),
        (True, Reason.WRONG_TYPE),
    ],
)
def test_a_scaled_reading_that_does_not_fit_is_a_fault(sent: object, reason: Reason) -> None:
    spec = {"readings": {"meter": {"energy_wh": {"from": "kwh", "scale": 1000}}}}

    assert [fault.reason for fault in faults(spec, {"kwh": sent})] == [reason]


@pytest.mark.parametrize("sent", [10**400, -(10**400), float("inf"), float("nan"), 1e308])
def test_scaling_never_overflows(sent: float) -> None:
    spec = {"readings": {"meter": {"power_w": {"from": "kw", "scale": 1000, "offset": -1}}}}

    assert [fault.reason for fault in faults(spec, {"kw": sent})] == [Reason.OUT_OF_RANGE]


def test_scale_and_offset_are_applied_in_this_order() -> None:
    spec = {"readings": {"meter": {"power_w": {"from": "kw", "scale": 1000, "offset": -1}}}}

    assert decode(spec, {"kw": 0.5}) == [Point("meter", {}, {"power_w": 499.0}, NOW)]


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [("power_w", 1.5, "power_w=1.5,"), ("energy_wh", 2.0, "energy_wh=2i,"), ("state", "on", 'state="on",')],
)
def test_the_careful_way_writes_good_values_as_the_quick_one_does(name: str, value: object, written: str) -> None:
    reading = VOCABULARY.measurements["meter"][name]

    field = Field(name, reading, Source(path="x"), "x")
    converted = field.convert(value)

    assert converted is not None
    assert not isinstance(converted, Fault)
    assert field.text(converted) == written


def test_nested_readings_are_found_and_what_is_no_object_is_named_once() -> None:
    spec = {"readings": {"meter": {"power_w": "a.b.p", "state": "a.b.s"}}}

    assert decode(spec, {"a": {"b": {"p": 1, "s": "on"}}})[0].fields == {"power_w": 1.0, "state": "on"}
    assert faults(spec, {"a": {"b": 7}}) == [Fault(Reason.WRONG_TYPE, "a.b: is 7, expected an object")]


def test_texts_are_quoted_and_long_or_unprintable_ones_refused() -> None:
    spec = {"readings": {"meter": {"state": "s"}}}

    assert decode(spec, {"s": 'a "b" \\'})[0].fields == {"state": 'a "b" \\'}
    assert [fault.reason for fault in faults(spec, {"s": "a\nb"})] == [Reason.OUT_OF_RANGE]
    assert [fault.reason for fault in faults(spec, {"s": 1})] == [Reason.WRONG_TYPE]


def test_the_faults_of_one_sample_are_bounded() -> None:
    names = [f"r{index}" for index in range(20)]
    reading = {"type": "bool", "about": "A switch"}
    vocabulary = Vocabulary.model_validate({"common": {}, "measurements": {"m": dict.fromkeys(names, reading)}})
    spec = {"readings": {"m": {name: name for name in names}}}
    rule = TimeRule(KEEP, tracker=False)
    sample = compile_sample(MessageSpec.model_validate(spec), terms(spec, vocabulary), rule)(())

    with pytest.raises(Rejected) as caught:
        sample("", dict.fromkeys(names, 1), NOW, False, True, Watch("d", 0))  # noqa: FBT003 - the hot path's own order

    assert len(caught.value.faults) == 8


def test_a_reading_outside_the_vocabulary_is_a_programming_error() -> None:
    with pytest.raises(KeyError, match=r"meter\.colour"):
        decode({"readings": {"meter": {"colour": "c"}}}, {})


def test_nothing_in_a_path_can_become_code() -> None:
    path = "x'); raise SystemExit('"

    assert decode({"readings": {"meter": {"power_w": path}}}, {path: 3})[0].fields == {"power_w": 3.0}
