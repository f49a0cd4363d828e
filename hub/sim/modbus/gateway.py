"""A gateway: one port, several units behind it on a bus that carries one request at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from pymodbus.exceptions import NoSuchIdException
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler

from hub.errors import CityhubError
from hub.sim.modbus.unit import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pymodbus.pdu import ModbusPDU

    from hub.model import Clock
    from hub.sim.device import Notice
    from hub.sim.modbus.plan import GatewayPlan

LOOPBACK = "127.0.0.1"


class Gateway:
    """A simulated gateway with its units."""

    def __init__(self, plan: GatewayPlan, clock: Clock, notice: Notice) -> None:
        self.units = [Unit(unit, clock, notice) for unit in plan.units]
        self._plan = plan

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer while the block runs.

        Raises:
            CityhubError: the port is taken.
        """
        server = _Server(self.units, self._plan)
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise CityhubError(f"no simulated gateway can listen on port {self._plan.port}: is it taken?") from error
        try:
            yield
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus is typed in part


class _Server(ModbusTcpServer):
    def __init__(self, units: list[Unit], plan: GatewayPlan) -> None:
        framer = FramerType.RTU if plan.rtu else FramerType.SOCKET
        super().__init__([unit.device() for unit in units], framer=framer, address=(LOOPBACK, plan.port))
        self.present = {unit.plan.unit for unit in units}
        self.bus = asyncio.Lock()

    def callback_new_connection(self) -> ServerRequestHandler:
        return _Connection(self, self.trace_packet, self.trace_pdu, self.trace_connect)  # type: ignore[no-untyped-call]  # likewise


class _Connection(ServerRequestHandler):
    """Answers requests one after the other, each under its own number.

    pymodbus takes number and unit of an answer from the latest request, which is another one when a unit takes its
    time: its late answer would pass for that of its neighbour.
    """

    server: _Server
    _answering: asyncio.Task[None]  # the loop itself keeps no task alive

    def handle_later(self) -> None:
        if self.last_pdu is not None:
            self._answering = asyncio.create_task(self._handle(self.last_pdu, self.last_addr))

    async def _handle(self, request: ModbusPDU, address: tuple[Any, ...] | None) -> None:
        if request.dev_id not in self.server.present:
            return
        async with self.server.bus:
            try:
                answer = await request.datastore_update(cast("Any", self.server.context), request.dev_id)
            except NoSuchIdException:
                return
            answer.transaction_id, answer.dev_id = request.transaction_id, request.dev_id
            self.server_send(answer, address)  # type: ignore[no-untyped-call]  # likewise
