"""The registers of the simulated models, written from the vendors' documents and not from the hub's profiles. Pure."""

from __future__ import annotations

from struct import iter_unpack, pack, unpack
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

INPUT, HOLDING = 4, 3
"""Functions that read a table (Modbus application protocol 1.1b3, 6.3 and 6.4)."""

Words = dict[int, int]
"""Address, as sent in a request -> register."""


class Map(NamedTuple):
    """Where a model's registers are.

    Attributes:
        function: the only one that the model answers.
        blocks: first address and length of what may be read; registers that mean nothing read as 0.
    """

    function: int
    blocks: tuple[tuple[int, int], ...]


SDM120: Final = Map(INPUT, ((0x0000, 0x60), (0x0156, 4)))
"""Eastron SDM120-Modbus protocol: input registers, IEEE 754 floats, the high word first."""
SMART_UPS: Final = Map(HOLDING, ((0, 27), (128, 44), (516, 8)))
"""APC application note 176, Modbus implementation in APC Smart-UPS: holding registers, big-endian."""
SEN0492: Final = Map(HOLDING, ((0x34, 2),))
"""DFRobot SEN0492: distance in millimetres."""

_SDM120_FLOATS: Final = {
    "voltage_v": 0x0000,
    "current_a": 0x0006,
    "power_w": 0x000C,
    "apparent_va": 0x0012,
    "reactive_var": 0x0018,
    "power_factor": 0x001E,
    "frequency_hz": 0x0046,
    "import_kwh": 0x0048,
    "export_kwh": 0x004A,
    "total_kwh": 0x0156,
}
ONLINE, ON_BATTERY = 0x2, 0x4
"""Bits of the UPS status, registers 0 and 1."""
UPS_FIRMWARE: Final = "UPS 09.8 / ID=18"


def sdm120(readings: Mapping[str, float]) -> Words:
    """Return the registers of an SDM120."""
    words: Words = {}
    for name, value in readings.items():
        words |= float32(_SDM120_FLOATS[name], value)
    return words


def smart_ups(readings: Mapping[str, float]) -> Words:
    """Return the registers of a Smart-UPS."""
    return {
        0: 0,
        1: ON_BATTERY if readings["on_battery"] else ONLINE,
        **uint32(128, int(readings["runtime_s"])),
        130: round(readings["charge_percent"] * 2**9),
        131: round(readings["battery_v"] * 2**5) & 0xFFFF,
        135: round(readings["temperature_c"] * 2**7) & 0xFFFF,
        136: round(readings["load_percent"] * 2**8),
        142: round(readings["output_v"] * 2**6),
        144: round(readings["frequency_hz"] * 2**7),
        140: round(readings["output_a"] * 2**5),
        151: round(readings["input_v"] * 2**6),
        **text(516, UPS_FIRMWARE),
    }


def sen0492(distance_mm: int) -> Words:
    """Return the registers of a SEN0492."""
    return {0x34: distance_mm}


def float32(at: int, value: float) -> Words:
    """Return a float in two registers, the high word first."""
    high, low = unpack(">HH", pack(">f", value))
    return {at: high, at + 1: low}


def uint32(at: int, value: int) -> Words:
    """Return a whole number in two registers, the high word first."""
    return {at: value >> 16, at + 1: value & 0xFFFF}


def text(at: int, characters: str) -> Words:
    """Return ASCII, two characters a register."""
    return {at + index: word for index, (word,) in enumerate(iter_unpack(">H", characters.encode("ascii")))}
