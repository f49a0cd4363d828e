"""What all simulated units have: a clock that only rises, a boot number, a sequence number that restarts with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import ClassVar, Final, NamedTuple

SECOND_NS: Final = 1_000_000_000
MILLISECOND_NS: Final = 1_000_000
WIB: Final = timezone(timedelta(hours=7), "WIB")
"""Western Indonesia, which has no daylight saving time."""

Sample = dict[str, object]
"""What a device says at one moment, ready to become JSON; `ts` is in milliseconds UTC."""


class Event(NamedTuple):
    """Something that happened: a word, how bad the device thinks it is, and a sentence."""

    name: str
    severity: str
    text: str


class Inside:
    """The inside of anything simulated. Given the same seed and the same moments, it says the same.

    Attributes:
        rng: where all that is random about it comes from.
        happened: what is to be told beside what it measures; whoever tells it takes it away.
    """

    def __init__(self, seed: int, start_ns: int) -> None:
        self.rng = Random(seed)  # noqa: S311 - a simulation
        self.happened: list[Event] = []
        self._last_ns = start_ns

    def _elapsed_s(self, now_ns: int) -> float:
        """Return the seconds since the last call, or since the start."""
        elapsed_s = max(0, now_ns - self._last_ns) / SECOND_NS
        self._last_ns = now_ns
        return elapsed_s


class Unit(Inside, ABC):
    """A device's inside, that sends.

    Attributes:
        measurements: where the hub stores a sample; a good sample makes one point in each.
        absurd: a reading and a value that no such device can mean.
        last_ms: time of the latest sample or event.
    """

    measurements: ClassVar[tuple[str, ...]]
    absurd: ClassVar[tuple[str, float]]

    def __init__(self, seed: int, start_ns: int) -> None:
        super().__init__(seed, start_ns)
        self._boot = 1
        self._seq = 0
        self._booted_ns = start_ns
        self.last_ms = 0

    def sample(self, now_ns: int) -> Sample:
        """Return what the device measures now; `ts` is later than any before, `seq` one more."""
        elapsed_s = self._elapsed_s(now_ns)
        self._seq += 1
        return {
            "ts": self._stamp(now_ns),
            "seq": self._seq,
            "boot": self._boot,
            **self._readings(now_ns, elapsed_s),
        }

    def tell(self, event: Event, now_ns: int) -> Sample:
        """Return an event as it is sent."""
        return {"ts": self._stamp(now_ns), "event": event.name, "severity": event.severity, "text": event.text}

    def reboot(self, now_ns: int) -> None:
        """Start anew: the next boot, with all counters at zero."""
        self._boot += 1
        self._seq = 0
        self._booted_ns = self._last_ns = now_ns
        self.happened.append(Event("reboot", "warning", f"menyala kembali · rebooted, boot {self._boot}"))

    @abstractmethod
    def _readings(self, now_ns: int, elapsed_s: float) -> Sample:
        """Return what is measured, `elapsed_s` after the last time."""

    def _uptime_s(self, now_ns: int) -> int:
        return max(0, now_ns - self._booted_ns) // SECOND_NS

    def _stamp(self, now_ns: int) -> int:
        self.last_ms = max(now_ns // MILLISECOND_NS, self.last_ms + 1)
        return self.last_ms


def hour_of_day(now_ns: int) -> float:
    """Return the local time in hours, 0 included, 24 excluded."""
    local = datetime.fromtimestamp(now_ns / SECOND_NS, UTC).astimezone(WIB)
    return local.hour + local.minute / 60 + local.second / 3600
