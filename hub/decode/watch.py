"""What decoders leave behind for those who watch over the devices: vital signs, presence words, the last position."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

MOST: Final = 1000
"""Entries kept of a device that nobody drains; the newest evidence counts."""


class Word(NamedTuple):
    """A device's own word, or its last will's, on whether it is connected."""

    received_ns: int
    online: bool
    retained: bool


class Watch:
    """One a device, made by the directory; decoders add to it, hub/status takes what they added.

    What the broker had retained is no evidence that a device lives: it moves neither `heard_ns` nor `samples`.

    Attributes:
        device: its id.
        index: dense, and stable while the hub runs.
        samples: (time_ns, received_ns, *vitals) of each sample stored, vitals in the order of the profile's, None
            where the sample had none.
        words: in the order in which they were received.
        heard_ns: receipt of the last live message of the device itself, also of one that was rejected, but not of
            a word; 0: none.
        fix: time and position that a tracker was last believed: time_ns, lat, lon.
        doubt: the last position that was too far from `fix` to be believed, in the same form; a second one near it
            is believed. Kept by hub/decode/position.py.
    """

    __slots__ = ("device", "doubt", "fix", "heard_ns", "index", "samples", "words")

    def __init__(self, device: str, index: int) -> None:
        self.device = device
        self.index = index
        self.samples: list[tuple[Any, ...]] = []
        self.words: list[Word] = []
        self.heard_ns = 0
        self.fix: tuple[int, float, float] | None = None
        self.doubt: tuple[int, float, float] | None = None


def keep(entries: list[Any], entry: object) -> None:
    """Append an entry to a watch's list, which stays bounded."""
    if len(entries) >= MOST:
        del entries[: len(entries) - MOST + 1]
    entries.append(entry)
