"""The hub's Modbus source by itself, for tests and benchmarks: a profile of their own, and devices that have it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from shutil import copyfile
from typing import TYPE_CHECKING

from hub.directory import Directory
from hub.profiles.loader import load_profiles, profiles_folder
from hub.sources.modbus.options import ModbusOptions
from hub.sources.modbus.pace import RealPace
from hub.sources.modbus.source import ModbusSource
from hub.transport.modbus_bus import PymodbusBus
from tests.unit.decode.line_protocol import Point, parse_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from hub.model import Burst, DeadLetter, Lines
    from hub.sources.base import Intake

KEEP_NS = 30 * 86_400 * 1_000_000_000
SHIPPED = profiles_folder()


@dataclass(frozen=True)
class PolledEntry:
    """A device on Modbus, as the registry tells the directory of it."""

    device: str
    profile: str
    modbus: str
    unit: int
    agency: str | None = None
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    serial: str | None = None
    imei: str | None = None
    local_recording: bool = False


@dataclass
class Kept:
    """An intake that keeps everything in memory, at once."""

    points: list[Point] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, lines: Lines) -> bool:
        self.points += parse_lines(lines.text)
        self.dead += lines.dead
        self.something.set()
        return True

    def offer(self, burst: Burst) -> bool:
        raise NotImplementedError(f"nobody sends here: {burst}")

    async def ready(self) -> None: ...

    async def settled(self) -> None: ...


def directory_of(folder: Path, profiles: dict[str, str], entries: Iterable[PolledEntry]) -> Directory:
    """Return a directory of devices whose profiles are written here, YAML by name, with the hub's own vocabulary."""
    folder.mkdir(exist_ok=True)
    copyfile(SHIPPED / "vocabulary.yaml", folder / "vocabulary.yaml")
    for name, text in profiles.items():
        (folder / name).mkdir()
        (folder / name / "profile.yaml").write_text(text)
    directory = Directory(*load_profiles(folder), KEEP_NS)
    assert directory.update(entries) == []
    return directory


def source_of(directory: Directory, intake: Intake, options: ModbusOptions | None = None) -> ModbusSource:
    """Return the source that polls the devices of a directory, as the hub makes it."""
    options = options or ModbusOptions()
    open_bus = partial(PymodbusBus, connect_s=options.connect_s)
    return ModbusSource(directory, intake, options, RealPace(), open_bus)


@asynccontextmanager
async def polling(source: ModbusSource) -> AsyncIterator[ModbusSource]:
    """Poll while the block runs."""
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(source.run())
        await asyncio.sleep(0)  # it has looked at the directory by then
        try:
            yield source
        finally:
            run.cancel()
