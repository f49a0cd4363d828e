"""What decoders leave behind: vital signs, presence words, the last position."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.presence import Words, listening
from hub.decode.watch import MOST, Inbox, Watch, Word
from hub.errors import Reason, Rejected
from hub.profiles.mqtt import STATUS, Presence
from tests.unit.decode.models import Model
from tests.unit.decode.strategies import NOW

MS = NOW // 1_000_000
VITALS = ("energy.on", "energy.power_w", "energy.firmware")
SPEC = {
    "time": {"from": "ts", "unit": "ms"},
    "readings": {"power_w": {"from": "p", "scale": 10}, "on": {"from": "o", "bit": 0}, "state": "s", "firmware": "f"},
}


def metered() -> Model:
    return Model(SPEC, vitals=VITALS)


def test_a_stored_sample_leaves_its_vital_signs_in_the_profiles_order() -> None:
    model = metered()

    model.outcome(json.dumps([{"ts": MS, "p": 2, "o": 1, "f": "v1"}, {"ts": MS - 1, "p": 2.5}]))
    model.outcome(json.dumps({"s": "idle", "p": 9999}), received_ns=NOW + 5)

    assert model.watch.samples == [
        (NOW, NOW, True, 20, "v1"),
        (NOW - 1_000_000, NOW, None, 25.0, None),
        (NOW + 5, NOW + 5, None, None, None),
    ]


def test_what_is_not_stored_and_what_was_retained_leaves_none() -> None:
    model = metered()

    model.outcome(json.dumps({"ts": MS, "p": 1}), retained=True)
    model.outcome(json.dumps({"ts": 0, "p": 9999}))
    model.outcome("{}")

    assert not model.watch.samples


def test_a_profile_without_vital_signs_and_a_message_without_any_leave_none() -> None:
    for model in (Model(SPEC), Model({"readings": {"state": "s"}}, vitals=VITALS)):
        assert model.fields('{"s":"x"}') == {"state": "x"}
        assert not model.watch.samples


def test_a_default_is_a_vital_sign_too() -> None:
    model = Model({"readings": {"power_w": {"from": "p", "default": 0}, "state": "s"}}, vitals=("energy.power_w",))

    model.outcome('{"s":"x"}')

    assert model.watch.samples == [(NOW, NOW, 0)]


def test_a_clock_that_is_wrong_is_a_vital_sign_that_no_payload_holds() -> None:
    model = Model(SPEC, vitals=("energy.firmware", "energy.clock_skew"))
    model.outcome(json.dumps({"ts": MS, "f": "v1"}))
    model.outcome(json.dumps({"ts": 0, "f": "v1"}))
    assert [sample[2:] for sample in model.watch.samples] == [("v1", False), ("v1", True)]


def test_of_what_nobody_drains_the_newest_is_kept() -> None:
    watch = Watch("d", 0)
    for number in range(MOST + 10):
        watch.keep((number,))
        watch.say(Word(number, online=True, retained=False))

    assert watch.take_samples() == [(number,) for number in range(10, MOST + 10)]
    assert [word.received_ns for word in watch.take_words()] == list(range(10, MOST + 10))


def test_who_follows_a_device_is_told_once_that_there_is_something() -> None:
    watch, inbox = Watch("d", 0), Inbox()
    watch.keep((1,))
    watch.report_to(inbox)
    for number in (2, 3):
        watch.keep((number,))
        watch.say(Word(number, online=True, retained=False))

    assert (inbox.sampled, inbox.spoken) == ([watch], [watch])
    assert watch.take_samples() == [(1,), (2,), (3,)]
    assert not watch.take_samples()
    watch.keep((4,))
    assert inbox.sampled == [watch, watch]


def test_of_a_device_that_nobody_follows_nobody_is_told() -> None:
    watch, inbox = Watch("d", 0), Inbox()
    watch.report_to(inbox)
    watch.report_to(None)
    watch.keep((1,))
    watch.say(Word(1, online=True, retained=False))

    assert (inbox.sampled, inbox.spoken) == ([], [])


TRACKER = {"time": {"from": "ts", "unit": "ms"}, "readings": {"gps": {"lat": "lat", "lon": "lon", "firmware": "f"}}}


def test_a_position_that_cannot_be_costs_its_sample_and_the_last_believed_one_is_remembered() -> None:
    model = Model(TRACKER, kind="gps")
    good, nowhere = {"ts": MS, "lat": -7.3, "lon": 109.4}, {"ts": MS - 1, "lat": 0, "lon": 0.0, "f": "1"}

    points, faults = model.outcome(json.dumps([good, nowhere]))

    assert [point.time for point in points] == [NOW]
    assert [fault.reason for fault in faults] == [Reason.IMPLAUSIBLE]
    assert model.watch.fix == (NOW, -7.3, 109.4)


def test_a_retained_position_and_half_a_position_are_not_remembered() -> None:
    model = Model(TRACKER, kind="gps")

    model.outcome(json.dumps({"ts": MS, "lat": -7.3, "lon": 109.4}), retained=True)
    model.outcome(json.dumps({"ts": MS, "lat": 0}))

    assert model.watch.fix is None


def test_only_trackers_move() -> None:
    model = Model({**TRACKER, "readings": {"gps": {"lat": "lat", "lon": "lon"}}}, kind="sensor")

    assert model.fields(json.dumps({"ts": MS, "lat": 0, "lon": 0})) == {"lat": 0.0, "lon": 0.0}


# --- presence ---

VENDORS = Presence(topics=("tele/{device}/LWT",), online=("Online",), offline=("Offline", "gone"))


def said(presence: Presence, *payloads: bytes, retained: bool = False) -> Watch:
    watch = Watch("d", 0)
    for number, payload in enumerate(payloads):
        assert Words(presence).decode("", payload, NOW + number, retained, watch) == ""
    return watch


def test_words_are_the_hubs_own_or_the_vendors() -> None:
    assert said(STATUS, b"online", b"offline").words == [
        Word(NOW, online=True, retained=False),
        Word(NOW + 1, online=False, retained=False),
    ]
    assert said(VENDORS, b"gone\n", retained=True).words == [Word(NOW, online=False, retained=True)]


def test_a_word_is_no_reading_and_a_will_no_sign_of_life() -> None:
    assert said(VENDORS, b"Online", b"Offline").heard_ns == 0
    assert said(VENDORS, b"Online", retained=True).heard_ns == 0


@pytest.mark.parametrize(("payload", "online"), [(b'{"a":{"b":true}}', True), (b'{"a":{"b":0}}', False)])
def test_a_word_may_stand_in_json(payload: bytes, online: bool) -> None:  # noqa: FBT001 - a row of the table
    presence = Presence(topics=("x/{device}",), path="a.b", online=("true",), offline=("0",))

    assert [word.online for word in said(presence, payload).words] == [online]


@pytest.mark.parametrize("payload", [b"on", b"ONLINE", b"\xff", b"{}"])
def test_another_word_is_rejected(payload: bytes) -> None:
    with pytest.raises(Rejected, match="is none of Offline, gone, Online"):
        said(VENDORS, payload)


def test_nothing_says_nothing() -> None:
    assert not said(STATUS, b"").words


def test_a_will_among_telemetry_is_a_word_and_neither_telemetry_nor_a_sign_of_life() -> None:
    """OwnTracks sends positions and its last will on one topic."""
    model = Model({"when": {"_type": "location"}, "readings": {"power_w": "p"}}, vitals=("energy.power_w",))
    presence = Presence(topics=("x/{device}",), path="_type", online=("location",), offline=("lwt",))
    decode = listening(Words(presence), model.decoder())
    sent = [{"_type": "location", "p": 1}, {"_type": "card"}, {"_type": "lwt"}]
    heard = []
    for number, doc in enumerate(sent):
        decode("", json.dumps(doc).encode(), NOW + number, False, model.watch)  # noqa: FBT003 - a decoder's own order
        heard.append(model.watch.heard_ns - NOW)

    assert heard == [0, 1, 1]
    assert [(word.received_ns - NOW, word.online) for word in model.watch.words] == [(0, True), (2, False)]
    assert [sample[1:] for sample in model.watch.samples] == [(NOW, 1)]
    with pytest.raises(Rejected, match="not JSON"):
        decode("", b"{", NOW, False, model.watch)  # noqa: FBT003 - a decoder's own order


COUNTING = {
    "time": {"from": "ts", "unit": "ms"},
    "partial": True,
    "readings": {"cctv": {name: name for name in ("tx_bytes", "boot", "fps")}},
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 1, 30, 400, 5000, 0, -2]),
            st.fixed_dictionaries(
                {}, optional={"tx_bytes": st.integers(-50, 400), "boot": st.sampled_from([1, 1, 1, 2])}
            ),
        ),
        max_size=40,
    )
)
def test_a_flood_of_samples_is_thinned_where_nothing_is_lost_by_it(steps: list[tuple[int, dict[str, int]]]) -> None:
    vitals = tuple(f"cctv.{name}" for name in ("tx_bytes", "boot", "fps"))
    model, at, count, sent = Model(COUNTING, kind="cctv", vitals=vitals), MS, 1000, list[tuple[Any, ...]]()
    for number, (later, told) in enumerate(steps):
        at += later
        count = max(count + told.get("tx_bytes", 0), 0)
        values = told | {"fps": number} | ({"tx_bytes": count} if "tx_bytes" in told else {})
        model.outcome(json.dumps({"ts": at, **values}))
        sent.append((at * 1_000_000, values.get("tx_bytes"), values.get("boot"), values["fps"]))

    kept = [(sample[0], *sample[2:]) for sample in model.watch.take_samples()]
    assert kept[-1:] == sent[-1:]
    assert set(kept) <= set(sent)
    places = [sent.index(one) for one in dict.fromkeys(kept)]
    for first, last in itertools.pairwise(places):
        skipped = sent[first : last + 1] if last > first + 1 else []
        for before, after in itertools.pairwise(skipped):
            assert before[0] < after[0]
            assert (before[1] is None) == (after[1] is None)
            assert before[1] is None or before[1] <= after[1]
            assert before[2] == after[2]
        assert not skipped or skipped[-1][0] - skipped[0][0] < 1_000_000_000


def test_of_a_tracker_every_position_is_kept() -> None:
    model = Model(TRACKER, kind="gps", vitals=("gps.lat", "gps.lon"))
    for number in range(20):
        model.outcome(json.dumps({"ts": MS + number, "lat": -7.3, "lon": 109.4}))

    assert len(model.watch.take_samples()) == 20
