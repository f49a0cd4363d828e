"""What a Modbus connection promises, and where one leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Sequence

Table = Literal["holding", "input", "coil", "discrete"]
BAUD: Final = 9600
FASTEST: Final = 4_000_000
LAST_PORT: Final = 65535

_TCP: Final = re.compile(r"(tcp|rtutcp)://(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")
_SERIAL: Final = re.compile(r"rtu://(/dev/[A-Za-z0-9/_.-]+)(?:\?(.*))?")


class Bus(Protocol):
    """One connection to one gateway (or meter, or serial line): one request at a time, by one task.

    Lifecycle: `open`, `read` as often as wanted, `close`; after LinkDown, `open` again.
    """

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as is known."""

    async def open(self) -> None:
        """Connect; does nothing when the connection stands.

        Raises:
            LinkDown: nobody is there, or the serial line cannot be opened; says why.
        """

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> Sequence[int]:
        """Ask `unit` for `count` registers (0 to 65535) or coils (0 or 1) from `address` on, 0-based.

        What it returns was sent by this unit, in answer to this request, and is `count` long. Where the protocol
        cannot tell a late answer from the right one (RTU), the connection is closed once an answer is overdue.

        Raises:
            NoAnswer: nothing came in time, or something that is no answer to this.
            Excepted: the unit or the gateway answered with an exception.
            LinkDown: the connection ended, or has not been opened.
        """

    def close(self) -> None:
        """Drop the connection; it may be opened again."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A Modbus TCP server, or with `rtu` a gateway that passes RTU frames through TCP."""

    host: str
    port: int
    rtu: bool


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """A serial line with Modbus RTU: eight data bits."""

    device: str
    baud: int = BAUD
    parity: str = "N"
    stop: int = 1

    @property
    def silence_s(self) -> float:
        """The silence that ends a frame (Modbus over serial line 1.02, 2.5.1.1): 3.5 characters of 11 bits."""
        return max(3.5 * 11 / self.baud, 0.00175)


def parse_address(text: str) -> TcpAddress | SerialAddress:
    """Read an address as the registry keeps it, e.g. `tcp://10.20.3.4:502` or `rtu:///dev/ttyUSB0?baud=9600`.

    Raises:
        ValueError: it is none.
    """
    if tcp := _TCP.fullmatch(text):
        kind, v6, host, port = tcp.groups()
        if 0 < int(port) <= LAST_PORT:
            return TcpAddress(v6 or host, int(port), rtu=kind == "rtutcp")
    elif serial := _SERIAL.fullmatch(text):
        device, query = serial.groups()
        options = dict(parse_qsl(query or ""))
        baud, stop = int(options.get("baud", BAUD)), int(options.get("stop", "1"))
        if 0 < baud <= FASTEST:
            return SerialAddress(device, baud, options.get("parity", "N"), stop)
    raise ValueError(f"{text!r} is no Modbus address")
