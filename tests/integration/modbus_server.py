"""A pymodbus server for the tests, in a process of its own: `python modbus_server.py KIND PORT UNIT...`.

KIND is tcp or rtu (RTU frames over TCP). Holding registers 0 and 1 of each unit are the milliseconds since 1970 at the
time of the read, low word last, and register 2 is its number. Any other address is illegal, any other unit silent.
"""

from __future__ import annotations

import asyncio
import sys
import time

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def tick(_function: int, _start: int, _address: int, _count: int, registers: list[int], _values: object) -> None:
    """Set the clock before it is read."""
    now = int(time.time() * 1000) & 0xFFFFFFFF
    registers[:2] = [now >> 16, now & 0xFFFF]


async def main(kind: str, port: int, units: list[int]) -> None:
    """Serve until killed."""
    devices = [
        SimDevice(unit, simdata=[SimData(0, values=[0, 0, unit], datatype=DataType.REGISTERS)], action=tick)
        for unit in units
    ]
    framer = FramerType.RTU if kind == "rtu" else FramerType.SOCKET
    server = ModbusTcpServer(devices, framer=framer, address=("127.0.0.1", port), ignore_missing_devices=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), [int(unit) for unit in sys.argv[3:]]))
