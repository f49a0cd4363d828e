"""The ways in which payloads are made, and what a profile may have ignored."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Fault, Reason
from tests.unit.decode.models import Model
from tests.unit.decode.strategies import NOW, RECEIVED, VALUES

MS = NOW // 1_000_000
TIMED = {"time": {"from": "ts", "unit": "ms"}}


# --- JSON ---


def test_only_messages_that_are_meant_are_decoded_and_the_others_are_no_fault() -> None:
    model = Model({"when": {"method": "NotifyStatus", "v": 1}, "readings": {"power_w": "params.p"}})

    assert model.fields('{"method":"NotifyStatus","v":1,"params":{"p":3}}') == {"power_w": 3.0}
    for other in ('{"method":"NotifyEvent","v":1}', "{}", '{"method":"NotifyStatus","v":true}'):
        assert model.outcome(other) == ([], [])
    assert model.reasons("[]") == ["wrong_type"]
    assert model.reasons("[1]") == ["wrong_type"]
    assert model.reasons("{") == ["bad_payload"]


def test_what_is_meant_is_picked_from_an_array() -> None:
    model = Model({**TIMED, "when": {"k": "m"}, "readings": {"power_w": "p"}})
    sent = [{"k": "m", "p": 1, "ts": MS}, {"k": "x", "p": 2, "ts": MS}, {"k": "m", "p": 3, "ts": MS - 1}]

    assert [point.fields["power_w"] for point in model.outcome(json.dumps(sent))[0]] == [1, 3]


def test_samples_may_stand_deeper_inside_and_one_that_is_bad_costs_only_itself() -> None:
    model = Model({**TIMED, "samples": "data.list", "readings": {"power_w": "p"}})
    sent = {"data": {"list": [{"ts": MS, "p": 1}, {"ts": MS - 1, "p": 9999}, {"ts": MS - 2, "p": 3}]}}

    points, faults = model.outcome(json.dumps(sent))

    assert [(point.fields["power_w"], point.time // 1_000_000 - MS) for point in points] == [(1, 0), (3, -2)]
    assert faults == [Fault(Reason.OUT_OF_RANGE, "sample 1: p: 9999 is not in -1000 ... 1000 W")]
    assert model.reasons('{"data":{}}') == ["wrong_type"]
    assert model.outcome('{"data":{"list":[]}}') == ([], [])


def test_a_partial_message_may_hold_nothing() -> None:
    model = Model({"partial": True, "samples": "list", "readings": {"power_w": "p"}})

    assert model.outcome('{"list":[{"x":1}]}') == ([], [])
    assert model.outcome('{"x":1}') == ([], [])
    assert model.reasons('{"list":[{"p":"x"}]}') == ["wrong_type"]
    assert Model({"partial": True, "readings": {"power_w": "p"}}).outcome("{}") == ([], [])


def test_retained_and_empty_messages_may_be_ignored() -> None:
    readings = {"power_w": "p"}
    model = Model({"retained": "ignore", "empty": "ignored", "readings": readings})

    assert model.outcome('{"p":1}', retained=True) == ([], [])
    assert model.watch.heard_ns == 0
    assert model.outcome(b"") == ([], [])
    assert model.watch.heard_ns == NOW
    assert model.fields('{"p":1}') == {"power_w": 1.0}
    assert Model({"readings": readings}).reasons('{"p":1}', retained=True) == ["bad_time"]
    assert Model({"readings": readings}).reasons(b"") == ["bad_payload"]


def test_any_message_may_be_declared_an_event() -> None:
    model = Model({**TIMED, "event": True, "readings": {"state": "s"}})

    opened, closed = (model.outcome(json.dumps({"s": word, "ts": MS}))[0][0] for word in ("open", "closed"))

    assert opened.time != closed.time
    assert opened.time // 1_000_000 == closed.time // 1_000_000 == MS


# --- text ---


def test_a_text_is_one_value() -> None:
    assert Model({"format": "text", "readings": {"power_w": {}}}).fields("23.5\n") == {"power_w": 23.5}
    assert Model({"format": "text", "readings": {"energy_wh": {}}}).fields(" 7 ") == {"energy_wh": 7}
    assert Model({"format": "text", "readings": {"state": {}}}).fields("auto") == {"state": "auto"}
    switch = Model({"format": "text", "readings": {"on": {"map": {"ON": True, "OFF": False}}}})
    assert (switch.fields("ON"), switch.reasons("on"), switch.reasons(b"\xff")) == (
        {"on": True},
        ["out_of_range"],
        ["bad_payload"],
    )


def test_a_text_may_be_cut_into_several() -> None:
    model = Model({"format": "text", "readings": {"power_w": {"part": 0}, "energy_wh": {"part": 2}}})

    assert model.fields("1.5,x,9") == {"power_w": 1.5, "energy_wh": 9}
    assert model.reasons("1.5") == ["wrong_type"]


# --- binary ---


def test_a_struct_is_read_at_fixed_places() -> None:
    readings = {
        "power_w": {"at": 1, "type": "float32"},
        "energy_wh": {"at": 5, "type": "uint32", "little": True},
        "on": {"at": 0, "type": "uint8", "bit": 7},
        "state": {"at": 9, "type": "int8", "map": {"-1": "low"}},
    }
    model = Model({"format": "binary", "readings": readings})
    payload = struct.pack(">Bf", 0x80, 2.5) + struct.pack("<I", 70_000) + b"\xff"

    assert model.fields(payload) == {"power_w": 2.5, "energy_wh": 70_000, "on": True, "state": "low"}
    assert model.fields(payload + b"\0\0") == model.fields(payload)
    assert model.outcome(payload[:-1])[1] == [Fault(Reason.BAD_PAYLOAD, "9 bytes, the layout takes 10")]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_a_float_that_is_no_number_is_out_of_range(value: float) -> None:
    model = Model({"format": "binary", "readings": {"power_w": {"at": 0, "type": "float64", "scale": 10}}})

    assert model.reasons(struct.pack(">d", value)) == ["out_of_range"]


# --- whatever is sent ---

MODELS = {
    "json": Model(
        {**TIMED, "when": {"a": 1}, "samples": "b.0.c", "readings": {"power_w": "x.0", "on": {"from": "y", "bit": 3}}}
    ),
    "senml": Model({"format": "senml", "readings": {"power_w": "p", "on": "on", "state": "s", "energy_wh": "e"}}),
    "text": Model({"format": "text", "readings": {"power_w": {"part": 0}, "state": {"part": 1}}}),
    "binary": Model({"format": "binary", "readings": {"power_w": {"at": 0, "type": "float16"}}}),
}
every_format = pytest.mark.parametrize("name", MODELS)


@every_format
@given(payload=st.binary(), received_ns=RECEIVED, retained=st.booleans())
def test_any_bytes_are_line_protocol_or_a_rejection(
    name: str, payload: bytes, received_ns: int, *, retained: bool
) -> None:
    points, faults = MODELS[name].outcome(payload, received_ns=received_ns, retained=retained)

    assert points or faults or name == "json"
    assert all(fault.detail.isprintable() for fault in faults)


@every_format
@given(text=VALUES, received_ns=RECEIVED, retained=st.booleans())
def test_any_json_is_line_protocol_or_a_rejection(name: str, text: str, received_ns: int, *, retained: bool) -> None:
    MODELS[name].outcome(text, received_ns=received_ns, retained=retained)


DEEP = VALUES.map(lambda text: '{"a":1,"b":[{"c":[{"x":[%s],"y":%s},%s]}]}' % (text, text, text))  # noqa: UP031 - braces


@given(text=DEEP, received_ns=RECEIVED)
def test_any_value_where_the_profile_looks_is_line_protocol_or_a_rejection(text: str, received_ns: int) -> None:
    MODELS["json"].outcome(text, received_ns=received_ns)
