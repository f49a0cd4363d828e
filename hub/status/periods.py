"""Hours, days and months of the city's time zone, as nanoseconds UTC. Pure.

Every moment belongs to exactly one hour, day and month, also where clocks are put back (that hour is there twice) or
zones are half an hour off. A period is named by the nanosecond at which it begins.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from hub.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

SECOND: Final = 1_000_000_000
QUARTER_NS: Final = 900 * SECOND
"""Zones are a whole number of quarters off UTC, and change on one."""
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")

Period = Literal["hour", "day", "month"]


class Periods:
    """The hours, days and months of a time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._quarter = lru_cache(maxsize=4096)(self._start)
        self._hour = (0, 0)

    def start(self, period: Period, time_ns: int) -> int:
        """Return the beginning of the period in which a moment lies."""
        return self._quarter(period, time_ns // QUARTER_NS)

    def split(self, start_ns: int, end_ns: int, amount: int) -> Iterable[tuple[int, int]]:
        """Return (hour, part) of an amount that flowed evenly; the parts sum exactly to the amount.

        What takes no time belongs to the hour of its end. An end on the full hour belongs to the hour before.
        """
        begin_ns, finish_ns = self._hour
        if begin_ns <= start_ns < end_ns <= finish_ns:  # as nearly always: within the hour that was asked for last
            return ((begin_ns, amount),)
        return self._parts(start_ns, end_ns, amount)

    def _parts(self, start_ns: int, end_ns: int, amount: int) -> Iterator[tuple[int, int]]:
        length = end_ns - start_ns
        done, at = 0, start_ns
        while at < end_ns:
            hour = self.start("hour", at)
            self._hour = hour, self._hour_end(at)
            at = min(self._hour[1], end_ns)
            upto = amount * (at - start_ns) // length
            yield hour, upto - done
            done = upto
        if length <= 0:
            yield self.start("hour", end_ns), amount

    def month(self, text: str) -> tuple[int, int]:
        """Return beginning and end of a month such as 2026-11.

        Raises:
            UsageError: it is none.
        """
        found = _MONTH.fullmatch(text)
        if found is None or not 2000 <= (year := int(found[1])) < 2200:  # noqa: PLR2004 - as far as nanoseconds reach
            raise UsageError(f"{text!r} is no month: write year and month, e.g. 2026-11")
        begin = datetime(year, int(found[2]), 1, tzinfo=self._zone)
        following = (begin + timedelta(days=32)).replace(day=1)
        return _ns(begin), _ns(following)

    def month_name(self, time_ns: int) -> str:
        """Return the month of a moment as text, e.g. 2026-11."""
        return f"{self._local(time_ns // QUARTER_NS):%Y-%m}"

    def end_of_hour(self, time_ns: int) -> int:
        """Return the end of the hour in which a moment lies."""
        begin_ns, finish_ns = self._hour
        return finish_ns if begin_ns <= time_ns < finish_ns else self._hour_end(time_ns)

    def _hour_end(self, time_ns: int) -> int:
        quarter, hour = time_ns // QUARTER_NS, self.start("hour", time_ns)
        while self._quarter("hour", quarter) == hour:
            quarter += 1
        return quarter * QUARTER_NS

    def _start(self, period: Period, quarter: int) -> int:
        local = self._local(quarter)
        match period:
            case "hour":
                return quarter * QUARTER_NS - local.minute * 60 * SECOND
            case "day":
                return _ns(local.replace(hour=0, minute=0, fold=0))
            case "month":
                return _ns(local.replace(day=1, hour=0, minute=0, fold=0))

    def _local(self, quarter: int) -> datetime:
        return datetime.fromtimestamp(quarter * 900, self._zone)


def _ns(moment: datetime) -> int:
    """Where clocks skip midnight, the day begins when they have skipped it."""
    return int(moment.astimezone(UTC).timestamp()) * SECOND
