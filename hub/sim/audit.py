"""Is everything in the database that a broker acknowledged or a unit answered, and nothing else? Asked of itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from hub.sim.reader import Reader, times_ns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hub.sim.report import Answers, Ledger

SLICE: Final = 5000
"""Messages of a device that one query asks for."""
MS: Final = 1_000_000
NEAR_NS: Final = 5_000_000_000
"""A point belongs to an answer of the same value when so little lies between them: a poll, and a stalled machine."""


class Missing(NamedTuple):
    """A point that should be there: a message of `device`, sent at `ms` (UTC), in `measurement`."""

    device: str
    measurement: str
    ms: int


class Compared(NamedTuple):
    """What units answered, beside what is stored of it.

    Attributes:
        stored: points that a query finds, of readings that units said.
        missing: answers without a point, by device.
        invented: points without an answer, by device.
    """

    stored: int
    missing: Counter[str]
    invented: Counter[str]


async def count_points(reader: Reader, measurements: Collection[str], profiles: Collection[str]) -> int:
    """Return how many points of devices of these profiles are stored there; exact when a field is in every point."""
    return sum([await _count(reader, measurement, profiles) for measurement in measurements])


async def find_missing(reader: Reader, ledgers: Iterable[Ledger]) -> list[Missing]:
    """Return every acknowledged good message without its point, once for each measurement that lacks it."""
    return [
        Missing(ledger.device, measurement, ms)
        for ledger in ledgers
        for measurement in ledger.measurements
        for times in _sliced(ledger.times_ms())
        for ms in sorted(set(times) - await _stored_ms(reader, measurement, ledger.device, times))
    ]


async def compare_answers(reader: Reader, ledgers: Iterable[Answers]) -> Compared:
    """Find each answer's point by its value and its time."""
    compared = Compared(0, Counter(), Counter())
    for ledger in ledgers:
        points = await _stored_values(reader, ledger)
        pairs, left = _paired(zip(ledger.times_ns, ledger.values, strict=True), points)
        compared.missing[ledger.device] += len(ledger.times_ns) - pairs
        compared.invented[ledger.device] += left
        compared = compared._replace(stored=compared.stored + pairs + left)
    return compared


def _paired(answers: Iterable[tuple[int, float]], points: list[tuple[int, float]]) -> tuple[int, int]:
    """Pair each answer with the earliest point that can be its own; return the pairs, and the points left over."""
    waiting: dict[float, list[int]] = {}
    for time_ns, value in points:
        waiting.setdefault(round(value, 6), []).append(time_ns)
    pairs = 0
    for time_ns, value in answers:
        times = waiting.get(round(value, 6), [])
        own = next((time for time in times if abs(time - time_ns) <= NEAR_NS), None)
        if own is not None:
            times.remove(own)
            pairs += 1
    return pairs, len(points) - pairs


async def _stored_values(reader: Reader, ledger: Answers) -> list[tuple[int, float]]:
    """Return all that is stored of a unit's reading, whenever, as (time in ns, value), in order of time."""
    tables = await reader.query(
        f'SELECT "{ledger.field}" FROM "{ledger.measurement}" WHERE "device" = $device',  # noqa: S608 - our own names
        {"device": ledger.device},
    )
    return [(int(row[0] or 0), float(row[1] or 0)) for table in tables for row in table.values]


async def _count(reader: Reader, measurement: str, profiles: Collection[str]) -> int:
    which = "|".join(sorted(profiles))
    tables = await reader.query(
        f'SELECT count(*) FROM "{measurement}" WHERE "profile" =~ /^({which})$/'  # noqa: S608 - our own names
    )
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
