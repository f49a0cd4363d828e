from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.transport import mqtt_link
from tests.integration.local_pki import Pki
from tests.unit.transport.hub_side import Hub
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


@pytest.fixture
def hub(door: Door, pki: Pki) -> Hub:
    return Hub(door.options(pki.service("hub.cityhub")))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_link, "ANSWER_S", 0.05)
