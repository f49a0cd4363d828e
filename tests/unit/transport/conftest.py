from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.local_pki import Pki
from tests.unit.transport.peer import Door, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def door(pki: Pki) -> AsyncIterator[Door]:
    async with opened(pki.service("broker.cityhub")) as door:
        yield door
