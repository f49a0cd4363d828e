"""The quick way leads where the careful one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.decode.compiler import compile_sample
from hub.decode.quick import LONGEST, MOST, MOST_MET, OFTEN, Shapes, write_quick
from hub.decode.time_rule import TimeRule
from hub.decode.watch import Watch
from hub.errors import Fault, Rejected
from hub.profiles.mqtt import MessageSpec
from hub.profiles.terms import Terms
from tests.shipped import PROFILES, VOCABULARY
from tests.unit.decode.strategies import KEEP, NOW, VALUES, good_samples, is_plain, keys

if TYPE_CHECKING:
    from hub.decode.compiler import Sample

FLAT = [
    (name, message)
    for name, profile in PROFILES.items()
    for message, spec in profile.mqtt.items()
    if message != "events" and is_plain(spec) and not any("." in path for path in keys(spec))
]
every_flat_message = pytest.mark.parametrize(("profile", "message"), FLAT)
Outcome = tuple[str, list[Fault]]


def ways(profile: str, message: str, shape: tuple[str, ...]) -> tuple[Sample, Sample | None]:
    """Return the careful way for a message, and the quick one for documents of a shape."""
    spec, terms = PROFILES[profile].mqtt[message], Terms(PROFILES[profile], profile, VOCABULARY)
    rule = TimeRule(keep_ns=KEEP, tracker=PROFILES[profile].kind == "gps")
    careful = compile_sample(spec, terms, rule)(())
    return careful, write_quick(spec, terms, rule, careful, shape)


def outcome(sample: Sample, doc: dict[str, Any], received_ns: int, watch: Watch, *, retained: bool) -> Outcome:
    try:
        return sample(",device=a", doc, received_ns, retained, True, watch), []  # noqa: FBT003 - as decoders call it
    except Rejected as rejected:
        return rejected.kept, rejected.faults


def left(watch: Watch) -> tuple[object, ...]:
    return watch.samples, watch.fix, watch.doubt


def is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@every_flat_message
@given(data=st.data())
def test_whatever_is_sent_both_ways_say_and_leave_the_same(profile: str, message: str, data: st.DataObject) -> None:
    first = data.draw(good_samples(PROFILES[profile].mqtt[message], VOCABULARY))
    careful, quick = ways(profile, message, tuple(first))
    assert quick is not None
    others = VALUES.filter(is_json).map(orjson.loads)
    slow_watch, quick_watch = Watch("a", 0), Watch("a", 0)
    for step in range(data.draw(st.integers(1, 12))):
        changed = data.draw(st.dictionaries(st.sampled_from(list(first)), others, max_size=2))
        moved = {key: value + step if type(value) is int else value for key, value in first.items()}
        doc = {**moved, **changed}
        received_ns, retained = NOW + step * data.draw(st.sampled_from([1_000, 10**8, 10**9])), data.draw(st.booleans())
        expected = outcome(careful, doc, received_ns, slow_watch, retained=retained)
        assert outcome(quick, doc, received_ns, quick_watch, retained=retained) == expected
        assert left(quick_watch) == left(slow_watch)


@every_flat_message
@given(data=st.data())
def test_what_is_right_never_needs_the_careful_way(profile: str, message: str, data: st.DataObject) -> None:
    doc = data.draw(good_samples(PROFILES[profile].mqtt[message], VOCABULARY))
    assume(not any(isinstance(value, str) and set(value) & set('"\\') for value in doc.values()))  # are escaped
    spec, terms = PROFILES[profile].mqtt[message], Terms(PROFILES[profile], profile, VOCABULARY)
    rule = TimeRule(keep_ns=KEEP, tracker=PROFILES[profile].kind == "gps")
    quick = write_quick(spec, terms, rule, never, tuple(doc))
    assert quick is not None
    assert outcome(quick, doc, NOW, Watch("a", 0), retained=False)[0].count("\n") == len(
        spec.readings.keys() & stored(spec, doc)
    )


def stored(spec: MessageSpec, doc: dict[str, Any]) -> set[str]:
    return {m for m, readings in spec.readings.items() if any(source.path in doc for source in readings.values())}


def never(*_: object) -> str:
    raise AssertionError


def test_the_generic_profiles_have_it() -> None:
    assert {("generic_ipcamera", "telemetry"), ("generic_tracker", "telemetry")} <= set(FLAT)


SPEC = {
    "time": {"from": "ts", "unit": "ms"},
    "readings": {"weather": {"temperature_c": "t", "humidity_percent": {"from": "h", "absent": [255]}}},
}


def quick_of(spec: dict[str, Any], shape: tuple[str, ...]) -> Sample | None:
    message = MessageSpec.model_validate(spec)
    terms = Terms(PROFILES["generic_environment"], "generic_environment", VOCABULARY)
    rule = TimeRule(keep_ns=KEEP, tracker=False)
    return write_quick(message, terms, rule, compile_sample(message, terms, rule)(()), shape)


def weather(**sources: object) -> dict[str, Any]:
    return {**SPEC, "readings": {"weather": {"temperature_c": "t", **sources}}}


def test_without_a_time_of_its_own_it_is_that_of_receipt_but_for_what_was_retained() -> None:
    quick = quick_of(SPEC, ("t",))
    assert quick is not None
    assert outcome(quick, {"t": 21.5}, NOW, Watch("a", 0), retained=False) == (
        f"weather,device=a temperature_c=21.5 {NOW}\n",
        [],
    )
    assert outcome(quick, {"t": 21.5}, NOW, Watch("a", 0), retained=True)[0] == ""


def test_values_that_mean_no_reading_are_none() -> None:
    quick = quick_of(SPEC, ("ts", "t", "h"))
    assert quick is not None
    doc = {"ts": NOW // 1_000_000, "t": 21.5, "h": 255}
    assert outcome(quick, doc, NOW, Watch("a", 0), retained=False) == (
        f"weather,device=a temperature_c=21.5 {NOW}\n",
        [],
    )


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        pytest.param(SPEC, ("ts", "other"), id="no reading"),
        pytest.param(weather(humidity_percent="deep.h"), ("ts", "t", "deep"), id="a value that stands deeper"),
        pytest.param(weather(humidity_percent="deep.h"), ("ts", "t", "deep.h"), id="a key that looks like a path"),
        pytest.param(weather(humidity_percent="$topic.1"), ("ts", "t", "$topic.1"), id="a level of the topic"),
        pytest.param(
            weather(humidity_percent={"from": "h", "default": 0}), ("ts", "t"), id="a missing value that counts"
        ),
        pytest.param(weather(humidity_percent={"from": "h", "numeral": True}), ("ts", "t", "h"), id="a number as text"),
        pytest.param(SPEC | {"time": {"from": "ts", "unit": "rfc3339"}}, ("ts", "t"), id="a time as text"),
    ],
)
def test_what_needs_care_has_no_quick_way(spec: dict[str, Any], shape: tuple[str, ...]) -> None:
    assert quick_of(spec, shape) is None


# --- which way is found ---


def careful_way(*_: object) -> str:
    return "careful"


def quick_way(*_: object) -> str:
    return "quick"


@pytest.fixture
def shapes() -> Shapes:
    return Shapes(careful_way, lambda *_: quick_way)


def meet_often(shapes: Shapes, *keys: str) -> None:
    for _ in range(OFTEN):
        assert shapes.meet(keys) is careful_way


def test_keys_that_come_often_have_a_way_of_their_own(shapes: Shapes) -> None:
    meet_often(shapes, "ts", "fps")
    assert shapes.quick == {("ts", "fps"): quick_way}


def test_keys_that_have_no_quick_way_are_not_tried_again() -> None:
    shapes = Shapes(careful_way, lambda *_: None)
    meet_often(shapes, "ts", "fps")
    assert shapes.quick == {("ts", "fps"): careful_way}


def test_another_order_is_another_shape(shapes: Shapes) -> None:
    meet_often(shapes, "ts", "fps")
    assert ("fps", "ts") not in shapes.quick


def test_however_many_there_are_few_are_kept(shapes: Shapes) -> None:
    for number in range(MOST + 10):
        meet_often(shapes, f"k{number}")
    assert len(shapes.quick) == MOST


def test_whoever_sends_other_keys_each_time_has_none(shapes: Shapes) -> None:
    for number in range(OFTEN * (MOST_MET + 1)):
        shapes.meet((f"k{number % (MOST_MET + 1)}",))
    assert shapes.quick == {}


def test_endless_keys_are_not_worth_it(shapes: Shapes) -> None:
    meet_often(shapes, "k" * (LONGEST + 1))
    assert shapes.quick == {}
