"""Hours, days and months of the city's time zone, clock changes included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import UsageError
from hub.status.periods import SECOND, Periods

ZONES = ["Asia/Jakarta", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/Santiago", "Africa/Cairo", "UTC"]
HOUR = 3600 * SECOND
DAY = 24 * HOUR
MOMENTS = st.integers(1_577_836_800 * SECOND, 2_200_000_000 * SECOND)


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


JAKARTA = Periods(ZoneInfo("Asia/Jakarta"))
BERLIN = Periods(ZoneInfo("Europe/Berlin"))


def test_a_day_begins_at_midnight_in_the_city() -> None:
    assert JAKARTA.start("day", ns("2026-11-26T01:30:00+07:00")) == ns("2026-11-26T00:00:00+07:00")
    assert JAKARTA.start("month", ns("2026-11-01T00:00:00+07:00")) == ns("2026-11-01T00:00:00+07:00")
    assert JAKARTA.start("month", ns("2026-10-31T23:59:59+07:00")) == ns("2026-10-01T00:00:00+07:00")
    assert JAKARTA.start("hour", ns("2026-11-26T01:59:59+07:00")) == ns("2026-11-26T01:00:00+07:00")


def test_an_hour_of_a_half_hour_zone_begins_by_its_own_clock() -> None:
    kolkata = Periods(ZoneInfo("Asia/Kolkata"))
    assert kolkata.start("hour", ns("2026-11-26T01:10:00+05:30")) == ns("2026-11-26T01:00:00+05:30")


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    assert BERLIN.start("hour", ns("2026-10-25T02:30:00+02:00")) == ns("2026-10-25T02:00:00+02:00")
    assert BERLIN.start("hour", ns("2026-10-25T02:30:00+01:00")) == ns("2026-10-25T02:00:00+01:00")


def test_a_day_may_have_25_hours_or_23() -> None:
    assert len(list(BERLIN.split(ns("2026-10-25T00:00+02:00"), ns("2026-10-26T00:00+01:00"), 25))) == 25
    assert len(list(BERLIN.split(ns("2026-03-29T00:00+01:00"), ns("2026-03-30T00:00+02:00"), 23))) == 23


def test_a_day_without_midnight_begins_when_the_clocks_have_skipped_it() -> None:
    cairo = Periods(ZoneInfo("Africa/Cairo"))
    assert cairo.start("day", ns("2026-04-24T12:00:00+03:00")) == ns("2026-04-24T01:00:00+03:00")


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "26-01", "", "2026-11-01", "0000-01", "1999-12", "\uff12\uff10\uff12\uff16-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write year and month"):
        JAKARTA.month(text)


def test_a_month_has_a_beginning_and_an_end() -> None:
    assert JAKARTA.month("2026-12") == (ns("2026-12-01T00:00:00+07:00"), ns("2027-01-01T00:00:00+07:00"))
    assert JAKARTA.month_name(ns("2026-11-30T23:59:59+07:00")) == "2026-11"


@given(st.sampled_from(ZONES), MOMENTS)
def test_every_moment_lies_in_its_periods(zone: str, moment: int) -> None:
    periods = Periods(ZoneInfo(zone))
    hour, day, month = (periods.start(period, moment) for period in ("hour", "day", "month"))
    assert month <= day <= hour <= moment
    assert moment - hour < 2 * HOUR
    assert moment - day < 26 * HOUR
    begin, end = periods.month(periods.month_name(moment))
    assert begin == month
    assert begin <= moment < end


@given(st.sampled_from(ZONES), MOMENTS, st.integers(0, 3 * DAY), st.integers(-(10**18), 10**18))
def test_the_parts_of_an_amount_sum_to_it(zone: str, start: int, length: int, amount: int) -> None:
    periods = Periods(ZoneInfo(zone))
    parts = list(periods.split(start, start + length, amount))
    assert sum(part for _, part in parts) == amount
    hours = [hour for hour, _ in parts]
    assert hours == sorted(set(hours))
    assert hours[0] == periods.start("hour", start)


@given(st.sampled_from(ZONES), MOMENTS, st.integers(0, 3 * DAY), st.integers(0, 10**18))
def test_what_is_withdrawn_is_what_was_booked(zone: str, start: int, length: int, amount: int) -> None:
    """Rounding must not make a difference between an amount and its withdrawal."""
    periods = Periods(ZoneInfo(zone))
    booked: dict[int, int] = {}
    for hour, part in periods.split(start, start + length, amount):
        booked[hour] = booked.get(hour, 0) + part
    for hour, part in periods.split(start, start + length, amount):
        booked[hour] -= part
    assert set(booked.values()) == {0}
    assert all(part >= 0 for _, part in periods.split(start, start + length, amount))


def test_utc_is_a_zone_too() -> None:
    assert Periods(ZoneInfo("UTC")).start("day", int(datetime(2026, 1, 1, 5, tzinfo=UTC).timestamp()) * SECOND) == ns(
        "2026-01-01T00:00:00+00:00"
    )
