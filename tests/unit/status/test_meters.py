"""A stretch of samples and what is left of it when it was thinned out add up to the same, to the byte."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from hub.status.counters import SECOND
from hub.status.gauges import gauge_of
from hub.status.meters import Meter, Method
from hub.status.odometers import thinned
from tests.unit.status.city import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.status.gauges import Gauge

NOW = 1_790_000_000 * SECOND
GAUGE = gauge_of(profile("cctv", "tx_bytes", "uptime_s", interval_s=30, counter_bits=32))
assert GAUGE is not None
CAMERA: Gauge = GAUGE
METHOD = Method.of(CAMERA)

STEPS = st.tuples(
    st.sampled_from([0, 1, 1, 1, 5, 60]),
    st.sampled_from([None, 0, 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    st.sampled_from([None, 0, 7, 100, 10**6]),
    st.booleans(),
)


def story(steps: Sequence[tuple[int, int | None, int | None, bool]]) -> list[tuple[Any, ...]]:
    """Return samples (time, receipt, tx_bytes, uptime): most go on from the one before, as a device's would."""
    samples: list[tuple[Any, ...]] = []
    seconds, counter, uptime = 0, 1000, 5000
    for later, value, boot, usual in steps:
        seconds += later
        counter, uptime = (counter + 17, uptime + later) if usual else (counter, uptime)
        shown = (counter, uptime) if usual else (value, boot)
        samples.append((NOW + seconds * SECOND, NOW + 200 * SECOND, *shown))
    return samples


def summed(meter: Meter, samples: Sequence[tuple[Any, ...]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for sample in samples:
        for flow in meter.take(sample):
            sums[flow.direction] += flow.span.amount
    return sums


@given(
    before=st.lists(STEPS, max_size=3), steps=st.lists(STEPS, min_size=1, max_size=8), after=st.lists(STEPS, max_size=2)
)
@example(before=[], steps=[(1, None, None, True)] * 8, after=[])
def test_thinning_out_changes_no_sum(before: list[Any], steps: list[Any], after: list[Any]) -> None:
    whole, thin = Meter(METHOD), Meter(METHOD)
    samples = story([*before, *steps, *after])
    parts = samples[: len(before)], samples[len(before) : len(before) + len(steps)], samples[len(before) + len(steps) :]
    assert summed(whole, samples) == sum((summed(thin, thinned(part, CAMERA)) for part in parts if part), Counter())


def test_of_many_samples_in_which_a_counter_only_rises_two_are_left() -> None:
    samples = story([(1, None, None, True)] * 20)
    assert thinned(samples, CAMERA) == (samples[0], samples[-1])


def test_a_counter_that_fell_meanwhile_is_looked_at_sample_by_sample() -> None:
    samples = story([(1, None, None, True), (1, 3, 9000, False), (1, None, None, True)])
    assert thinned(samples, CAMERA) == samples
