"""Is everything in the database that a broker acknowledged? Asked of the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hub.sim.reader import Reader, times_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.sim.report import Ledger

SLICE: Final = 5000
"""Messages of a device that one query asks for."""
MS: Final = 1_000_000


class Missing(NamedTuple):
    """A point that should be there: a message of `device`, sent at `ms` (UTC), in `measurement`."""

    device: str
    measurement: str
    ms: int


async def count_points(reader: Reader) -> int:
    """Return how many points are stored, in all measurements; exact when one field is in every point of each."""
    measurements = [str(row[0]) for table in await reader.query("SHOW MEASUREMENTS") for row in table.values]
    return sum([await _count(reader, measurement) for measurement in measurements])


async def find_missing(reader: Reader, ledgers: Iterable[Ledger]) -> list[Missing]:
    """Return every acknowledged good message without its point, once for each measurement that lacks it."""
    return [
        Missing(ledger.device, measurement, ms)
        for ledger in ledgers
        for measurement in ledger.measurements
        for times in _sliced(ledger.times_ms())
        for ms in sorted(set(times) - await _stored_ms(reader, measurement, ledger.device, times))
    ]


async def _count(reader: Reader, measurement: str) -> int:
    tables = await reader.query(f'SELECT count(*) FROM "{measurement}"')  # noqa: S608 - the database's own name
    return max((int(cell or 0) for table in tables for row in table.values for cell in row[1:]), default=0)


async def _stored_ms(reader: Reader, measurement: str, device: str, times: list[int]) -> set[int]:
    """Events lie within the millisecond in which they were sent; all else lies on it."""
    tables = await reader.query(
        f'SELECT * FROM "{measurement}" WHERE "device" = $device'  # noqa: S608 - a name of the vocabulary
        f" AND time >= {times[0] * MS} AND time < {(times[-1] + 1) * MS}",
        {"device": device},
    )
    return {time // MS for table in tables for time in times_ns(table)}


def _sliced(times: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(times), SLICE):
        yield times[start : start + SLICE]
