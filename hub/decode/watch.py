"""What decoding notes of a device beside its lines: when it was heard, what it said of itself, and its vital signs."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

MOST_NOTES: Final = 1_000
"""Samples, and words, that wait for `hub.status` at a time; the oldest are dropped, for the newest evidence counts."""


class Word(NamedTuple):
    """A device's own word on whether it is connected, or its last will."""

    received_ns: int
    online: bool
    retained: bool


class Watch:
    """The notes of one device; decoders write them, `hub.status` takes them away about once a second.

    Attributes:
        device: its id.
        index: dense, stable while the hub runs.
        samples: (time_ns, received_ns, *vitals), vitals in the order of the profile, None where one is absent.
        words: presence words, retained ones too.
        heard_ns: receipt of the last live message, also of one that was rejected; 0: none yet.
        fix: last accepted position of a tracker: (time_ns, lat, lon).
    """

    __slots__ = ("device", "fix", "heard_ns", "index", "samples", "words")

    def __init__(self, device: str, index: int) -> None:
        self.device = device
        self.index = index
        self.samples: list[tuple[Any, ...]] = []
        self.words: list[Word] = []
        self.heard_ns = 0
        self.fix: tuple[int, float, float] | None = None
