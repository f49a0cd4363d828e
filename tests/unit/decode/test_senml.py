"""SenML packs (RFC 8428), with its own examples (section 5)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.senml import TIME, resolve
from hub.decode.senml_units import SENML
from hub.errors import Reason, Rejected
from hub.profiles.vocabulary import UNITS
from tests.unit.decode.models import Model
from tests.unit.decode.strategies import NOW, RECEIVED, VALUES

SECOND = 1_000_000_000
Record = dict[str, Any]


def resolved(*records: Record, received_ns: int = NOW, retained: bool = False) -> list[Record]:
    return resolve(json.dumps(records).encode(), received_ns, {}, retained=retained)


def refusal(*records: object) -> str:
    with pytest.raises(Rejected) as caught:
        resolve(json.dumps(records).encode(), NOW, {}, retained=False)
    (fault,) = caught.value.faults
    return fault.detail


def test_one_datapoint_of_now() -> None:
    name = "urn:dev:ow:10e2073a01080063"

    assert resolved({"n": name, "u": "Cel", "v": 23.1}) == [{name: 23.1, TIME: NOW}]


def test_bases_hold_until_they_are_set_anew() -> None:
    """RFC 8428, 5.1.2, with a time of today."""
    base = {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.7899e09, "bu": "A", "bver": 5}

    samples = resolved(
        {**base, "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
        {"n": "current", "v": 1.7},
    )

    at = 1_789_900_000 * SECOND
    assert [sample[TIME] - at for sample in samples] == [0, -5 * SECOND, -4 * SECOND]
    assert (samples[0]["voltage"], samples[0]["urn:dev:ow:10e2073a0108006:current"]) == (120.1, 1.7)
    assert (samples[1]["current"], samples[2]["current"]) == (1.2, 1.3)


@pytest.mark.parametrize("seconds", [0, -5, -0.5, 10, 2**28 - 1])
def test_a_time_below_two_to_the_28_counts_from_now_and_means_nothing_in_a_retained_message(seconds: float) -> None:
    record = {"n": "a", "t": seconds, "v": 1}

    assert [sample[TIME] for sample in resolved(record)] == [NOW + round(seconds * SECOND)]
    assert [sample[TIME] for sample in resolved(record, retained=True)] == [None]


def test_a_time_from_two_to_the_28_on_is_absolute() -> None:
    assert resolved({"n": "a", "bt": 2**28, "v": 1})[0][TIME] == 2**28 * SECOND
    assert resolved({"n": "a", "bt": 2**28, "t": -1, "v": 1})[0][TIME] == NOW + (2**28 - 1) * SECOND


def test_base_values_and_sums_are_added() -> None:
    samples = resolved({"bn": "d:", "bv": 10, "bs": 100}, {"n": "a", "v": 1.5}, {"n": "b", "s": 2}, {"n": "c", "v": 0})

    assert {name: samples[0][name] for name in "abc"} == {"a": 11.5, "b": 102, "c": 10}


def test_texts_switches_and_data_are_values_too() -> None:
    (sample,) = resolved(
        {"n": "a", "vs": "x"}, {"n": "b", "vb": True}, {"n": "c", "vd": "aGk"}, {"n": "d", "v": 1, "s": 2}
    )

    assert {name: sample[name] for name in "abcd"} == {"a": "x", "b": True, "c": "aGk", "d": 1}


def test_a_short_name_that_two_bases_share_is_no_value() -> None:
    (sample,) = resolved(
        {"bn": "one:", "n": "t", "v": 1}, {"bn": "two:", "n": "t", "v": 2}, {"bn": "", "n": "u", "v": 3}
    )

    assert (sample["one:t"], sample["two:t"], sample["t"], sample["u"]) == (1, 2, [1, 2], 3)


@pytest.mark.parametrize(
    ("record", "detail"),
    [
        ({"n": "a", "v": 1, "x_": 1}, "'x_' must be understood"),
        ({"n": "a", "v": 1, "bver": 11}, "version 11 is not known"),
        ({"n": "a", "v": 1, "bver": True}, "version True is not known"),
        ({"n": "a"}, "has no value"),
        ({"n": "a", "v": 1, "vs": "x"}, "has both v and vs"),
        ({"n": "a", "v": "1"}, "v is '1'"),
        ({"n": "a", "v": True}, "v is True"),
        ({"n": "a", "vb": 1}, "vb is 1"),
        ({"n": 1, "v": 1}, "n is 1"),
        ({"n": "a", "v": 1, "t": "now"}, "t is 'now'"),
        ({"n": "a", "v": 1, "bt": 1e300}, "its time is 1e+300"),
        ({"v": 1}, "'' is no name"),
        ({"n": "-a", "v": 1}, "'-a' is no name"),
        ({"n": "a b", "v": 1}, "'a b' is no name"),
        ({"n": "ok", "v": 1}, "'ok' is no name, or a second of this time"),
        ([], "is no object"),
    ],
)
def test_what_breaks_the_rules_condemns_the_pack(record: object, detail: str) -> None:
    assert refusal({"n": "ok", "v": 1}, record).startswith(f"SenML record 1: {detail}")


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"1", b"null"])
def test_what_is_no_pack_is_rejected(payload: bytes) -> None:
    with pytest.raises(Rejected, match="no array of SenML records"):
        resolve(payload, NOW, {}, retained=False)


def test_what_is_not_known_is_ignored() -> None:
    assert resolved({"n": "a", "v": 1, "l": "x", "ut": 60, "u": "W"}) == [{"a": 1, TIME: NOW}]


def test_a_pack_becomes_a_line_for_each_time() -> None:
    model = Model({"format": "senml", "readings": {"power_w": "p", "state": "d:s", "energy_wh": "e"}})
    pack = [
        {"bn": "d:", "bt": NOW // SECOND, "n": "p", "v": 1.5},
        {"n": "s", "vs": "on"},
        {"n": "p", "t": -60, "v": 9999},
        {"n": "e", "t": -60, "v": 7},
    ]

    points, faults = model.outcome(json.dumps(pack))

    assert [(point.fields, (point.time - NOW) // SECOND) for point in points] == [
        ({"power_w": 1.5, "state": "on"}, 0),
        ({"energy_wh": 7}, -60),
    ]
    assert [fault.reason for fault in faults] == ["out_of_range"]


METER = Model(
    {
        "format": "senml",
        "partial": True,
        "readings": {
            "power_w": "p",
            "energy_wh": {"from": "e", "unit": "kWh", "scale": 1000},
            "state": "s",
            "on": {"from": "o", "map": {"1": True}},
        },
    }
)


@pytest.mark.parametrize(
    ("records", "fields"),
    [
        ([{"n": "p", "u": "W", "v": 5}], {"power_w": 5}),
        ([{"n": "p", "v": 5}], {"power_w": 5}),
        ([{"n": "p", "u": "", "v": 5}], {"power_w": 5}),
        ([{"bn": "urn:dev:mac:1:", "bu": "W", "n": "p", "v": 5}], {"power_w": 5}),
        ([{"bu": "A"}, {"n": "p", "u": "W", "v": 5}], {"power_w": 5}),
        ([{"n": "e", "u": "kWh", "v": 5}], {"energy_wh": 5000}),
        ([{"n": "s", "u": "kW", "vs": "on"}], {"state": "on"}),
        ([{"n": "o", "u": "/", "v": 1}], {"on": True}),
    ],
)
def test_a_number_in_the_readings_own_unit_or_in_none_is_stored(records: list[Record], fields: Record) -> None:
    assert METER.fields(json.dumps(records)) == fields


@pytest.mark.parametrize(
    ("records", "detail"),
    [
        ([{"n": "p", "u": "kW", "v": 5}], "p: 5 is in 'kW', expected W"),
        ([{"bn": "d:", "bu": "kW"}, {"n": "p", "v": 5}], "p: 5 is in 'kW', expected W"),
        ([{"n": "p", "u": "W", "s": 5}], "p: 5 is in 'W.s', expected W"),
        ([{"n": "e", "u": "Wh", "v": 5}], "e: 5 is in 'Wh', expected kWh"),
        ([{"n": "p", "u": "W" * 99, "v": 1}], "p: 1 is in 'WWWWWWWWWWWW...WWWWWWWWWWWWW', expected W"),
    ],
)
def test_a_number_in_another_unit_is_rejected_and_its_neighbour_is_stored(records: list[Record], detail: str) -> None:
    pack = [*records, {"n": "s", "vs": "on"}]

    points, faults = METER.outcome(json.dumps(pack))

    assert [point.fields for point in points] == [{"state": "on"}]
    assert faults == [(Reason.WRONG_UNIT, f"sample 0: {detail}")]


def test_what_senml_calls_otherwise_is_the_same_unit() -> None:
    assert set(SENML) <= set(UNITS)
    assert not {name for names in SENML.values() for name in names} & set(UNITS)


def test_a_name_that_two_readings_are_made_of_must_suit_both() -> None:
    once = {"energy": {"power_w": "x"}, "gps": {"lat": {"from": "x"}}}
    model = Model({"format": "senml", "readings": once})

    assert model.reasons('[{"n":"x","v":1}]') == []
    assert model.reasons('[{"n":"x","u":"W","v":1}]') == ["wrong_unit", "wrong_unit"]


@given(
    st.sampled_from(sorted(UNITS)) | st.sampled_from([name for names in SENML.values() for name in names]) | st.text()
)
def test_only_one_unit_is_a_readings_own(unit: str) -> None:
    reasons = METER.reasons(json.dumps([{"n": "p", "u": unit, "v": 1}]))

    assert reasons == ([] if unit in {"", "W"} else ["wrong_unit"])


LABELS = st.sampled_from(["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut", "x_"])
GOOD: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("bt", "t"), st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)),
    **dict.fromkeys(("bv", "bs", "v", "s"), st.integers(-(2**63), 2**63) | st.floats(-1e308, 1e308)),
    **dict.fromkeys(("bn", "n"), st.sampled_from(["p", "e", "d:", "s", ""])),
    **dict.fromkeys(("bu", "u"), st.sampled_from(["W", "kW", "", "Wh"])),
    "vs": st.text(max_size=3),
    "vb": st.booleans(),
}


@given(st.lists(st.fixed_dictionaries({}, optional=GOOD), min_size=1, max_size=5), RECEIVED, st.booleans())
def test_any_pack_that_nearly_keeps_the_rules_is_line_protocol_or_a_rejection(
    records: list[Record],
    received_ns: int,
    retained: bool,  # noqa: FBT001 - hypothesis fills it
) -> None:
    model = Model({"format": "senml", "partial": True, "readings": {"power_w": "p", "state": "s", "energy_wh": "e"}})

    model.outcome(json.dumps(records), received_ns=received_ns, retained=retained)


@given(st.lists(st.tuples(LABELS, VALUES), max_size=5))
def test_any_value_under_senmls_labels_is_resolved_or_rejected(pairs: list[tuple[str, str]]) -> None:
    record = "{" + ",".join(f'"{label}":{value}' for label, value in pairs) + "}"
    with suppress(Rejected):
        resolve(f"[{record}]".encode(), NOW, {}, retained=False)
