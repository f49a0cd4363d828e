"""A registry, an authority and an enrolment of their own for each test, at a fixed time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.ca import Authority
from provisioning.enrolment import Enrolment
from provisioning.records import Agency, Site
from provisioning.registry import Registry
from tests.copies import write_copy
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.clock import Clock

NOW_NS = 1_790_000_000_000_000_000  # 2026-09-21


@pytest.fixture
def clock() -> Clock:
    return lambda: NOW_NS


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = fresh_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def registry(engine: Engine, clock: Clock) -> Registry:
    return Registry(engine, clock)


@pytest.fixture
def city(registry: Registry) -> Registry:
    registry.add(Agency("dishub", "Dinas Perhubungan"))
    registry.add(Site("bobotsari-pasar", "Pasar Bobotsari", "dishub", -7.307, 109.362))
    return registry


@pytest.fixture
def authority(tmp_path: Path, clock: Clock) -> Authority:
    write_copy(tmp_path, _authority_of, clock())
    return Authority.load(tmp_path / "pki", clock=clock)


def _authority_of(folder: Path, now_ns: int) -> None:
    Authority.create(folder / "pki", clock=lambda: now_ns)


@pytest.fixture
def enrolment(engine: Engine, authority: Authority, clock: Clock) -> Enrolment:
    return Enrolment(engine, authority, clock)
