"""The fewest requests that read what a profile wants, within what its device can bear. Pure.

Why there cannot be fewer. A request reads a range of addresses. It is allowed when it is no longer than a block,
touches nothing forbidden, and holds no run of unwanted addresses longer than the gap. Cut an allowed range down so that
it begins and ends at other wanted addresses, and it is allowed still: nothing grows. Now take, of the values that no
request reads yet, one that begins first, at address a. Some request must read it, and to cut off what lies before a
takes no unread value from that request, for none begins earlier: so there is a best plan in which it begins at a. Of
two allowed ranges from a the longer one reads all that the shorter one does. So to take the longest, again and again,
is never worse than any other plan. (Values may overlap, nest, or share an address; nothing above minds.)
"""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from hub.errors import ProfileError
from hub.profiles.modbus import BIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.profiles.modbus import Limits, TableName

LAST_ADDRESS: Final = 0xFFFF


class Wanted(Protocol):
    """A value to be read: its addresses, as the profile counts."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> int: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102


Span = tuple[int, int]
"""A value's first address, and the first one beyond it."""


class Block(NamedTuple):
    """One request: `size` registers or coils from `start` on, as the profile counts, for the sake of the values there.

    `values` are in rising order, those at the same place named once.
    """

    start: int
    size: int
    values: tuple[Span, ...]

    @classmethod
    def around(cls, values: Sequence[Span]) -> Block:
        """Return the smallest request that reads `values`, which are in order."""
        start, end = values[0][0], max(end for _, end in values)
        return cls(start, end - start, tuple(values))

    def halves(self) -> tuple[Block, ...]:
        """Return what to try when the device refuses it: two requests of half the values; nothing for a single one."""
        middle = len(self.values) // 2
        return (Block.around(self.values[:middle]), Block.around(self.values[middle:])) if middle else ()


class Bounds:
    """What may stand in one request to a table, of a device with these limits.

    Raises:
        ProfileError: a forbidden address is no number and no range.
    """

    def __init__(self, limits: Limits, table: TableName, *, one_based: bool = False) -> None:
        self.most = limits.coils if table in BIT_TABLES else limits.block
        self.gap = limits.gap
        self.alone = limits.alone
        self.first = 1 if one_based else 0
        self.last = LAST_ADDRESS + self.first
        self.forbidden = tuple(_addresses(text) for text in limits.forbidden)

    def touches_forbidden(self, start: int, end: int) -> bool:
        """Tell whether an address that must not be read lies in start ... end - 1."""
        return any(start < one.stop and one.start < end for one in self.forbidden)

    def barring(self, block: Block) -> Bounds:
        """Return the same bounds with one more range that must not be read."""
        narrower = copy(self)
        narrower.forbidden += (range(block.start, block.start + block.size),)
        return narrower

    def check(self, value: Wanted) -> None:
        """Raise ProfileError when a value cannot be read at all."""
        end = value.at + value.width
        if value.at < self.first or end > self.last + 1:
            raise ProfileError(f"{value.key} at {value.at}: addresses are {self.first} ... {self.last}")
        if value.width > self.most:
            raise ProfileError(f"{value.key} at {value.at}: takes {value.width}, the device's limit is {self.most}")
        if self.touches_forbidden(value.at, end):
            raise ProfileError(f"{value.key} at {value.at}: lies on a forbidden address")


def plan(values: Iterable[Wanted], bounds: Bounds) -> tuple[Block, ...]:
    """Return the fewest blocks that hold every value as a whole, in rising order of their start.

    Raises:
        ProfileError: a value cannot be read within the bounds.
    """
    values = list(values)
    for value in values:
        bounds.check(value)
    left = sorted({(value.at, value.at + value.width) for value in values})
    if bounds.alone:
        return tuple(Block.around([span]) for span in left)
    wanted = _runs(left)
    blocks: list[Block] = []
    while left:
        end = _furthest(left, wanted, bounds)
        blocks.append(Block.around([span for span in left if span[1] <= end]))
        left = [span for span in left if span[1] > end]
    return tuple(blocks)


def _addresses(text: str) -> range:
    first, _, last = text.partition("-")
    if not first.strip().isdecimal() or not (last or first).strip().isdecimal():
        raise ProfileError(f"modbus: limits: forbidden: {text!r} is neither an address nor a range such as 100-119")
    return range(int(first), int(last or first) + 1)


def _runs(spans: Sequence[Span]) -> list[Span]:
    """Return the runs of wanted addresses, from spans in order."""
    runs: list[Span] = []
    for start, end in spans:
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs


def _furthest(left: Sequence[Span], wanted: Sequence[Span], bounds: Bounds) -> int:
    """Return where the longest allowed range from the first of `left` ends: at the end of a value."""
    start, best = left[0]
    for end in sorted({end for _, end in left}):
        if end - start > bounds.most or bounds.touches_forbidden(start, end) or _hole(start, end, wanted) > bounds.gap:
            break
        best = max(best, end)
    return best


def _hole(start: int, end: int, wanted: Sequence[Span]) -> int:
    """Return the longest run of unwanted addresses in a range that begins and ends at wanted ones."""
    inside = [run for run in wanted if run[1] > start and run[0] < end]
    return max((right[0] - left[1] for left, right in pairwise(inside)), default=0)
