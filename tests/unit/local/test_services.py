from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from hub.local import services
from hub.local.services import DAY_NS, DAYS, renew_in_time
from provisioning.errors import StorageProblem

if TYPE_CHECKING:
    import pytest

NOW_NS = 1_790_000_000_000_000_000


async def _renewals(monkeypatch: pytest.MonkeyPatch, clock_days: list[int], *, failing: int = 0) -> list[int]:
    """Return the days on which certificates were issued; the clock moves to each of `clock_days` in turn."""
    monkeypatch.setattr(services, "LOOK_EVERY_S", 0)
    issued: list[int] = []
    today = [0]
    attempts = count()

    def clock() -> int:
        return NOW_NS + today[0] * DAY_NS

    def issue() -> None:
        if next(attempts) < failing:
            raise StorageProblem("The disk is full.")
        issued.append(today[0])

    renewing = asyncio.create_task(renew_in_time(issue, clock))
    await asyncio.sleep(0)
    for today[0] in clock_days:
        for _ in range(3):
            await asyncio.sleep(0)
    renewing.cancel()
    return issued


async def test_certificates_are_renewed_when_two_thirds_of_their_life_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    due = DAYS * 2 // 3
    assert await _renewals(monkeypatch, [1, due - 1, due, due + 1, 2 * due - 1, 2 * due]) == [due, 2 * due]


async def test_a_renewal_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    due = DAYS * 2 // 3
    assert await _renewals(monkeypatch, [due, due + 1, due + 2], failing=1) in ([due], [due + 1])
