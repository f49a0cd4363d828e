"""The errors of the hub, named for what to do next.

CityhubError                 one sentence: what was wrong, where, what to do
├── UsageError               the caller asked for something that cannot be (exit code 2)
├── SettingsError            the settings file or the environment is wrong (exit code 2)
├── ProfileError             a device profile or the vocabulary is wrong
├── MissingProgram           a server program is not installed; says the command that installs it
├── Rejected                 a payload (or a part of it) goes to the dead letters
├── LinkDown                 a connection (MQTT broker, Modbus gateway) is gone: reconnect
├── NoAnswer                 a Modbus unit was silent, or made no sense: leave it alone for a while
├── Excepted                 a Modbus unit or its gateway answered with an exception: do as its code says
├── SpoolFull                stop acknowledging until there is room
└── SinkError                the database did not take a write
    ├── Retryable            hold the batch and try again, after `after` seconds if given
    ├── Refused              the database condemns something in this batch: find the line
    └── TooLarge             the same lines in smaller requests
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class CityhubError(Exception):
    """Root of the tree; `str(error)` is fit to be shown to a person."""


class UsageError(CityhubError):
    """The caller asked for something that cannot be."""


class SettingsError(CityhubError):
    """The settings file or the environment is wrong; names file, key and remedy."""


class ProfileError(CityhubError):
    """A device profile or the vocabulary is wrong; names the file and the place in it."""


class MissingProgram(CityhubError):
    """A server program is not installed; says the command that installs it."""


class Reason(StrEnum):
    """Why something was rejected; the words that `cityhub rejects` and the metrics use."""

    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_TOPIC = "unknown_topic"
    TOO_LARGE = "too_large"
    BAD_PAYLOAD = "bad_payload"
    WRONG_TYPE = "wrong_type"
    WRONG_UNIT = "wrong_unit"
    OUT_OF_RANGE = "out_of_range"
    NO_READINGS = "no_readings"
    BAD_TIME = "bad_time"
    IMPLAUSIBLE = "implausible"
    REFUSED_BY_DATABASE = "refused_by_database"
    DECODER_FAILED = "decoder_failed"


class Fault(NamedTuple):
    """One thing wrong with a payload: a reason and a sentence that names the reading and the value."""

    reason: Reason
    detail: str


class Rejected(CityhubError):
    """A payload, or a part of it, cannot be stored.

    Args:
        faults: what was wrong, at least one.
        kept: line protocol of what was good in the same payload; may be empty.
    """

    def __init__(self, faults: list[Fault], kept: str = "") -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = faults
        self.kept = kept


class LinkDown(CityhubError):
    """A connection (to the MQTT broker, to a Modbus gateway) is gone or was never made; reconnect."""


class NoAnswer(CityhubError):
    """A Modbus unit did not answer in time, or not what it was asked; leave it alone for a while."""


class Excepted(CityhubError):
    """A Modbus unit, or the gateway before it, answered with an exception (application protocol 1.1b3, 7)."""

    def __init__(self, code: int) -> None:
        super().__init__(EXCEPTIONS.get(code, f"it answered with the unknown exception {code}"))
        self.code = code


EXCEPTIONS: Final = {
    1: "it does not know this function, so it has no such table",
    2: "it has no such address",
    3: "it does not take such a request",
    4: "it has failed",
    5: "it needs longer to answer",
    6: "it is busy",
    8: "its memory has a parity error",
    10: "the gateway has no path to it",
    11: "the gateway got no answer from it",
}
"""Exception code -> what it means, said of the unit."""


class SpoolFull(CityhubError):
    """The spool has reached its bound, or the disk its reserve: stop acknowledging until there is room."""


class SinkError(CityhubError):
    """The database did not take a write."""


class Retryable(SinkError):
    """Hold the batch and try again; `after` is the server's own wish in seconds, if it gave one."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Refused(SinkError):
    """The database condemns something in this batch; with a single line it is that line."""


class TooLarge(SinkError):
    """The request was too large; the same lines in smaller requests may pass."""


@contextmanager
def ungrouped(*expected: type[Exception]) -> Iterator[None]:
    """Let the first error of a task group out alone when all in it were expected; any other group passes as it is.

    `except*` would do, but Python before 3.11.4 wraps what is raised there into a group again.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        known, others = group.split(expected)
        if known is None or others is not None:
            raise
        raise _first(known) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
