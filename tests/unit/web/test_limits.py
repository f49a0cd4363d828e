from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter, Request
from hypothesis import given
from hypothesis import strategies as st

from hub.web.limits import MINUTE_NS, Budget, network_of
from hub.web.options import ApiOptions
from hub.web.server import build_api, limited
from tests.webserver import client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.webserver import Client

router = APIRouter()
NOW_NS = 1_790_000_000_000_000_000


@router.post("/bodies")
@router.post("/api/v1/import/devices")
async def takes(request: Request) -> int:
    return len(await request.body())


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    options = ApiOptions(body_kb=1, import_kb=4, body_s=1, requests_per_minute=8)
    api = limited(build_api([router], "1"), options, lambda: NOW_NS)
    async with client_of(api) as client:
        yield client


def test_a_minutes_worth_may_be_spent_at_once_and_no_more() -> None:
    budget = Budget(3, lambda: NOW_NS)
    assert [budget.spend("a") for _ in range(4)] == [0.0, 0.0, 0.0, 20.0]


def test_what_was_spent_is_refilled_evenly() -> None:
    now = NOW_NS
    budget = Budget(3, lambda: now)
    for _ in range(3):
        budget.spend("a")
    now += MINUTE_NS // 3
    assert [budget.spend("a"), budget.spend("a")] == [0.0, 20.0]


def test_one_address_does_not_spend_for_another() -> None:
    budget = Budget(1, lambda: NOW_NS)
    assert [budget.spend("a"), budget.spend("b")] == [0.0, 0.0]


@given(per_minute=st.integers(1, 1000), gaps=st.lists(st.integers(0, MINUTE_NS), max_size=50))
def test_never_more_than_twice_the_budget_passes_in_a_minute(per_minute: int, gaps: list[int]) -> None:
    now = NOW_NS
    budget = Budget(per_minute, lambda: now)
    passed: list[int] = []
    for gap in gaps:
        now += gap
        passed += [now] * (budget.spend("a") == 0)
    assert all(sum(then - MINUTE_NS < one <= then for one in passed) <= 2 * per_minute for then in passed)


def test_the_memory_of_addresses_is_bounded() -> None:
    budget = Budget(1, lambda: NOW_NS)
    for number in range(20_000):
        budget.spend(str(number))
    assert len(budget._free_at) == 10_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8::1", network_of(("2001:db8::ffff", 1))),
        ("fe80::1%eth0", network_of(("fe80::2%eth0", 1))),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, network: str) -> None:
    assert network_of((address, 1)) == network


@pytest.mark.slow
async def test_too_many_requests_are_told_when_to_come_back(client: Client) -> None:
    answers = [await client.post("/bodies") for _ in range(9)]
    assert [answer.status for answer in answers] == [200] * 8 + [429]
    assert (answers[-1].problem["title"], answers[-1].headers["Retry-After"]) == ("Too Many Requests", "8")


@pytest.mark.parametrize(("size", "status"), [(0, 200), (1024, 200), (1025, 413), (200_000, 413)])
async def test_a_body_may_be_as_large_as_the_limit(client: Client, size: int, status: int) -> None:
    assert (await client.post("/bodies", data=bytes(size))).status == status


@pytest.mark.parametrize(("size", "status"), [(4096, 200), (4097, 413)])
async def test_an_import_may_be_larger(client: Client, size: int, status: int) -> None:
    assert (await client.post("/api/v1/import/devices", data=bytes(size))).status == status


async def test_a_body_without_a_declared_length_is_counted_as_it_comes(client: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(500)

    answer = await client.post("/bodies", data=chunks())
    assert (answer.problem["status"], answer.problem["detail"]) == (
        413,
        "The body is larger than 1024 bytes: send less.",
    )


@pytest.mark.slow
async def test_a_body_that_dribbles_in_is_given_up(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"POST /bodies HTTP/1.1\r\nHost: hub\r\nContent-Length: 9\r\n\r\nabc")
    status = await reader.readline()
    writer.close()
    assert status == b"HTTP/1.1 408 Request Timeout\r\n"


@pytest.mark.slow
async def test_a_connection_that_says_nothing_whole_is_closed(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost:")
    assert await reader.read() == b""
    writer.close()
