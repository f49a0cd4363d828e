from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hub.directory import Directory
from hub.pipeline.counters import Counters
from hub.spool.sqlite import SqliteSpool
from tests.shipped import GENERIC, VOCABULARY
from tests.unit.pipeline.helpers import Device
from tests.unit.spool.helpers import OPTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
async def spool(file: Path) -> AsyncIterator[SqliteSpool]:
    async with SqliteSpool(file, OPTIONS) as opened:
        yield opened


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def directory() -> Directory:
    directory = Directory(VOCABULARY, GENERIC, keep_ns=30 * 86_400 * 1_000_000_000)
    directory.update([Device("cam"), Device("car", profile="generic_tracker"), Device("child", parent="gw")])
    return directory


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Write down every sleep instead of sleeping it."""
    asked: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        if seconds:
            asked.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    return asked
