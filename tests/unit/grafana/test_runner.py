"""Grafana beside a running hub: Live is lossy, the push waits for it, and its absence is told once."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from hub.grafana import runner as room
from hub.grafana.live import Pace, Pulse, lines
from hub.grafana.push import everything
from hub.grafana.runner import GrafanaRunner
from tests.grafana_server import grafana
from tests.ports import PATIENCE_S
from tests.unit.grafana.test_push import DATABASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PULSE = Pulse(messages_per_s=12.5, spool_points=3, devices=120, online=118, incidents=2, rx_bps=1e6, tx_bps=2e6)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TICK_S", "FIRST_PAUSE_S", "LONGEST_PAUSE_S", "LOOK_S"):
        monkeypatch.setattr(room, name, 0.02)


@asynccontextmanager
async def _running(runner: GrafanaRunner) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not reached():  # noqa: ASYNC110 - the runner offers a state to look at, no event
            await asyncio.sleep(0.01)


def test_a_pulse_is_a_line_a_channel_with_all_its_fields() -> None:
    assert lines(PULSE, 17) == (
        b"health messages_per_s=12.500,spool_points=3i,devices=120i,online=118i,incidents=2i 17\n"
        b"bandwidth rx_bps=1000000.0,tx_bps=2000000.0 17\n"
    )


def test_without_a_measure_of_the_uplinks_nothing_is_said_of_them() -> None:
    assert b"bandwidth" not in lines(PULSE._replace(rx_bps=None), 17)


def test_the_pace_is_what_came_since_the_last_look() -> None:
    times = iter([10**9, 3 * 10**9, 3 * 10**9])
    pace = Pace(lambda: next(times))
    assert [pace.per_s(100), pace.per_s(150), pace.per_s(160)] == [0.0, 25.0, 0.0]


async def test_the_pulse_is_pushed_again_and_again() -> None:
    async with grafana() as there, _running(GrafanaRunner(there.options(), lambda: 17, pulse=lambda: PULSE)):
        await _until(lambda: len(there.lines) >= 6)
    assert set(there.lines) == set(lines(PULSE, 17).decode().splitlines())


async def test_grafana_away_is_told_once_and_its_return_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hub.grafana")
    async with grafana() as there:
        there.answers = lambda _method, _path: (503, {"message": "starting"})
        runner = GrafanaRunner(there.options(), lambda: 17, pulse=lambda: PULSE)
        async with _running(runner):
            await _until(lambda: "503: starting" in runner.trouble)
            there.answers = lambda _method, _path: None
            await _until(lambda: len(there.lines) > 2)
            assert runner.trouble == ""
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(": ")[0] + text.partition(": ")[2][:9] for text in said] == [
        "grafanaLive: Gra",
        "grafanaLive work",
    ]


async def test_the_push_at_the_start_waits_for_grafana() -> None:
    async with grafana() as there:
        there.answers = lambda _method, _path: (502, "<html>Bad Gateway</html>")
        options = there.options()
        runner = GrafanaRunner(options, lambda: 17, items=everything(options, DATABASE, "Asia/Jakarta"))
        async with _running(runner):
            await _until(lambda: bool(runner.trouble))
            there.answers = lambda _method, _path: None
            await _until(lambda: len(there.rules) == 3)


async def test_a_refusal_is_not_repeated_for_ever() -> None:
    asked: list[str] = []
    async with grafana() as there:

        def refuse(_method: str, path: str) -> tuple[int, object]:
            asked.append(path)
            return 200, {"status": "green"}

        there.answers = refuse
        options = there.options()
        runner = GrafanaRunner(options, lambda: 17, items=everything(options, DATABASE, "Asia/Jakarta"))
        async with _running(runner):
            await _until(lambda: "not a Grafana" in runner.trouble)
            await asyncio.sleep(0.1)
    assert asked == ["/api/health"]
