"""The managed database: a real influxd, its users, its retention, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tomllib
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import orjson
import pytest

from hub.errors import MissingProgram
from hub.local.errors import LocalServerFailed
from hub.local.influxd import HISTORY, RAW, ManagedInflux
from hub.local.options import ManagedInfluxOptions
from hub.local.supervisor import Pace, Supervisor
from tests.integration.local_pki import eventually, is_alive
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PACE = Pace(first_pause=0.01, longest_pause=0.05, check=0.05)


@pytest.fixture
def influx(tmp_path: Path) -> ManagedInflux:
    port, rpc_port = free_ports(2)
    return ManagedInflux(ManagedInfluxOptions(port=port, rpc_port=rpc_port), tmp_path / "influxdb")


@asynccontextmanager
async def _running(influx: ManagedInflux) -> AsyncIterator[Supervisor]:
    """Run the database beside the block, ready from the start."""
    supervisor = Supervisor(influx.prepare(), pace=PACE)
    task = asyncio.create_task(supervisor.run())
    try:
        await supervisor.ready()
        yield supervisor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _post(influx: ManagedInflux, path: str, data: object, user: str | None = None) -> tuple[int, str]:
    """Send a request as a user, or as nobody; returns status and body."""
    headers = {}
    if user is not None:
        password = getattr(influx.logins(), user).get_secret_value()
        headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
    async with (
        aiohttp.ClientSession(str(influx.sink_options().url), headers=headers) as session,
        session.post(path, data=data) as response,
    ):
        return response.status, await response.text()


async def _select(influx: ManagedInflux, statement: str, user: str = "hub", database: str = RAW) -> list[list[object]]:
    status, body = await _post(influx, "query", {"q": statement, "db": database}, user)
    assert status == 200, body
    (result,) = orjson.loads(body)["results"]
    return [row for series in result.get("series", []) for row in series["values"]]


@pytest.mark.parametrize("database", [RAW, HISTORY])
async def test_the_hub_writes_and_grafana_reads(influx: ManagedInflux, database: str) -> None:
    async with _running(influx):
        await influx.bootstrap()
        assert await _post(influx, f"write?db={database}", b"level,device=d1 level_m=1.5\n", "hub") == (204, "")
        rows = await _select(influx, "SELECT level_m FROM level", "grafana", database)
        assert [row[1] for row in rows] == [1.5]


async def test_grafana_cannot_write(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        status, _ = await _post(influx, f"write?db={RAW}", b"level,device=d1 level_m=1.5\n", "grafana")
        assert status == 403


async def test_nobody_is_let_in_without_a_password(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        assert (await _post(influx, "query", {"q": "SHOW DATABASES"}))[0] == 401
        assert (await _post(influx, f"write?db={RAW}", b"level v=1\n"))[0] == 401


async def test_the_hub_does_not_administer(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        status, _ = await _post(influx, "query", {"q": "DROP DATABASE cityhub"}, "hub")
        assert status == 403


async def test_a_second_bootstrap_changes_nothing(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        before = await _select(influx, "SHOW USERS", "admin"), influx.logins()
        await influx.bootstrap()
        assert (await _select(influx, "SHOW USERS", "admin"), influx.logins()) == before
        assert before[0] == [["admin", True], ["hub", False], ["grafana", False]]


async def test_a_changed_retention_is_applied(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        assert await _select(influx, "SHOW RETENTION POLICIES ON cityhub") == [
            ["autogen", "720h0m0s", "24h0m0s", 1, True]
        ]
        options = influx.options.model_copy(update={"raw_days": 7, "history_months": 1})
        await replace(influx, options=options).bootstrap()
        assert await _select(influx, "SHOW RETENTION POLICIES ON cityhub") == [
            ["autogen", "168h0m0s", "24h0m0s", 1, True]
        ]
        assert await _select(influx, "SHOW RETENTION POLICIES ON cityhub_history") == [
            ["autogen", "744h0m0s", "24h0m0s", 1, True]
        ]


async def test_what_was_written_survives_a_kill(influx: ManagedInflux) -> None:
    async with _running(influx) as supervisor:
        await influx.bootstrap()
        await _post(influx, f"write?db={RAW}", b"level,device=d1 level_m=1.5\n", "hub")
        assert supervisor.pid is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        await eventually(lambda: supervisor.restarts == 1)
        await supervisor.ready()
        assert len(await _select(influx, "SELECT level_m FROM level")) == 1


async def test_passwords_that_do_not_fit_the_data_are_reported(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        (influx.folder / "logins.json").unlink()
        with pytest.raises(LocalServerFailed, match=r"does not know the passwords in .*logins\.json"):
            await influx.bootstrap()


async def test_a_database_that_is_away_is_reported(influx: ManagedInflux) -> None:
    with pytest.raises(LocalServerFailed, match="does not answer"):
        await influx.bootstrap()


async def test_stopping_leaves_no_database(influx: ManagedInflux) -> None:
    async with _running(influx) as supervisor:
        pid = supervisor.pid
    assert pid is not None
    assert not is_alive(pid)


async def test_everything_that_the_database_writes_is_private(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
        await _post(influx, f"write?db={RAW}", b"level,device=d1 level_m=1.5\n", "hub")
    files = [path for path in influx.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"influxd.conf", "influxd.log", "logins.json", "meta.db"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert influx.folder.stat().st_mode & 0o777 == 0o700


async def test_no_password_reaches_the_log(influx: ManagedInflux) -> None:
    async with _running(influx):
        await influx.bootstrap()
    logins = influx.logins()
    log = (influx.folder / "influxd.log").read_text()
    assert [user for user in type(logins).model_fields if getattr(logins, user).get_secret_value() in log] == []


def test_influxd_understands_every_setting(influx: ManagedInflux) -> None:
    """It ignores what it does not know, so its own account of its settings must hold each of ours."""
    program = influx.prepare()
    understood = tomllib.loads(
        subprocess.run([program.argv[0], "config", *program.argv[1:]], capture_output=True, check=True).stdout.decode()
    )
    wanted = tomllib.loads((influx.folder / "influxd.conf").read_text())
    assert wanted.pop("reporting-disabled")  # Debian turned it round: `reporting-enabled`, false by default
    assert not understood["reporting-enabled"]
    wanted["data"]["cache-max-memory-size"] = 512 * 2**20
    for section in ("continuous_queries", "http", "logging", "meta", "data", "monitor", "subscriber"):
        assert understood[section] | wanted[section] == understood[section]
    assert understood["bind-address"] == wanted["bind-address"]
    assert understood["coordinator"]["query-timeout"] == "1m0s"


def test_a_database_that_is_not_installed_is_reported_with_the_command_that_installs_it(influx: ManagedInflux) -> None:
    options = influx.options.model_copy(update={"program": influx.folder / "absent"})
    with pytest.raises(MissingProgram, match=r"Install it with: sudo apt-get install influxdb$"):
        replace(influx, options=options).prepare()
