"""The schema of what a profile says of Modbus: registers, how often they are read, and what the device can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, FiniteFloat, model_validator

from hub.profiles.values import Conversion
from hub.profiles.vocabulary import Name, Strict

if TYPE_CHECKING:
    from collections.abc import Sequence

TableName = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal[
    "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "bcd", "string", "bit"
]
Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]

WIDTH: dict[RegisterType, int] = {
    "int16": 1, "uint16": 1, "float16": 1, "bit": 1,
    "int32": 2, "uint32": 2, "float32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers that a type takes; `bcd` and `string` say it with `length`."""
BIT_TABLES: Final = frozenset({"coil", "discrete"})
"""Tables in which an address holds one bit; in the others it holds sixteen."""
LAST_ADDRESS: Final = 65536
"""Of a device whose vendor counts from 1."""


class Register(Conversion):
    """A reading in the device's registers.

    Attributes:
        at: address of the first register or coil, as sent in the request (0-based), or as the vendor counts when the
            profile says `one_based`.
        type: `bit` is a coil or discrete input; a bit within a register is a uint16 with `bit`.
        length: registers of a `bcd` (four digits each) or a `string` (two bytes each).
        order: of the bytes within the value; without it, the profile's.
        dead_band: report only when the value moved by more than this since the last report, in canonical units ...
        silence_s: ... or when so many seconds have passed. Without both: report every poll.
    """

    at: int = Field(ge=0, le=LAST_ADDRESS)
    type: RegisterType
    length: int | None = Field(default=None, ge=1, le=125)
    order: Order | None = None
    dead_band: FiniteFloat | None = Field(default=None, ge=0)
    silence_s: float | None = Field(default=None, gt=0)

    @property
    def width(self) -> int:
        """Registers (or coils) that it takes."""
        return self.length or WIDTH[self.type]

    @model_validator(mode="after")
    def _has_a_length(self) -> Register:
        if (self.type in {"bcd", "string"}) != (self.length is not None):
            raise ValueError("length belongs to bcd and string, and they need it")
        if (self.dead_band is None) != (self.silence_s is None):
            raise ValueError("dead_band and silence_s go together: a value that never moves is reported all the same")
        return self


class Limits(Strict):
    """What the device can bear.

    Attributes:
        block: most registers in one request (the protocol allows 125; 2000 coils).
        gap: most registers that nobody wants which a request may read between two that are wanted.
        forbidden: addresses that must not be read, e.g. "100-119" or "40"; counted as `at` is.
        pause_ms: rest between two requests to this device.
        alone: one request a reading; for devices that answer nothing else.
        timeout_ms: how long an answer may take.
    """

    block: int = Field(default=125, ge=1, le=125)
    coils: int = Field(default=2000, ge=1, le=2000)
    gap: int = Field(default=16, ge=0, le=124)
    forbidden: tuple[str, ...] = ()
    pause_ms: int = Field(default=0, ge=0, le=10_000)
    alone: bool = False
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)


class Group(Strict):
    """Readings that are polled together.

    Attributes:
        every_s: seconds between two polls.
        table: where they stand (function 3, 4, 1, 2).
        readings: measurement -> reading -> register; `own` as a measurement holds the vendor's own.
    """

    every_s: float = Field(gt=0, le=86400)
    table: TableName
    readings: dict[Name, dict[Name, Register]] = Field(min_length=1)


class ModbusSpec(Strict):
    """What the device holds in its registers; `groups` are named for what they are to a person."""

    one_based: bool = False
    order: Order = "ABCD"
    limits: Limits = Limits()
    groups: dict[Name, Group] = Field(min_length=1)


def words_problem(table: TableName, first: int, words: Sequence[int]) -> str:
    """Return why a table cannot hold these words from `first` on (as the profile counts); empty when it can."""
    if not words:
        return f"{table} {first}: holds nothing"
    if not 0 <= first <= first + len(words) - 1 <= LAST_ADDRESS:
        return f"{table} {first}: is beyond the addresses that there are"
    most = 1 if table in BIT_TABLES else 0xFFFF
    wrong = [word for word in words if not 0 <= word <= most]
    return f"{table} {first}: {wrong[0]} is not in 0 ... {most}" if wrong else ""
