"""A Modbus server on libmodbus 3.1, the C library that most devices' tools are built on, by ctypes.

    python libmodbus_server.py tcp PORT REGISTERS      python libmodbus_server.py rtu DEVICE REGISTERS

REGISTERS is JSON: {"holding": {"130": 51200}, "coil": {"3": 1}}; what lies between them reads as 0, any other address
is an illegal one. Unit 1 in RTU, any in TCP. Says `ready` on standard output, then a line for each read: function,
address, count.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from ctypes import POINTER, Structure, c_char, c_char_p, c_int, c_uint8, c_uint16, c_void_p
from typing import Any

UNIT = 1
TABLES = {
    "coil": "tab_bits", "discrete": "tab_input_bits", "holding": "tab_registers", "input": "tab_input_registers",
}  # fmt: skip
"""In the order of modbus_mapping_new_start_address."""
LONGEST = 260
"""Bytes of a request (MODBUS_MAX_ADU_LENGTH)."""


class Mapping(Structure):
    """modbus_mapping_t of modbus.h."""

    _fields_ = (
        ("nb_bits", c_int),
        ("start_bits", c_int),
        ("nb_input_bits", c_int),
        ("start_input_bits", c_int),
        ("nb_input_registers", c_int),
        ("start_input_registers", c_int),
        ("nb_registers", c_int),
        ("start_registers", c_int),
        ("tab_bits", POINTER(c_uint8)),
        ("tab_input_bits", POINTER(c_uint8)),
        ("tab_input_registers", POINTER(c_uint16)),
        ("tab_registers", POINTER(c_uint16)),
    )


def library() -> ctypes.CDLL:
    """Return libmodbus with the signatures of modbus.h."""
    lib = ctypes.CDLL("libmodbus.so.5", use_errno=True)
    lib.modbus_new_tcp.restype = lib.modbus_new_rtu.restype = c_void_p
    lib.modbus_new_tcp.argtypes = (c_char_p, c_int)
    lib.modbus_new_rtu.argtypes = (c_char_p, c_int, c_char, c_int, c_int)
    lib.modbus_set_slave.argtypes = (c_void_p, c_int)
    lib.modbus_connect.argtypes = (c_void_p,)
    lib.modbus_tcp_listen.argtypes = (c_void_p, c_int)
    lib.modbus_tcp_accept.argtypes = (c_void_p, POINTER(c_int))
    lib.modbus_mapping_new_start_address.restype = POINTER(Mapping)
    lib.modbus_receive.argtypes = (c_void_p, POINTER(c_uint8))
    lib.modbus_reply.argtypes = (c_void_p, POINTER(c_uint8), c_int, POINTER(Mapping))
    lib.modbus_get_header_length.argtypes = (c_void_p,)
    lib.modbus_strerror.restype = c_char_p
    return lib


class Server:
    """Answers from a mapping, one client at a time."""

    def __init__(self, way: str, where: str, tables: dict[str, dict[str, int]]) -> None:
        self._lib = library()
        self._tcp = way == "tcp"
        if self._tcp:
            context = self._lib.modbus_new_tcp(b"127.0.0.1", int(where))
        else:
            context = self._lib.modbus_new_rtu(where.encode(), 9600, b"N", 8, 1)
        self._context = c_void_p(context)
        self._mapping = self._filled(tables)

    def serve(self) -> None:
        """Serve for ever."""
        self._must(self._lib.modbus_set_slave(self._context, UNIT if not self._tcp else 255), "modbus_set_slave")
        listening = c_int(-1)
        if self._tcp:
            listening = c_int(self._must(self._lib.modbus_tcp_listen(self._context, 1), "modbus_tcp_listen"))
        else:
            self._must(self._lib.modbus_connect(self._context), "modbus_connect")
        print("ready", flush=True)
        while True:
            if self._tcp:
                self._must(self._lib.modbus_tcp_accept(self._context, ctypes.byref(listening)), "modbus_tcp_accept")
            self._answer()

    def _answer(self) -> None:
        """Answer until the client is gone."""
        query = (c_uint8 * LONGEST)()
        header = self._lib.modbus_get_header_length(self._context)
        while (length := self._lib.modbus_receive(self._context, query)) >= 0:
            if length == 0:  # a request for another unit
                continue
            words = bytes(query)[header : header + 5]
            print(words[0], int.from_bytes(words[1:3], "big"), int.from_bytes(words[3:5], "big"), flush=True)
            self._must(self._lib.modbus_reply(self._context, query, length, self._mapping), "modbus_reply")

    def _filled(self, tables: dict[str, dict[str, int]]) -> Any:  # noqa: ANN401 - a pointer, which mypy cannot name
        held = [{int(at): word for at, word in tables.get(name, {}).items()} for name in TABLES]
        spans = [_span(words) for words in held]
        mapping = self._lib.modbus_mapping_new_start_address(*(number for span in spans for number in span))
        for words, (first, _), name in zip(held, spans, TABLES.values(), strict=True):
            for at, word in words.items():
                getattr(mapping.contents, name)[at - first] = word
        return mapping

    def _must(self, result: int, what: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            sys.exit(f"{what}: {self._lib.modbus_strerror(number).decode() or os.strerror(number)}")
        return result


def _span(words: dict[int, int]) -> tuple[int, int]:
    """Return the first address and the count."""
    return (min(words), max(words) - min(words) + 1) if words else (0, 0)


if __name__ == "__main__":
    Server(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])).serve()
