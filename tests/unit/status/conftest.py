from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = fresh_engine(tmp_path / "registry.db")
    yield engine
    engine.dispose()
