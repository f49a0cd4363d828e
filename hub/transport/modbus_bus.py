"""A Modbus connection on pymodbus's asynchronous client, held to what `hub.transport.modbus.Bus` promises.

What of pymodbus is changed, and why:
- It connects again by itself, and tries requests again by itself: both are off, for the poller does that better.
- A request that waits while the connection ends would wait for its whole timeout: it is told at once.
- It waits with `asyncio.wait_for`, which before Python 3.12 may take an answer for the end of a cancellation, so that
  the task lives on: it waits on the answer itself.
- A frame that it cannot read would end in a traceback on the event loop: the connection is dropped instead.
- It takes an answer of any length, on RTU also one of the request before: length, function and transaction are
  compared here, and on RTU the connection is dropped as soon as one answer is overdue.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.transaction import TransactionManager

from hub.errors import Excepted, LinkDown, NoAnswer
from hub.transport.modbus import SerialAddress, TcpAddress, parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymodbus.client.base import ModbusBaseClient
    from pymodbus.pdu import ModbusPDU

    from hub.transport.modbus import Table

REQUESTS: Final[dict[Table, type[ModbusPDU]]] = {
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
}
EXCEPTION: Final = 0x80


class PymodbusBus:
    """Implements `hub.transport.modbus.Bus`.

    Args:
        address: as the registry keeps it.
        connect_s: how long connecting may take.

    Raises:
        ValueError: `address` is none.
    """

    def __init__(self, address: str, connect_s: float) -> None:
        self._address = parse_address(address)
        self._connect_s = connect_s
        self._client: ModbusBaseClient | None = None
        self._rtu = isinstance(self._address, SerialAddress) or self._address.rtu
        self._silence_s = self._address.silence_s if isinstance(self._address, SerialAddress) else 0.0

    @property
    def is_open(self) -> bool:
        """See `Bus.is_open`."""
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """See `Bus.open`."""
        if self.is_open:
            return
        self.close()
        client = _client(self._address)
        client.ctx = _Manager(client, self._connect_s)
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        self._client = client

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> Sequence[int]:
        """See `Bus.read`."""
        if self._silence_s:
            await asyncio.sleep(self._silence_s)
        request = REQUESTS[table](dev_id=unit, address=address, count=count)
        answer = await self._answer(request, timeout_s)
        if answer.function_code == request.function_code | EXCEPTION:
            raise Excepted(answer.exception_code)
        return self._values(request, answer)

    def close(self) -> None:
        """See `Bus.close`."""
        if self._client is not None:
            self._client.close()
        self._client = None

    async def _answer(self, request: ModbusPDU, timeout_s: float) -> ModbusPDU:
        if self._client is None:
            raise LinkDown("the connection has not been opened")
        self._client.ctx.comm_params.timeout_connect = timeout_s
        try:
            answer: ModbusPDU = await self._client.execute(no_response_expected=False, request=request)
        except ConnectionException as error:
            self.close()
            raise LinkDown("the connection ended") from error
        except NoAnswer:
            self._overdue()
            raise
        except asyncio.CancelledError:
            self.close()
            raise
        if answer.transaction_id != request.transaction_id:
            self._stray("the answer belongs to another request")
        return answer

    def _values(self, request: ModbusPDU, answer: ModbusPDU) -> Sequence[int]:
        """Return what was asked for; coils come in whole bytes, the rest of the last one is padding."""
        if answer.function_code != request.function_code:
            self._stray(f"asked with function {request.function_code}, it answered with {answer.function_code}")
        if answer.bits:
            values: Sequence[int] = answer.bits[: request.count]
            whole = len(answer.bits) == (request.count + 7) // 8 * 8
        else:
            values, whole = answer.registers, len(answer.registers) == request.count
        if not whole:
            self._stray(f"asked for {request.count}, it answered with {len(answer.bits or values)}")
        return values

    def _overdue(self) -> None:
        """A late answer is known by its transaction, unless it was cut in two or there are none."""
        if self._rtu or self._client is None or self._client.ctx.recv_buffer:
            self.close()

    def _stray(self, what: str) -> NoReturn:
        self.close()
        raise NoAnswer(what)


class _Manager(TransactionManager):
    """pymodbus's own, without its silent ways; see the module's docstring."""

    def __init__(self, client: ModbusBaseClient, connect_s: float) -> None:
        super().__init__(client.comm_params, client.ctx.framer, 0, False, None, None, None)  # noqa: FBT003 - pymodbus's own
        self._connect_s = connect_s

    async def connect(self) -> bool:
        """Connect, and say why not."""
        self.is_closing = False
        try:
            async with asyncio.timeout(self._connect_s):
                self.transport, _ = await self.call_create()
        except TimeoutError as error:
            raise LinkDown(f"no connection within {self._connect_s:g} s") from error
        except (OSError, ValueError) as error:  # ValueError: settings that a serial driver does not have
            raise LinkDown(f"no connection: {_reason(error)}") from error
        return True

    async def execute(self, no_response_expected: bool, request: ModbusPDU) -> ModbusPDU:  # noqa: FBT001 - pymodbus's own
        """Send a request and wait for its answer; an answer is always expected."""
        del no_response_expected
        async with self._lock:
            request.transaction_id = self.getNextTID()
            self.recv_buffer = b""
            self.response_future = self.loop.create_future()
            alarm = self.loop.call_later(self.comm_params.timeout_connect, self._end, self._no_answer())
            try:
                self.pdu_send(request)
                answer: ModbusPDU = await self.response_future
            finally:
                alarm.cancel()
        return answer

    def _no_answer(self) -> NoAnswer:
        return NoAnswer(f"no answer within {self.comm_params.timeout_connect:g} s")

    def _end(self, error: Exception) -> None:
        if self._lock.locked() and not self.response_future.done():
            self.response_future.set_exception(error)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Tell the request that waits."""
        super().callback_disconnected(exc)
        self._end(ConnectionException("the connection ended"))

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Drop the connection when what came is no frame."""
        try:
            return super().callback_data(data, addr)
        except Exception as error:  # noqa: BLE001 - the other end may send anything; pymodbus raises what it likes
            self.connection_lost(error)
            return len(data)


def _client(address: TcpAddress | SerialAddress) -> ModbusBaseClient:
    if isinstance(address, SerialAddress):
        return AsyncModbusSerialClient(
            address.device, baudrate=address.baud, parity=address.parity, stopbits=address.stop,
            retries=0, reconnect_delay=0,
        )  # fmt: skip
    framer = FramerType.RTU if address.rtu else FramerType.SOCKET
    return AsyncModbusTcpClient(address.host, port=address.port, framer=framer, retries=0, reconnect_delay=0)


def _reason(error: OSError | ValueError) -> str:
    """Say it in the system's words: asyncio's own name no cause."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error)
