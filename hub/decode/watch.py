"""What decoders leave behind for those who watch over the devices: vital signs, presence words, the last position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 1000
"""Entries kept of a device that nobody drains; the newest evidence counts."""

MANY: Final = 4
"""So many samples a second are more than any device needs to send."""

Vitals = tuple[Any, ...]
"""(time_ns, received_ns, *vitals) of a sample, vitals in the order of the profile's, None where it had none."""


class Word(NamedTuple):
    """A device's own word, or its last will's, on whether it is connected."""

    received_ns: int
    online: bool
    retained: bool


class Inbox:
    """Who has left something since this was last emptied, so that nobody must look at a hundred thousand watches.

    Attributes:
        sampled: watches that hold samples ...
        spoken: ... and those that hold words.
    """

    __slots__ = ("sampled", "spoken")

    def __init__(self) -> None:
        self.sampled: list[Watch] = []
        self.spoken: list[Watch] = []


class Watch:
    """One a device, made by the directory; decoders add to it, hub/status takes what they added.

    What the broker had retained is no evidence that a device lives: it moves neither `heard_ns` nor `samples`.

    Attributes:
        device: its id.
        index: dense, and stable while the hub runs.
        inbox: of whoever follows the device; None: nobody does.
        samples: of each sample stored; a list once there is one.
        words: in the order in which they were received; likewise.
        heard_ns: receipt of the last live message of the device itself, also of one that was rejected, but not of
            a word; 0: none.
        fix: time and position that a tracker was last believed: time_ns, lat, lon.
        doubt: the last position that was too far from `fix` to be believed, in the same form; a second one near it
            is believed. Kept by hub/decode/position.py.
    """

    __slots__ = ("device", "doubt", "fix", "heard_ns", "inbox", "index", "samples", "words")

    def __init__(self, device: str, index: int) -> None:
        self.device = device
        self.index = index
        self.inbox: Inbox | None = None
        self.samples: list[Vitals] | tuple[()] = ()
        self.words: list[Word] | tuple[()] = ()
        self.heard_ns = 0
        self.fix: tuple[int, float, float] | None = None
        self.doubt: tuple[int, float, float] | None = None

    def keep(self, sample: Vitals) -> None:
        """Add a sample."""
        if isinstance(self.samples, list):
            _add(self.samples, sample)
            return
        self.samples = [sample]
        if self.inbox is not None:
            self.inbox.sampled.append(self)

    def say(self, word: Word) -> None:
        """Add a word."""
        if not isinstance(self.words, list):
            self.words = []
            if self.inbox is not None:
                self.inbox.spoken.append(self)
        _add(self.words, word)

    def take_samples(self) -> Sequence[Vitals]:
        """Return the samples that came since this was last called."""
        samples, self.samples = self.samples, ()
        return samples

    def take_words(self) -> Sequence[Word]:
        """Return the words that came since this was last called."""
        words, self.words = self.words, ()
        return words

    def report_to(self, inbox: Inbox | None) -> None:
        """Let somebody follow the device, who learns at once of what is there already; or nobody."""
        self.inbox = inbox
        if inbox is not None and self.samples:
            inbox.sampled.append(self)
        if inbox is not None and self.words:
            inbox.spoken.append(self)


def _add(entries: list[Any], entry: object) -> None:
    if len(entries) >= MOST:
        del entries[: len(entries) - MOST + 1]
    entries.append(entry)
