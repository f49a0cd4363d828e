"""Processes that the Modbus tests talk to: each says `ready` on its standard output, and is killed in the end."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ports import PATIENCE_S

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping

HERE = Path(__file__).parent
OLDEST_NODE = 18
"""What modbus-serial's serial port needs."""

Tables = dict[str, dict[int, int]]
"""`holding`, `input`, `coil`, `discrete`, each: address -> word."""


@asynccontextmanager
async def started(*command: str | Path, ready: str = "ready") -> AsyncIterator[Process]:
    """Run a program from the moment when it says `ready`; what it says later can be read from its stdout."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert process.stdout is not None
            while (line := await process.stdout.readline()) != f"{ready}\n".encode():
                assert line, f"{command} ended with code {await process.wait()}"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def libmodbus(way: str, where: object, tables: Tables) -> list[str]:
    """Return the command of a server on libmodbus; `way` is tcp or rtu, `where` a port or a device."""
    return [sys.executable, str(HERE / "libmodbus_server.py"), way, str(where), _json(tables)]


def modbus_serial(way: str, where: object, tables: Tables) -> list[str]:
    """Return the command of a server on the npm package modbus-serial."""
    return ["node", str(HERE / "node" / "server.js"), way, str(where), _json(tables)]


def _json(tables: Mapping[str, Mapping[int, int]]) -> str:
    return json.dumps({name: dict(words) for name, words in tables.items()})


async def skip_without_node() -> None:
    """Ubuntu 22.04 ships an older one."""
    assert shutil.which("node"), "node is missing: run `make setup-tests`"
    said = await asyncio.create_subprocess_exec("node", "--version", stdout=asyncio.subprocess.PIPE)
    version, _ = await said.communicate()
    if int(version.decode().lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"modbus-serial needs Node.js {OLDEST_NODE} or newer, this is {version.decode().strip()}")
    assert (HERE / "node" / "node_modules" / "modbus-serial").is_dir(), "modbus-serial is missing: `make setup-tests`"


@asynccontextmanager
async def serial_line(folder: Path) -> AsyncIterator[tuple[Path, Path]]:
    """Yield the two ends of a serial line: a pair of pseudo terminals, joined by socat."""
    ends = folder / "line-a", folder / "line-b"
    process = await asyncio.create_subprocess_exec("socat", *(f"pty,raw,echo=0,link={end}" for end in ends))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not all(end.exists() for end in ends):  # noqa: ASYNC110 - socat tells nobody when it is ready
                await asyncio.sleep(0.01)
        yield ends
    finally:
        process.kill()
        await process.wait()


async def mbpoll(*arguments: object) -> dict[int, str]:
    """Ask once with mbpoll, a client that nobody of this project wrote; return what it read, by address.

    Raises:
        AssertionError: it got no answer, with what it said.
    """
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-1", "-q", "-0", "-B", "-o", "3", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode() or out.decode()
    rows = [line.split() for line in out.decode().splitlines() if line.startswith("[")]
    return {int(row[0].strip("[]:")): row[1] for row in rows}


async def lines_of(stream: StreamReader | None) -> AsyncIterator[str]:
    """Yield what a process says, line by line."""
    assert stream is not None
    async for line in stream:
        yield line.decode().rstrip("\n")
