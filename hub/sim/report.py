"""What the simulation's process says on its standard output: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.errors import CityhubError


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Totals(_Line):
    """Sums over all devices since the start, once a second; see Tally for the words.

    Attributes:
        seen: devices that were connected at least once.
        waiting: messages not acknowledged yet.
        models: (connected now, all) by model.
    """

    type: Literal["totals"] = "totals"
    devices: int
    connected: int
    seen: int
    published: int
    acknowledged: int
    good: int
    refused: int
    dropped: int
    waiting: int
    rubbish: dict[str, int]
    models: dict[str, tuple[int, int]]


class Happening(_Line):
    """Something happened to a device."""

    type: Literal["event"] = "event"
    at_ns: int
    device: str
    name: str
    severity: str
    text: str


class Ledger(_Line):
    """At the end: the good messages of a device that the broker took. Each must be in the database.

    Attributes:
        measurements: a message makes one point in each.
        first_ms: time of the first, ms UTC.
        gaps_ms: from each to the next.
    """

    type: Literal["ledger"] = "ledger"
    device: str
    measurements: tuple[str, ...]
    first_ms: int
    gaps_ms: list[int]

    def times_ms(self) -> list[int]:
        """Return the time of each message, rising."""
        times = [self.first_ms]
        for gap in self.gaps_ms:
            times.append(times[-1] + gap)
        return times


class PolledTotals(_Line):
    """Sums over all Modbus units since the start, once a second; see Told for the words.

    Attributes:
        answering: units that answered at least once.
    """

    type: Literal["polled"] = "polled"
    units: int
    answering: int
    requests: int
    answers: int
    exceptions: int


class Answers(_Line):
    """At the end: what a unit said, and when. What a hub took of it must be in the database, and nothing else.

    Attributes:
        measurement: where one reading of each answer is stored ...
        field: ... and its name.
        times_ns: when it was said, ns UTC, rising.
        values: that reading, as the registers held it.
    """

    type: Literal["answers"] = "answers"
    device: str
    measurement: str
    field: str
    times_ns: tuple[int, ...]
    values: tuple[float, ...]


class End(_Line):
    """The last line: the totals when everything had stopped."""

    type: Literal["end"] = "end"
    totals: Annotated[Totals | PolledTotals, Field(discriminator="type")]


Line = Totals | Happening | Ledger | PolledTotals | Answers | End
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="type")])


def parse_line(line: bytes) -> Line:
    """Read one line.

    Raises:
        CityhubError: it is none of the above.
    """
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        raise CityhubError(f"the simulation said something unexpected: {line[:200]!r}") from error
