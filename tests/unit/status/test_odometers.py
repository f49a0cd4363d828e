"""Counters in columns add up to what a meter alone makes of the same samples, hour by hour, whatever comes between."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.decode.watch import Watch
from hub.status.bandwidth import Bandwidth
from hub.status.bookings import Bookings
from hub.status.counters import SECOND
from hub.status.gauges import gauge_of
from hub.status.meters import Meter, Method
from hub.status.odometers import ABSENT, ELSEWHERE, Mark, Odometers
from hub.status.tracks import DAY_NS
from tests.unit.status.city import City, Place, profile
from tests.unit.status.hubs import JAKARTA, MIDNIGHT

CAMERA = profile("cctv", "rx_bytes", "tx_bytes", "uptime_s", "boot", interval_s=30, counter_bits=32)
CITY = City({"cam": Place("cam", agency="dishub")}, {"camera": CAMERA})
BEGIN = MIDNIGHT - 120 * SECOND

STEPS = st.lists(
    st.tuples(
        st.sampled_from([20, 20, 20, 20, 0, 1, 44, 46, 90, -30]),
        st.sampled_from([None, None, None, None, "reboot", "no rx", "no tx", "no uptime", "boot", "late", "restart"]),
    ),
    max_size=40,
)  # fmt: skip


def story(steps: list[tuple[int, str | None]]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return (what happens before it, sample) of a camera that mostly goes on as it did."""
    told, seconds, rx, tx, uptime, boot = [], 0, 5_000, 2**32 - 30_000, 900, None
    for later, what in steps:
        seconds, rx, tx, uptime = seconds + later, rx + 700, tx + 11_000, uptime + max(later, 0)
        if what == "reboot":
            rx = tx = uptime = 0
        if what == "boot":
            boot = (boot or 6) + 1
        at = BEGIN + (seconds - (50 if what == "late" else 0)) * SECOND
        sample = (
            None if what == "no rx" else rx, None if what == "no tx" else tx % 2**32,
            None if what == "no uptime" else uptime, boot,
        )  # fmt: skip
        told.append((what or "", (at, BEGIN + (seconds + 100) * SECOND, *sample)))
    return told


def booked(bookings: Bookings) -> Counter[tuple[int, str]]:
    sums: Counter[tuple[int, str]] = Counter()
    for (_, hour), one in bookings.sums.items():
        sums[hour, "rx"] += one.rx
        sums[hour, "tx"] += one.tx
    return sums


@given(STEPS)
def test_the_hours_sums_are_those_of_a_meter_alone(steps: list[tuple[int, str | None]]) -> None:
    gauge = gauge_of(CAMERA)
    assert gauge is not None
    meter, expected = Meter(Method.of(gauge)), Counter[tuple[int, str]]()
    bandwidth, watch, kept = Bandwidth(CITY, JAKARTA, {}), Watch("cam", 3), Bookings()
    for what, sample in story(steps):
        for flow in meter.take(sample):
            for hour, part in JAKARTA.split(flow.span.start_ns, flow.span.end_ns, flow.span.amount):
                expected[hour, flow.direction] += part
        if what == "restart":
            bandwidth.settle()
            kept.merge(bandwidth.take_bookings())
            bandwidth = Bandwidth(CITY, JAKARTA, kept.meters)
        bandwidth.observe(CITY.entries["cam"], watch, [sample], sample[1])
        bandwidth.tick(sample[1])
    bandwidth.settle()
    kept.merge(bandwidth.take_bookings())
    assert {key: amount for key, amount in booked(kept).items() if amount} == {
        key: amount for key, amount in expected.items() if amount
    }


def test_what_goes_on_is_a_difference_and_all_else_is_for_the_meter() -> None:
    gauge = gauge_of(CAMERA)
    assert gauge is not None
    meters = Odometers()
    meters.reserve(0)
    meters.lay(0, Mark(100 * SECOND, None, 1000, 50, 1), 1000 * SECOND)

    assert meters.advance(0, (130 * SECOND, 0, None, 1500, 80, 1), gauge) == 500
    refused = {
        "the same time": (130 * SECOND, 0, None, 1600, 80, 1),
        "a gap": (176 * SECOND, 0, None, 1600, 126, 1),
        "the next hour": (1001 * SECOND, 0, None, 1600, 951, 1),
        "a counter fell": (140 * SECOND, 0, None, 1499, 90, 1),
        "a counter went": (140 * SECOND, 0, None, None, 90, 1),
        "a counter came": (140 * SECOND, 0, 5, 1600, 90, 1),
        "a counter is too high": (140 * SECOND, 0, None, ABSENT, 90, 1),
        "it has booted": (140 * SECOND, 0, None, 1600, 90, 2),
        "its uptime fell": (140 * SECOND, 0, None, 1600, 79, 1),
        "it must have booted": (174 * SECOND, 0, None, 1600, 44, 1),
        "it says no uptime": (140 * SECOND, 0, None, 1600, None, 1),
        "it is a day late": (140 * SECOND, 140 * SECOND + DAY_NS, None, 1600, 90, 1),
    }
    for why, sample in refused.items():
        assert meters.advance(0, sample, gauge) == ELSEWHERE, why
    assert meters.mark(0) == Mark(130 * SECOND, None, 1500, 80, 1)
    assert meters.take(0) == (100 * SECOND, 130 * SECOND, None, 500)
    assert not meters.has_risen(0)


def test_a_camera_that_goes_on_needs_no_meter() -> None:
    bandwidth, watch = Bandwidth(CITY, JAKARTA, {}), Watch("cam", 0)
    for _, sample in story([(20, None)] * 30):
        bandwidth.observe(CITY.entries["cam"], watch, [sample], sample[1])
    account = bandwidth._accounts[0]
    assert account is not None
    assert account.meter is None
