"""The books of bytes: sums by hour, day and month, and the meters' state that covers them, in one SQLite file.

Sums and the state that they cover change in one transaction, so a restart at any moment neither loses nor counts
twice: what was not written down is read again from the devices' own counters. Each row knows whether the history
database has its latest sum; a row is ticked off once its line lies in the history's spool.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hub.errors import CityhubError
from hub.status.bookings import Sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.status.bookings import Bookings, Series
    from hub.status.periods import Periods

DAY_NS: Final = 86_400 * 1_000_000_000
KEPT_NS: Final = {"hour": 4 * DAY_NS, "day": 4 * DAY_NS, "month": 70 * DAY_NS}
"""A late reading may change the hours of two days ago, and with them days and the month before."""
KNOWN_SERIES: Final = 20_000
"""Ids that are remembered; a larger city's are looked up."""
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, tags TEXT NOT NULL, "group" TEXT NOT NULL,
    uplink TEXT NOT NULL, agency TEXT NOT NULL, UNIQUE (measurement, tags)
);
CREATE TABLE sums (
    period TEXT NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL,
    rx INTEGER NOT NULL, tx INTEGER NOT NULL, local INTEGER NOT NULL, estimated INTEGER NOT NULL,
    peak_bps REAL NOT NULL, dirty INTEGER NOT NULL, PRIMARY KEY (period, start, series)
) WITHOUT ROWID;
CREATE INDEX sums_dirty ON sums (period, start) WHERE dirty;
CREATE TABLE meters (device TEXT PRIMARY KEY, state TEXT NOT NULL, booked_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE states (
    part TEXT NOT NULL, device TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (part, device)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_ADD: Final = """
INSERT INTO sums (period, start, series, rx, tx, local, estimated, peak_bps, dirty) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET rx = rx + excluded.rx, tx = tx + excluded.tx, local = local + excluded.local,
estimated = estimated + excluded.estimated, peak_bps = max(peak_bps, excluded.peak_bps), dirty = excluded.dirty
"""
_BANDWIDTH: Final = """
SELECT series.{level}, sum(rx), sum(tx), sum(local), sum(estimated), max(peak_bps)
FROM sums JOIN series ON series.id = sums.series
WHERE period = ? AND start = ? AND measurement = 'bandwidth' GROUP BY series.{level} HAVING max(dirty)
"""
_UPLINK: Final = """
SELECT series.tags, rx, tx, local, estimated, peak_bps, (
    SELECT coalesce(sum(one.rx + one.tx), 0) FROM sums AS one JOIN series AS its ON its.id = one.series
    WHERE one.period = sums.period AND one.start = sums.start
    AND its.measurement = 'bandwidth' AND its.uplink = series.uplink
)
FROM sums JOIN series ON series.id = sums.series WHERE period = ? AND start = ? AND measurement = 'uplink'
"""
_USES: Final = """
SELECT series.measurement, series.uplink, series.agency, sum(rx + tx) FROM sums JOIN series ON series.id = sums.series
WHERE period = 'month' AND start = ? AND uplink != '' GROUP BY series.measurement, series.uplink, series.agency
"""


class Page(NamedTuple):
    """An hour or a day."""

    period: str
    start_ns: int


class Row(NamedTuple):
    """A sum for the history; `attributed` is of an uplink: what the devices behind it account for."""

    measurement: str
    tags: str
    sums: Sums
    attributed: int | None = None


class Use(NamedTuple):
    """Bytes of a month: of an agency over an uplink, or of the uplink itself by its router."""

    measurement: str
    uplink: str
    agency: str
    bytes: int


class Ledger:
    """Every method is one transaction or one whole read. Not thread-safe: one call at a time.

    Raises:
        CityhubError: the file cannot be opened, or is of another version.
    """

    def __init__(self, file: Path, periods: Periods) -> None:
        self._file = file
        self._periods = periods
        try:
            file.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise CityhubError(f"the ledger {file} cannot be opened: {error}; mend that or move it away") from error
        self._ids: dict[Series, int] = {}

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def meters(self) -> dict[str, str]:
        """Return device -> its meter's state."""
        return dict(self._db.execute("SELECT device, state FROM meters").fetchall())

    def states(self, part: str) -> dict[str, str]:
        """Return device -> what a part keeps of it."""
        return dict(self._db.execute("SELECT device, state FROM states WHERE part = ?", (part,)).fetchall())

    def book(self, bookings: Bookings, now_ns: int) -> None:
        """Add sums to their hours, days and months, and note the state that covers them, in one transaction.

        Raises:
            sqlite3.Error: it cannot be written; nothing was.
        """
        with self._writing():
            self._db.executemany(_ADD, list(self._rows(bookings)))
            meters = ((device, text, now_ns) for device, text in bookings.meters.items())
            self._db.executemany("INSERT OR REPLACE INTO meters VALUES (?, ?, ?)", meters)
            others = ((part, device, text) for (part, device), text in bookings.states.items())
            self._db.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", others)

    def pages(self) -> list[Page]:
        """Return the hours and days of which the history lacks something, oldest first."""
        query = "SELECT DISTINCT period, start FROM sums WHERE dirty ORDER BY start, period"
        return [Page(*row) for row in self._db.execute(query).fetchall()]

    def rows(self, page: Page) -> Iterator[Row]:
        """Yield what the history lacks of a page: hours by group, days by series; of the uplinks all."""
        level = '"group"' if page.period == "hour" else "tags"
        for tags, *sums in self._db.execute(_BANDWIDTH.format(level=level), page):
            yield Row("bandwidth", tags, Sums(*sums))
        for tags, *sums, attributed in self._db.execute(_UPLINK, page):
            yield Row("uplink", tags, Sums(*sums), attributed)

    def tick_off(self, page: Page) -> None:
        """Note that the history has all of a page, or will: its lines are durable."""
        self._db.execute("UPDATE sums SET dirty = 0 WHERE period = ? AND start = ? AND dirty", page)

    def uses(self, month_ns: int) -> list[Use]:
        """Return what went over each uplink in the month that begins there."""
        return [Use(*row) for row in self._db.execute(_USES, (month_ns,)).fetchall()]

    def prune(self, now_ns: int) -> None:
        """Forget what can no longer change, once the history has it."""
        with self._writing():
            for period, kept_ns in KEPT_NS.items():
                query = "DELETE FROM sums WHERE period = ? AND start < ? AND NOT dirty"
                self._db.execute(query, (period, now_ns - kept_ns))
            self._db.execute("DELETE FROM meters WHERE booked_ns < ?", (now_ns - KEPT_NS["month"],))
            self._db.execute("DELETE FROM series WHERE id NOT IN (SELECT series FROM sums)")
        self._ids.clear()

    def _rows(self, bookings: Bookings) -> Iterator[tuple[Any, ...]]:
        for (series, hour), sums in bookings.sums.items():
            values = (self._id(series), sums.rx, sums.tx, sums.local, sums.estimated, sums.peak_bps)
            yield "hour", hour, *values, True
            yield "day", self._periods.start("day", hour), *values, True
            yield "month", self._periods.start("month", hour), *values, False

    def _id(self, series: Series) -> int:
        known = self._ids.get(series)
        if known is None:
            if len(self._ids) >= KNOWN_SERIES:
                self._ids.clear()
            known = self._ids[series] = self._found(series)
        return known

    def _found(self, series: Series) -> int:
        query = "SELECT id FROM series WHERE measurement = ? AND tags = ?"
        found = self._db.execute(query, series[:2]).fetchone()
        if found is not None:
            return int(found[0])
        values = ", ".join("?" * len(series))
        added = self._db.execute(f"INSERT INTO series VALUES (NULL, {values})", series)  # noqa: S608 - question marks
        return int(added.lastrowid or 0)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._ids.clear()  # ids given in a transaction that was undone
            raise

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=OFF"):
            self._db.execute(f"PRAGMA {pragma}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
        elif version != _VERSION:
            raise CityhubError(f"{self._file} was written by another version of Cityhub; move it away")
