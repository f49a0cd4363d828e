"""The few types that travel through the hub, and the clock they are stamped with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Clock = Callable[[], int]
"""Returns nanoseconds UTC since 1970, as `time.time_ns` does; injected wherever time is read."""


class Message(Protocol):
    """One message as a device sent it; the MQTT codec's own packets have this shape, so none is copied.

    `retain` is true only for what the broker kept from earlier and handed out on subscribing.
    """

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def payload(self) -> bytes: ...  # noqa: D102
    @property
    def retain(self) -> bool: ...  # noqa: D102


@dataclass(slots=True, frozen=True)
class Burst:
    """What one read from a socket brought.

    The message at index i counts as received at `received_ns + i`, so that two messages without a time of
    their own never share a timestamp.
    `acknowledge` is called once everything in the burst is durable; it does nothing when its connection is gone.
    """

    messages: Sequence[Message]
    received_ns: int
    acknowledge: Callable[[], None]


@dataclass(slots=True, frozen=True)
class DeadLetter:
    """What could not be stored, kept for `cityhub rejects`. `device` is empty when it is not known."""

    received_ns: int
    device: str
    topic: str
    reason: str
    detail: str
    payload: bytes


@dataclass(slots=True, frozen=True)
class Lines:
    """What the hub itself has read or concluded: whole lines of line protocol, each ended by a newline.

    `dead` is what could not be stored of it. No one waits for an acknowledgement.
    """

    text: str
    dead: Sequence[DeadLetter] = ()


@dataclass(slots=True)
class Batch:
    """What one spool transaction takes: whole lines of line protocol, each ended by a newline, and dead letters."""

    lines: bytes = b""
    count: int = 0
    dead: list[DeadLetter] = field(default_factory=list)
