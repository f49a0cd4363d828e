from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from hub.local.influxd import bootstrap_statements, render_config
from hub.local.logins import Logins
from hub.local.options import ManagedInfluxOptions

LOGINS = Logins(admin=SecretStr("a" * 32), hub=SecretStr("h" * 32), grafana=SecretStr("g" * 32))


def test_nothing_listens_beyond_loopback() -> None:
    config = tomllib.loads(render_config(ManagedInfluxOptions(port=1111, rpc_port=2222), Path("/state")))
    assert (config["http"]["bind-address"], config["bind-address"]) == ("127.0.0.1:1111", "127.0.0.1:2222")


def test_nobody_is_let_in_without_a_password() -> None:
    config = tomllib.loads(render_config(ManagedInfluxOptions(), Path("/state")))
    assert (config["http"]["auth-enabled"], config["http"]["pprof-enabled"]) == (True, False)


def test_a_write_is_on_disk_before_it_is_confirmed() -> None:
    assert tomllib.loads(render_config(ManagedInfluxOptions(), Path("/state")))["data"]["wal-fsync-delay"] == "0s"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/\x7f"), min_size=1))
def test_any_folder_is_named_as_it_is(name: str) -> None:
    folder = Path("/state") / name
    assert tomllib.loads(render_config(ManagedInfluxOptions(), folder))["data"]["dir"] == str(folder / "data")


def test_databases_and_users_are_made_as_the_contract_names_them() -> None:
    assert bootstrap_statements(ManagedInfluxOptions(), LOGINS) == [
        'CREATE DATABASE "cityhub"',
        'ALTER RETENTION POLICY "autogen" ON "cityhub" DURATION 30d SHARD DURATION 1d DEFAULT',
        'CREATE DATABASE "cityhub_history"',
        'ALTER RETENTION POLICY "autogen" ON "cityhub_history" DURATION 775d SHARD DURATION 7d DEFAULT',
        f"CREATE USER \"hub\" WITH PASSWORD '{'h' * 32}'",
        'GRANT ALL ON "cityhub" TO "hub"',
        'GRANT ALL ON "cityhub_history" TO "hub"',
        f"CREATE USER \"grafana\" WITH PASSWORD '{'g' * 32}'",
        'GRANT READ ON "cityhub" TO "grafana"',
        'GRANT READ ON "cityhub_history" TO "grafana"',
    ]


@pytest.mark.parametrize(("days", "shard_days"), [(1, 1), (180, 1), (181, 7)])
def test_shards_are_sized_for_the_retention(days: int, shard_days: int) -> None:
    retention = bootstrap_statements(ManagedInfluxOptions(raw_days=days), LOGINS)[1]
    assert f"DURATION {days}d SHARD DURATION {shard_days}d" in retention
