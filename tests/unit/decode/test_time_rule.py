from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.time_rule import AHEAD, EARLIEST, SECOND, TimeRule, device_time
from hub.errors import Fault, Reason
from tests.unit.decode.strategies import DAY, KEEP, NOW

if TYPE_CHECKING:
    from hub.profiles.mqtt import TimeUnit

SENSOR = TimeRule(keep_ns=KEEP, tracker=False)
TRACKER = TimeRule(keep_ns=KEEP, tracker=True)

# docs/contracts.md, Time: (device time, retained, alone, a sensor's outcome, a GPS tracker's outcome), where an
# outcome is (time stored, clock_skew) or what the rejection says.
Outcome = tuple[int, bool] | str
NO_AGE, NEEDS_TIME, OLD = "nobody knows how old", "need a time each", "older than what InfluxDB keeps"
TABLE: list[tuple[int | None, bool, bool, Outcome, Outcome]] = [
    (None, False, True, (NOW, False), (NOW, False)),
    (None, False, False, NEEDS_TIME, NEEDS_TIME),
    (None, True, True, NO_AGE, NO_AGE),
    (None, True, False, NO_AGE, NO_AGE),
    (NOW - SECOND, False, True, (NOW - SECOND, False), (NOW - SECOND, False)),
    (NOW - SECOND, True, False, (NOW - SECOND, False), (NOW - SECOND, False)),
    (NOW + AHEAD, False, False, (NOW + AHEAD, False), (NOW + AHEAD, False)),
    (NOW + AHEAD + 1, False, True, (NOW, True), "is ahead"),
    (NOW + AHEAD + 1, True, True, "is ahead", "is ahead"),
    (NOW + AHEAD + 1, False, False, "is ahead", "is ahead"),
    (EARLIEST - 1, False, True, (NOW, True), "is before 2020"),
    (EARLIEST - 1, True, True, "is before 2020", "is before 2020"),
    (EARLIEST - 1, False, False, "is before 2020", "is before 2020"),
    (-(10**30), False, False, "is before 2020", "is before 2020"),
    (10**30, False, False, "is ahead", "is ahead"),
    (EARLIEST, False, True, OLD, OLD),
    (NOW - KEEP, False, True, (NOW - KEEP, False), (NOW - KEEP, False)),
    (NOW - KEEP - 1, False, True, OLD, OLD),
    (NOW - KEEP - 1, True, False, OLD, OLD),
]


@pytest.mark.parametrize(("device_ns", "retained", "alone", "sensor", "tracker"), TABLE)
def test_every_row_of_the_rule(
    device_ns: int | None, sensor: Outcome, tracker: Outcome, *, retained: bool, alone: bool
) -> None:
    for rule, expected in ((SENSOR, sensor), (TRACKER, tracker)):
        stamped = rule.stamp(device_ns, NOW, retained=retained, alone=alone)
        if isinstance(stamped, Fault):
            assert stamped.reason is Reason.BAD_TIME
            assert isinstance(expected, str)
            assert expected in stamped.detail
        else:
            assert stamped == expected


@given(device_ns=st.none() | st.integers(), retained=st.booleans(), alone=st.booleans(), tracker=st.booleans())
def test_what_is_stored_is_never_before_2020_nor_beyond_the_retention_nor_far_ahead(
    device_ns: int | None, *, retained: bool, alone: bool, tracker: bool
) -> None:
    stamped = TimeRule(KEEP, tracker).stamp(device_ns, NOW, retained=retained, alone=alone)

    assert isinstance(stamped, Fault) or max(EARLIEST, NOW - KEEP) <= stamped[0] <= NOW + AHEAD


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "ms", None),
        (None, "rfc3339", None),
        (1_790_000_000, "s", NOW),
        (1_790_000_000_000, "ms", NOW),
        (1_790_000_000_000_000, "us", NOW),
        (NOW, "ns", NOW),
        (1_790_000_000.5, "s", NOW + SECOND // 2),
        (1_789_999_995_123.0, "ms", 1_789_999_995_123_000_000),
        (-1.5, "s", -SECOND * 3 // 2),
        (-1, "s", -SECOND),
        ("2026-09-21T14:13:20Z", "rfc3339", NOW),
        ("2026-09-21T21:13:20+07:00", "rfc3339", NOW),
        ("2026-09-21T14:13:20.000001Z", "rfc3339", NOW + 1000),
        ("1969-12-31T23:59:59.500Z", "rfc3339", -SECOND // 2),
    ],
)
def test_a_devices_time_in_every_unit(value: object, unit: TimeUnit, expected: int | None) -> None:
    assert device_time(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [
        ("1790000000", "s", Reason.WRONG_TYPE),
        (True, "s", Reason.WRONG_TYPE),
        ([1], "ms", Reason.WRONG_TYPE),
        (float("nan"), "ms", Reason.WRONG_TYPE),
        (float("inf"), "s", Reason.WRONG_TYPE),
        (1e300, "ns", Reason.WRONG_TYPE),
        (1_790_000_000, "rfc3339", Reason.WRONG_TYPE),
        ("yesterday", "rfc3339", Reason.WRONG_TYPE),
        ("0001-01-01T00:00:00+14:00", "rfc3339", Reason.WRONG_TYPE),
        ("2026-09-21T14:13:20", "rfc3339", Reason.BAD_TIME),
        ("2026-09-21", "rfc3339", Reason.BAD_TIME),
    ],
)
def test_what_is_no_time_is_a_fault(value: object, unit: TimeUnit, reason: Reason) -> None:
    fault = device_time(value, unit)

    assert isinstance(fault, Fault)
    assert fault.reason is reason


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds it
def test_rfc_3339_is_read_exactly(moment: datetime) -> None:
    read = device_time(moment.isoformat(), "rfc3339")

    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert read == expected


@given(
    st.text() | st.integers() | st.floats() | st.lists(st.none()), st.sampled_from(["s", "ms", "us", "ns", "rfc3339"])
)
def test_any_value_is_a_time_or_a_fault(value: object, unit: TimeUnit) -> None:
    assert isinstance(device_time(value, unit), int | Fault)


def test_a_day_is_what_the_table_thinks_it_is() -> None:
    assert KEEP == 30 * DAY
