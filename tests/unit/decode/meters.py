"""A vocabulary and profiles of meters, as small as a test needs; and an encoder that shares no code with the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.profiles.schema import Profile
from hub.profiles.vocabulary import Vocabulary

if TYPE_CHECKING:
    from hub.profiles.modbus import Order, RegisterType

TAGS = ",device=m1"
NOW = 1_790_000_000_000_000_000

VOCABULARY = Vocabulary.model_validate(
    {
        "common": {"firmware": {"type": "string", "about": "running"}},
        "measurements": {
            "energy": {
                "voltage_v": {"type": "float", "unit": "V", "min": -1e38, "max": 1e38, "about": "between N and L"},
                "power_w": {"type": "float", "unit": "W", "min": -50000, "max": 50000, "about": "active"},
                "energy_wh": {"type": "int", "unit": "W.h", "min": 0, "max": 2**63 - 1, "about": "total"},
                "balance_wh": {"type": "int", "unit": "W.h", "min": 1 - 2**63, "max": 2**63 - 1, "about": "net"},
                "on": {"type": "bool", "about": "load connected"},
                "state": {"type": "string", "about": "in a word"},
            },
            "level": {"distance_mm": {"type": "float", "unit": "mm", "min": 0, "max": 100000, "about": "to water"}},
        },
    }
)


def meter(readings: dict[str, dict[str, dict[str, Any]]], **modbus: Any) -> Profile:  # noqa: ANN401 - as YAML is
    """Return a profile whose one group holds `readings`; `more` are further groups."""
    every_s, table, more = modbus.pop("every_s", 10), modbus.pop("table", "holding"), modbus.pop("more", {})
    vitals, own = modbus.pop("vitals", []), modbus.pop("own", {})
    groups = {"now": {"every_s": every_s, "table": table, "readings": readings}, **more}
    return Profile.model_validate(
        {
            "vendor": "V", "model": "M", "kind": "meter", "about": "a meter", "interval_s": every_s,
            "manual": {"title": "T", "edition": "1"}, "vitals": vitals, "own": own,
            "modbus": {**modbus, "groups": groups},
        }
    )  # fmt: skip


SIGNED = {"int16": 2, "int32": 4, "int64": 8}
UNSIGNED = {"uint16": 2, "uint32": 4, "uint64": 8}


def words_of(big_endian: bytes, order: Order) -> list[int]:
    """Lay a value's bytes out in registers, pair by pair, as the order's name says."""
    pairs = [big_endian[i : i + 2] for i in range(0, len(big_endian), 2)]
    if order[0] in "CD":
        pairs.reverse()
    if order in {"BADC", "DCBA"}:
        pairs = [pair[::-1] for pair in pairs]
    return [pair[0] * 256 + pair[1] for pair in pairs]


def encode_integer(value: int, kind: RegisterType, order: Order) -> list[int]:
    size = SIGNED.get(kind) or UNSIGNED[kind]
    return words_of(value.to_bytes(size, "big", signed=kind in SIGNED), order)
