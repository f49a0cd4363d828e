"""One group of a device's readings: its turns, its plan, and what the device has refused of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.sources.modbus.planner import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.decode.registers import RegisterGroup
    from hub.sources.modbus.planner import Block, Bounds
    from hub.sources.modbus.turns import Turns

RELEARN_S: Final = 3600.0
"""What a device refused is asked for again after so long: it may have been replaced, or set up anew."""
NAMED: Final = 3
"""Readings that a sentence names; of more it tells the number."""


class Round:
    """Reads a group turn by turn.

    Raises:
        ProfileError: a reading cannot be read within the bounds.

    Attributes:
        first: the first address as the profile counts, which is 0 on the wire.
        pending: what is still to be read in this turn.
        begun: whether a request of this turn has been sent.
    """

    def __init__(self, group: RegisterGroup, bounds: Bounds, turns: Turns) -> None:
        self.group = group
        self.turns = turns
        self.first = bounds.first
        self.begun = False
        self._bounds = bounds
        self._original = plan(group.fields, bounds)
        self._blocks = list(self._original)
        self._refused: dict[Block, str] = {}
        self._relearn = 0.0
        self._wiser = False
        self.pending = list(self._blocks)

    def skip(self, now: float) -> int:
        """Pass over the turns that cannot be kept any more; return how many they were."""
        missed = self.turns.skip(now)
        if missed:
            self._anew(now)
        return missed

    def finish(self, now: float) -> None:
        """End the turn."""
        self.turns.finish(now)
        self._anew(now)

    def read(self, block: Block) -> bool:
        """Take note that `block` has been read; return whether it was the turn's last."""
        self.pending.remove(block)
        return not self.pending

    def refuse(self, block: Block, why: str, now: float, *, divide: bool) -> None:
        """Take note that the device refused `block`: read its halves from now on, or nothing when that is no use."""
        halves = block.halves() if divide else ()
        for blocks in (self._blocks, self.pending):
            place = blocks.index(block)
            blocks[place : place + 1] = halves
        self._relearn = self._relearn or now + RELEARN_S
        if not halves:
            self._refused[block] = why
            self._wiser = True

    def _around_refused(self) -> tuple[Block, ...]:
        """Plan anew once culprits are known: what was halved on the way to them need not stay apart."""
        gone = {value for block in self._refused for value in block.values}
        left = [field for field in self.group.fields if (field.at, field.at + field.width) not in gone]
        bounds = self._bounds
        for block in self._refused:
            if not any(field.at < block.start + block.size and block.start < field.at + field.width for field in left):
                bounds = bounds.barring(block)
        return plan(left, bounds)

    def faults(self) -> Iterator[str]:
        """Say what the device refuses."""
        for block, why in self._refused.items():
            keys = [field.key for field in self.group.fields if (field.at, field.at + field.width) in block.values]
            more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
            yield f"{', '.join(keys[:NAMED])}{more} at {block.start}: {why}"

    def _anew(self, now: float) -> None:
        if self._relearn and now >= self._relearn:
            self._blocks, self._refused, self._relearn = list(self._original), {}, 0.0
        elif self._wiser:
            self._blocks = list(self._around_refused())
        self._wiser = False
        self.pending = list(self._blocks)
        self.begun = False
