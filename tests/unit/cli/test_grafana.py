"""`cityhub grafana`, as its user types it, against a stand-in for Grafana."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hub.__main__ import app
from hub.grafana.errors import Away, Denied
from tests.grafana_server import TOKEN, Grafana, grafana

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Awaitable[Result]]

THINGS = 14
"""Folder, two data sources, seven dashboards, three rules, the policies."""


@asynccontextmanager
async def _scene(folder: Path, *, token: str = TOKEN) -> AsyncIterator[tuple[Grafana, Run]]:
    async with grafana() as there:
        config = folder / "cityhub.toml"
        database = '[influxdb]\nversion = 1\nurl = "http://127.0.0.1:8486"\n'
        config.write_text(f'{database}[grafana]\nurl = "{there.url}"\ntoken = "{token}"\n', encoding="utf-8")

        async def run(*words: str, stdin: str = "") -> Result:
            argv = ["--config", str(config), "grafana", *words]
            return await asyncio.to_thread(CliRunner().invoke, app, argv, input=stdin)

        yield there, run


@pytest.mark.slow
async def test_push_says_what_it_did_and_then_nothing_more(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (_, run):
        first = await run("push", "--json")
        assert [one["done"] for one in json.loads(first.stdout)] == ["created"] * (THINGS - 1) + [""]
        assert first.exit_code == 0
        second = await run("push")
        assert second.stdout.count("same") == THINGS


@pytest.mark.slow
async def test_diff_and_check_tell_an_edited_dashboard_and_the_exit_code_too(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (there, run):
        await run("push")
        assert (await run("diff")).exit_code == 0
        assert "Everything is as it should be." in (await run("check")).stdout
        there.edit("cityhub-cctv", title="Mine")
        told = await run("diff")
        assert told.exit_code == 3
        assert 'cityhub-cctv: title: "Mine" -> "CCTV"' in told.stdout
        checked = await run("check", "--json")
        assert checked.exit_code == 3
        (problem,) = json.loads(checked.stdout)["problems"]
        assert problem == "dashboard cityhub-cctv: edited by hand; by budi, 2026-11-26T03:00:00Z"


async def test_a_failure_of_one_thing_is_told_and_fails_the_command(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (there, run):
        there.role = "Editor"
        result = await run("push")
        assert result.exit_code == 1
        assert "additional permissions" in result.stdout
        assert len(there.boards) == 7


async def test_remove_takes_everything_away(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (there, run):
        await run("push")
        assert (await run("remove")).exit_code == 0
        assert (there.boards, there.sources, there.rules, there.folders) == ({}, {}, {}, {})


async def test_a_token_is_made_with_the_role_that_is_asked_for(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (there, run):
        file = tmp_path / "token"
        result = await run("token", str(file), "--role", "Editor", stdin="admin\n")
        assert result.exit_code == 0, result.output
        assert (file.read_text(encoding="ascii"), file.stat().st_mode & 0o777) == (TOKEN, 0o600)
        await run("token", str(file), "--role", "Editor", stdin="admin\n")
        assert [one["role"] for one in there.accounts] == ["Editor"]
        assert [one["name"] for one in there.tokens] == ["cityhub-editor-1", "cityhub-editor-2"]


async def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (_, run):
        result = await run("token", str(tmp_path / "token"), stdin="wrong\n")
    assert isinstance(result.exception, Denied)


async def test_a_grafana_that_is_away_is_named(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (_, run):
        pass
    result = await run("push")
    assert isinstance(result.exception, Away)
    assert "is it running, and is grafana.url right?" in str(result.exception)


@pytest.mark.parametrize("words", [("push",), ("diff",), ("check",), ("remove",)])
async def test_a_file_without_a_token_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    async with _scene(tmp_path, token="") as (_, run):
        result = await run(*words)
    assert "`cityhub grafana token` makes one" in str(result.exception)
