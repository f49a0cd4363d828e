from __future__ import annotations

import asyncio
import os
import pty
import tty
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import Excepted, LinkDown, NoAnswer
from hub.transport.modbus import SerialAddress, TcpAddress, parse_address
from hub.transport.modbus_bus import PymodbusBus
from tests.unit.transport.modbus_peer import crc, peer, registers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.unit.transport.modbus_peer import Request

PATIENCE_S = 60.0
SHORT_S = 0.05
"""A timeout for answers that never come."""


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[PymodbusBus]:
    bus = PymodbusBus(address, PATIENCE_S)
    await bus.open()
    try:
        yield bus
    finally:
        bus.close()


def right(*words: int) -> Callable[[Request], bytes]:
    return lambda request: request.words(*words)


def rtu(unit: int, body: bytes) -> Callable[[Request], bytes]:
    return lambda _: (frame := bytes([unit]) + body) + crc(frame)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://10.0.0.5:502", TcpAddress("10.0.0.5", 502, rtu=False)),
        ("rtutcp://moxa.local:4001", TcpAddress("moxa.local", 4001, rtu=True)),
        ("tcp://[fd00::1]:502", TcpAddress("fd00::1", 502, rtu=False)),
        ("rtu:///dev/ttyUSB0", SerialAddress("/dev/ttyUSB0", 9600, "N", 1)),
        ("rtu:///dev/ttyS1?baud=19200&parity=E&stop=2", SerialAddress("/dev/ttyS1", 19200, "E", 2)),
    ],
)
def test_an_address_is_read_as_the_registry_keeps_it(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["http://10.0.0.5:502", "tcp://10.0.0.5", "tcp://10.0.0.5:65536", "rtu:///dev/ttyS0?baud=0", ""]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no Modbus address"):
        parse_address(text)


def test_a_frame_on_a_serial_line_ends_with_three_and_a_half_characters_of_silence() -> None:
    assert SerialAddress("/dev/ttyS1", 9600).silence_s == pytest.approx(0.00401, rel=0.01)
    assert SerialAddress("/dev/ttyS1", 115200).silence_s == 0.00175


async def test_registers_are_read() -> None:
    async with peer(right(1, 65535)) as (one, address), connected(address) as bus:
        assert list(await bus.read(7, "input", 40, 2, PATIENCE_S)) == [1, 65535]
        assert one.requests[0][1:] == (7, 4, 40, 2)


async def test_coils_are_read_without_the_padding() -> None:
    async with peer(lambda request: request.frame(b"\x01\x02\xff\x01")) as (_, address), connected(address) as bus:
        assert list(await bus.read(1, "coil", 0, 9, PATIENCE_S)) == [1] * 9


async def test_an_exception_is_given_with_its_code() -> None:
    async with peer(lambda request: request.frame(b"\x83\x02")) as (_, address), connected(address) as bus:
        with pytest.raises(Excepted, match="it has no such address") as excepted:
            await bus.read(1, "holding", 0, 1, PATIENCE_S)
        assert excepted.value.code == 2
        assert bus.is_open


async def test_nobody_there_says_why() -> None:
    async with peer() as (_, address):
        pass
    bus = PymodbusBus(address, PATIENCE_S)
    with pytest.raises(LinkDown, match="no connection: connection refused"):
        await bus.open()
    assert not bus.is_open


async def test_a_serial_line_that_does_not_exist_says_so() -> None:
    with pytest.raises(LinkDown, match="no connection: no such file"):
        await PymodbusBus("rtu:///dev/ttyNothing9", PATIENCE_S).open()


async def test_a_connection_that_ends_is_told_to_the_request_that_waits() -> None:
    async with peer() as (_, address), connected(address) as bus:
        with pytest.raises(LinkDown):
            await bus.read(1, "holding", 0, 1, PATIENCE_S * 10)
        assert not bus.is_open


async def test_it_connects_again_only_when_told() -> None:
    async with peer(right(1)) as (one, address), connected(address) as bus:
        bus.close()
        with pytest.raises(LinkDown):
            await bus.read(1, "holding", 0, 1, PATIENCE_S)
        assert one.connections <= 1
        await bus.open()
        assert list(await bus.read(1, "holding", 0, 1, PATIENCE_S)) == [1]


async def test_a_late_answer_is_not_taken_for_the_next_ones() -> None:
    late: list[bytes] = []

    def too_late(request: Request) -> bytes:
        late.append(request.words(111))
        return b""

    async with (
        peer(too_late, lambda request: late.pop() + request.words(222)) as (one, address),
        connected(address) as bus,
    ):
        with pytest.raises(NoAnswer, match=r"no answer within 0\.05 s"):
            await bus.read(1, "holding", 0, 1, SHORT_S)
        assert list(await bus.read(1, "holding", 9, 1, PATIENCE_S)) == [222]
        assert one.connections == 1


async def test_without_transactions_the_connection_is_dropped_when_an_answer_is_overdue() -> None:
    async with (
        peer(None, rtu(1, registers(3, 222)), rtu=True) as (one, address),
        connected(address) as bus,
    ):
        with pytest.raises(NoAnswer):
            await bus.read(1, "holding", 0, 1, SHORT_S)
        assert not bus.is_open
        await bus.open()
        assert list(await bus.read(1, "holding", 9, 1, PATIENCE_S)) == [222]
        assert one.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: request.words(1),
        lambda request: request.words(1, 2, 3),
        lambda request: request.frame(registers(4, 1, 2)),
        lambda request: request.frame(registers(3, 1, 2), transaction=0),
    ],
    ids=["too few", "too many", "another function", "no transaction"],
)
async def test_an_answer_that_does_not_fit_is_no_answer(answer: Callable[[Request], bytes]) -> None:
    async with peer(answer) as (_, address), connected(address) as bus:
        with pytest.raises(NoAnswer):
            await bus.read(1, "holding", 0, 2, PATIENCE_S)
        assert not bus.is_open


