"""Damage to valid inputs, as transport, careless programs and attackers do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

CHANGES: Final = (1, 1, 1, 2, 3, 4)
LONGEST_RUN: Final = 64
TELLING: Final = (0x00, 0x01, 0x22, 0x2C, 0x30, 0x3A, 0x7F, 0x80, 0xFE, 0xFF)
"""Bytes that mean something to a parser: ends of ranges, separators, quotation marks, DER's SEQUENCE."""


class Mutator:
    """Makes inputs of samples that are right; the same random source makes the same inputs."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._changes = (self._flip, self._put, self._cut, self._insert, self._repeat, self._drop)

    def damage(self, samples: Sequence[bytes]) -> bytes:
        """Return one of the samples with one to four changes; one in fifty is wholly random."""
        if self.random.random() < 0.02:
            return self.random.randbytes(self.random.randrange(4 * LONGEST_RUN))
        content = bytearray(self.random.choice(samples))
        if self.random.random() < 0.15:
            self._splice(content, self.random.choice(samples))
        for _ in range(self.random.choice(CHANGES)):
            self.random.choice(self._changes)(content)
        return bytes(content)

    def _flip(self, content: bytearray) -> None:
        if content:
            content[self._place(content)] ^= 1 << self.random.randrange(8)

    def _put(self, content: bytearray) -> None:
        if content:
            content[self._place(content)] = self.random.choice(TELLING)

    def _cut(self, content: bytearray) -> None:
        if self.random.random() < 0.2:  # what follows a cut is lost to the other changes
            del content[self._place(content) :]

    def _insert(self, content: bytearray) -> None:
        place = self._place(content)
        content[place:place] = self.random.randbytes(self.random.randint(1, 8))

    def _repeat(self, content: bytearray) -> None:
        """Put a piece that stands somewhere in a second place, up to a hundred times."""
        piece = content[self._run(content)]
        place = self._place(content)
        content[place:place] = piece * (100 if self.random.random() < 0.02 else 1)

    def _drop(self, content: bytearray) -> None:
        del content[self._run(content)]

    def _splice(self, content: bytearray, other: bytes) -> None:
        """Go on with the end of another sample."""
        content[self._place(content) :] = other[self._place(other) :]

    def _run(self, content: bytearray) -> slice:
        start = self._place(content)
        return slice(start, start + self.random.randint(1, LONGEST_RUN))

    def _place(self, content: bytes | bytearray) -> int:
        return self.random.randrange(len(content)) if content else 0
