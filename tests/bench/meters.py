"""Many Modbus TCP meters in one process, each on a port of its own; faster than any real one, so that it hides nothing.

    python -m tests.bench.meters METERS INTERVAL_S

Says the ports on standard output, in JSON. At each line on standard input it begins to count anew, or, when it was
counting, says what it counted: see Counted. Ends when standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from itertools import count
from math import ceil
from struct import Struct

REGISTERS = 60
ON_TIME_S = 0.1
"""A poll that begins within so much of its due time is on time."""
HEAD = Struct(">HHHBBHH")
ANSWER = Struct(">HHHBBB")
LOOPBACK = "127.0.0.1"


@dataclass
class Counted:
    """What the meters saw in the meantime.

    Attributes:
        due: polls that a perfect hub would have made.
        polls: that began.
        on_time: those that began within ON_TIME_S of their due time.
        requests: that came, all in all.
        lateness_p99_ms: how long after its due time a poll began; a poll that never came counts as a whole interval.
    """

    due: int
    polls: int
    on_time: int
    requests: int
    lateness_p99_ms: float


class Meter(asyncio.Protocol):
    """A meter whose registers, input or holding, change with each answer."""

    def __init__(self, asked_s: array[float]) -> None:
        self._asked_s = asked_s
        self._rest = b""
        self._turn = count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._rest + data
        while len(data) >= HEAD.size:
            tid, _, _, unit, function, at, length = HEAD.unpack_from(data)
            data = data[HEAD.size :]
            self._asked_s.append(now)
            self._transport.write(self._answer(tid, unit, function, at, length))
        self._rest = data

    def _answer(self, tid: int, unit: int, function: int, at: int, length: int) -> bytes:
        """Floats of 200 to 255, whose second words differ from answer to answer."""
        if at + length > REGISTERS:
            return HEAD.pack(tid, 0, 3, unit, function | 0x80, 0x0200, 0)[:9]
        turn = next(self._turn)
        words = b"".join(b"\x43\x48%b" % (turn * 7 + number & 0xFFFF).to_bytes(2) for number in range(REGISTERS // 2))
        return ANSWER.pack(tid, 0, 3 + 2 * length, unit, function, 2 * length) + words[2 * at : 2 * (at + length)]


def counted(asked: list[array[float]], interval_s: float, seconds: float) -> Counted:
    """Judge when the meters were asked.

    A meter's own polls set its due times: they lie the interval apart, and no poll is early.
    """
    each = round(seconds / interval_s)
    late_s: list[float] = []
    polls = 0
    for times in asked:
        begun = _begun(times, interval_s)
        polls += len(begun)
        late_s += _lateness(begun, interval_s, each)
    late_s.sort()
    p99_s = late_s[ceil(0.99 * len(late_s)) - 1]
    on_time = sum(late <= ON_TIME_S for late in late_s)
    return Counted(each * len(asked), polls, on_time, sum(map(len, asked)), round(p99_s * 1000, 1))


def _begun(times: array[float], interval_s: float) -> list[float]:
    """Return when polls began: the requests of one poll follow each other at once."""
    return [time for index, time in enumerate(times) if not index or time - times[index - 1] > interval_s / 3]


def _lateness(begun: list[float], interval_s: float, polls: int) -> list[float]:
    """Return the lateness of `polls` polls; one that never came is a whole interval late."""
    numbers = [round((time - begun[0]) / interval_s) for time in begun]
    offsets = [time - number * interval_s for time, number in zip(begun, numbers, strict=True)]
    return [offset - min(offsets) for offset in offsets[:polls]] + [interval_s] * max(0, polls - len(begun))


async def serve(meters: int, interval_s: float) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    asked = [array("d") for _ in range(meters)]
    servers = [await loop.create_server(lambda log=log: Meter(log), LOOPBACK, 0) for log in asked]  # type: ignore[misc]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    started: float | None = None
    while await reader.readline():
        if started is None:
            started = time.monotonic()
        else:
            print(json.dumps(asdict(counted(asked, interval_s, time.monotonic() - started))), flush=True)
            started = None
        for log in asked:
            del log[:]


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