async def test_an_answer_of_another_unit_is_passed_over() -> None:
    def stranger(request: Request) -> bytes:
        return request._replace(unit=9).words(1) + request.words(2)

    async with peer(stranger) as (_, address), connected(address) as bus:
        assert list(await bus.read(1, "holding", 0, 1, PATIENCE_S)) == [2]


async def test_an_answer_cut_in_two_leaves_nothing_behind() -> None:
    async with peer(lambda request: request.words(1)[:7]) as (_, address), connected(address) as bus:
        with pytest.raises(NoAnswer):
            await bus.read(1, "holding", 0, 1, SHORT_S)
        assert not bus.is_open


async def test_a_cancelled_request_leaves_no_answer_for_the_next_one() -> None:
    async with peer(None, right(2)) as (one, address), connected(address) as bus:
        reading = asyncio.create_task(bus.read(1, "holding", 0, 1, PATIENCE_S))
        async with asyncio.timeout(PATIENCE_S):
            await one.asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not bus.is_open


async def test_a_cancellation_that_comes_together_with_the_answer_is_not_lost() -> None:
    async with peer(right(1)) as (_, address), connected(address) as bus:
        reading = asyncio.create_task(bus.read(1, "holding", 0, 1, PATIENCE_S))
        await asyncio.sleep(0)
        client = bus._client
        assert client is not None
        take = client.ctx.callback_data

        def take_and_cancel(data: bytes, addr: tuple[object, ...] | None = None) -> int:
            used = take(data, addr)
            reading.cancel()
            return used

        client.ctx.callback_data = take_and_cancel  # type: ignore[method-assign]  # between the answer and the waking
        with pytest.raises(asyncio.CancelledError):
            await reading


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_whatever_comes_back_is_an_answer_or_an_error_of_our_own(garbage: bytes, framed: bool) -> None:  # noqa: FBT001 - drawn
    async def once() -> None:
        def answer(request: Request) -> bytes:
            return request.frame(garbage) if framed else garbage

        async with peer(answer) as (_, address), connected(address) as bus:
            try:
                values = await bus.read(1, "holding", 0, 2, SHORT_S)
            except (NoAnswer, Excepted, LinkDown):
                return
            assert len(values) == 2

    asyncio.run(once())


@asynccontextmanager
async def serial_line(answers: list[Callable[[bytes], bytes]]) -> AsyncIterator[str]:
    """A pseudo terminal: the test holds one end, the hub is given the other."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    loop = asyncio.get_running_loop()

    def ready() -> None:
        os.write(ours, answers.pop(0)(os.read(ours, 256)))

    loop.add_reader(ours, ready)
    try:
        yield f"rtu://{os.ttyname(theirs)}?baud=115200"
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_a_serial_line_is_read() -> None:
    def answer(request: bytes) -> bytes:
        assert request[:6] == b"\x05\x03\x00\x0a\x00\x02"
        frame = b"\x05" + registers(3, 7, 8)
        return frame + crc(frame)

    async with serial_line([answer]) as address, connected(address) as bus:
        assert list(await bus.read(5, "holding", 10, 2, PATIENCE_S)) == [7, 8]


async def test_a_frame_with_a_wrong_checksum_is_no_answer() -> None:
    async with serial_line([lambda _: b"\x05" + registers(3, 7, 8) + b"\0\0"]) as address, connected(address) as bus:
        with pytest.raises(NoAnswer):
            await bus.read(5, "holding", 10, 2, SHORT_S)
        assert not bus.is_open
