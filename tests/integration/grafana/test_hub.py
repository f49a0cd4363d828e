"""A whole hub beside a Grafana: filled at the start, moved every second, and told of incidents."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.grafana_server import TOKEN, grafana
from tests.integration.one_box import OneBox, wait_until
from tests.ports import PATIENCE_S, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable


async def _until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not reached():  # noqa: ASYNC110 - another process moves it
            await asyncio.sleep(0.05)


async def test_a_hub_fills_grafana_and_the_wall_finds_its_data(tmp_path: Path) -> None:
    async with grafana() as there:
        hub = await asyncio.to_thread(OneBox, tmp_path / "hub")
        hub.environment |= {
            "CITYHUB_GRAFANA__URL": there.url,
            "CITYHUB_GRAFANA__TOKEN": TOKEN,
            "CITYHUB_GRAFANA__PUSH_AT_START": "true",
        }
        try:
            await asyncio.to_thread(hub.run, "site", "add", "pasar", "--lat", "-7.307", "--lon", "109.364")
            await asyncio.to_thread(
                hub.run, "device", "add", "cam-1", "--profile", "generic_ipcamera", "--site", "pasar"
            )
            await asyncio.to_thread(hub.start)
            await _until(lambda: len(there.boards) == 7 and len(there.rules) == 3 and len(there.lines) >= 3)
            assert there.sources["cityhub"]["user"] == "hub"
            assert all(line.startswith("health messages_per_s=") for line in there.lines)

            await _until_asked(hub, 'SELECT count("well") FROM "hub"')
            rows = await _until_asked(hub, 'SELECT "lat", "lon", "device", "kind" FROM "inventory"')
            assert rows[0][1:] == [-7.307, 109.364, "cam-1", "cctv"]
        finally:
            await asyncio.to_thread(hub.end)


def test_a_machine_with_a_grafana_gets_it_run_and_filled(tmp_path: Path) -> None:
    hub = OneBox(tmp_path / "hub")
    program = tmp_path / "grafana"
    root = Path(__file__).parents[3]
    program.write_text(f'#!/bin/sh\ncd {root}\nexec {sys.executable} -m tests.grafana_program "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (port,) = free_ports(1)
    hub.environment |= {
        "CITYHUB_LOCAL_GRAFANA__ENABLED": "true",
        "CITYHUB_LOCAL_GRAFANA__PROGRAM": str(program),
        "CITYHUB_LOCAL_GRAFANA__PORT": str(port),
    }
    try:
        hub.start()
        wait_until(lambda: "things changed" in hub.log.read_text())
        assert "Everything is as it should be." in hub.run("grafana", "check").stdout
        shown = json.loads(hub.run("grafana", "diff", "--json").stdout)
        assert {one["state"] for one in shown} == {"same"}
    finally:
        hub.end()


def test_a_grafana_that_does_not_start_leaves_the_hub_well(tmp_path: Path) -> None:
    hub = OneBox(tmp_path / "hub")
    program = tmp_path / "grafana"
    program.write_text("#!/bin/sh\necho broken; exit 1\n", encoding="utf-8")
    program.chmod(0o755)
    hub.environment |= {
        "CITYHUB_LOCAL_GRAFANA__ENABLED": "true",
        "CITYHUB_LOCAL_GRAFANA__PROGRAM": str(program),
        "CITYHUB_LOCAL_GRAFANA__PORT": str(free_ports(1)[0]),
    }
    try:
        hub.start()
        wait_until(lambda: "no connection to Grafana" in hub.log.read_text())
        hub.run("status")
    finally:
        hub.end()


async def _until_asked(hub: OneBox, query: str) -> list[list[object]]:
    found: list[list[object]] = []
    async with asyncio.timeout(PATIENCE_S):
        while not found:
            found = await asyncio.to_thread(hub.query, query)
    return found
