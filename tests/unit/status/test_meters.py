"""A stretch of samples and what the decoder leaves of it when it is thinned out add up to the same, to the byte."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from hub.decode.watch import MANY
from hub.status.gauges import gauge_of
from hub.status.meters import Meter, Method
from tests.unit.decode.models import Model
from tests.unit.decode.strategies import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.decode.watch import Vitals

SIGNS = ("tx_bytes", "uptime_s", "boot")
SPEC = {
    "time": {"from": "ts", "unit": "ms"},
    "partial": True,
    "readings": {"cctv": dict(zip(SIGNS, SIGNS, strict=True))},
}
VITALS = [f"cctv.{sign}" for sign in SIGNS]

STEPS = st.tuples(
    st.sampled_from([0, 1, 1, 1, 5, 60, 2000, -3]),
    st.sampled_from([None, 0, 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    st.sampled_from([None, 0, 7, 100, 10**6]),
    st.booleans(),
)
USUAL = (1, None, None, True)


def camera() -> Model:
    return Model(SPEC, kind="cctv", vitals=VITALS, counter_bits=32)


def story(steps: Sequence[tuple[int, int | None, int | None, bool]]) -> list[dict[str, int]]:
    """Return payloads of a camera: most go on from the one before, as a device's would."""
    told, at, counter, uptime = [], NOW // 1_000_000 - 200_000, 1000, 5000
    for later, value, boot, usual in steps:
        at, counter = at + later, counter + 17 * usual
        shown = (counter, uptime) if usual else (value, boot)
        signs = dict(zip(SIGNS, shown, strict=False))
        told.append({"ts": at} | {sign: one for sign, one in signs.items() if one is not None} | {"boot": 1})
    return told


def kept(payloads: Iterable[dict[str, int]], *, at_once: bool) -> list[Vitals]:
    """Return what a decoder leaves of these; looked at after each, or only when all have come."""
    model, samples = camera(), list[Any]()
    for payload in payloads:
        model.outcome(json.dumps(payload))
        samples += () if at_once else model.watch.take_samples()
    return samples + list(model.watch.take_samples())


def summed(samples: Iterable[Vitals]) -> Counter[str]:
    gauge = gauge_of(camera().profile)
    assert gauge is not None
    meter, sums = Meter(Method.of(gauge)), Counter[str]()
    for sample in samples:
        for flow in meter.take(sample):
            sums[flow.direction] += flow.span.amount
    return sums


@given(steps=st.lists(STEPS, max_size=14))
@example(steps=[USUAL] * 14)
@example(steps=[*[USUAL] * 6, (1, 5, 9000, False), *[USUAL] * 6])
def test_thinning_out_changes_no_sum(steps: list[Any]) -> None:
    payloads = story(steps)
    assert summed(kept(payloads, at_once=True)) == summed(kept(payloads, at_once=False))


def test_of_many_samples_in_which_a_counter_only_rises_few_are_left() -> None:
    payloads = story([USUAL] * 20)
    every = kept(payloads, at_once=False)
    assert kept(payloads, at_once=True) == [*every[:MANY], every[-1]]


def test_a_counter_that_fell_meanwhile_is_looked_at_sample_by_sample() -> None:
    payloads = story([*[USUAL] * MANY, (1, 3, 9000, False), *[USUAL] * 3])
    assert set(kept(payloads, at_once=True)) == set(kept(payloads, at_once=False))
