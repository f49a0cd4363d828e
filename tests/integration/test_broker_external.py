"""A broker that somebody else runs: the hub tries it with the canary, and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.broker.external import ExternalWatch
from tests.integration.guarded import GuardedCity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[GuardedCity]:
    city = GuardedCity(tmp_path)
    async with city.running():
        yield city


def _watch(city: GuardedCity, folder: Path) -> ExternalWatch:
    (folder / "canary").mkdir()
    return ExternalWatch(city.policy, city.guarded.devices, folder / "canary", city.clock)


async def test_a_broker_that_enforces_the_list_is_no_problem(city: GuardedCity, tmp_path: Path) -> None:
    watch = _watch(city, tmp_path)
    await watch.look()
    assert watch.problems == []


async def test_a_broker_that_does_not_is_one_with_what_to_do(city: GuardedCity, tmp_path: Path) -> None:
    watch = _watch(city, tmp_path)
    city.guarded.crl_file.write_bytes(b"")
    await city.guard._have_read()
    await watch.look()
    host, port = city.guarded.devices
    [problem] = watch.problems
    assert problem == (
        "The broker lets a revoked certificate in: it does not enforce the revocation list. Name the hub's list "
        f"there (mosquitto: `crlfile`), fetch it at least daily, and reload: {host}:{port}."
    )
    await city.guard.look()
    await watch.look()
    assert watch.problems == []


async def test_a_broker_that_is_away_is_unclear(tmp_path: Path) -> None:
    watch = _watch(GuardedCity(tmp_path), tmp_path)
    await watch.look()
    assert watch.problems[0].startswith("It cannot be told whether the broker enforces the revocation list (")


async def test_a_registry_that_cannot_be_read_is_told(city: GuardedCity, tmp_path: Path) -> None:
    watch = _watch(city, tmp_path)
    (tmp_path / "canary").rmdir()
    await watch.look()
    assert "cannot be written" in watch.problems[0]
