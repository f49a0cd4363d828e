from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.migrations import upgrade
from provisioning.database import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "registry.db")
    upgrade(engine)
    yield engine
    engine.dispose()
