"""A pymodbus server that holds what cases hold: `python modbus_cases.py PORT FILE`, in a process of its own.

FILE is JSON: unit -> table -> address, as on the wire -> words from there on. Any other address is illegal.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

NOWHERE = 60_000
"""pymodbus takes no table without an address; nobody asks for this one."""
Blocks = dict[str, list[int]]


def table(name: str, blocks: Blocks) -> list[SimData]:
    """Return one table of a device."""
    bits = name in {"coil", "discrete"}
    kind = DataType.BITS if bits else DataType.REGISTERS
    held = [(int(start), [bool(word) for word in words] if bits else words) for start, words in blocks.items()]
    return [
        SimData(start, values=values, datatype=kind) for start, values in [*held, (NOWHERE, [False] if bits else [0])]
    ]


async def main(port: int, units: dict[str, dict[str, Blocks]]) -> None:
    """Serve until killed."""
    devices = [
        SimDevice(
            int(unit),
            simdata=(
                table("coil", held.get("coil", {})),
                table("discrete", held.get("discrete", {})),
                table("holding", held.get("holding", {})),
                table("input", held.get("input", {})),
            ),
        )
        for unit, held in units.items()
    ]
    await ModbusTcpServer(devices, address=("127.0.0.1", port), ignore_missing_devices=True).serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
