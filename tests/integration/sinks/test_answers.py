"""What every sink makes of the answers that databases, proxies and networks give, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hub.errors import Refused, Retryable, SinkError, TooLarge
from tests.integration.sinks import servers
from tests.integration.sinks.servers import Scripted, resets, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.sinks.base import Sink
    from tests.integration.sinks.servers import Kind

LINES = b"cctv,device=cam-1 kbps=1.5 1700000000000000000\n"
ANSWERS: list[tuple[servers.Answer, type[SinkError], str]] = [
    (says(400, '{"error":"partial write: unable to parse dropped=0"}'), Refused, "unable to parse dropped=0"),
    (says(400, '{"code":"invalid","message":"unable to parse"}'), Refused, "unable to parse"),
    (says(422, '{"message":"partial write dropped=3"}'), Refused, "dropped=3"),
    (says(201, '{"message":"1 point was rejected"}'), Refused, "1 point was rejected"),
    (says(413, "Request Entity Too Large"), TooLarge, "Request Entity Too Large"),
    (says(403, '{"error":"not authorized to write"}'), Retryable, "its right to this database"),
    (says(404, '{"error":"database not found"}'), Retryable, "create the database"),
    (says(500, '{"error":"retention policy not found"}'), Retryable, "default retention policy"),
    (says(503, "timeout"), Retryable, "timeout"),
    (says(200, "<html>please log in</html>"), Retryable, "check `url`"),
    (says(307, Location="/write"), Retryable, "check `url`"),
]


@pytest.fixture(params=servers.KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with Scripted() as running:
        yield running


@asynccontextmanager
async def opened(kind: Kind, server: Scripted, **changes: object) -> AsyncIterator[Sink]:
    sink = servers.sink(servers.options(kind, server.url, **changes))
    await sink.open()
    try:
        yield sink
    finally:
        await sink.close()


async def refusal(sink: Sink) -> SinkError:
    with pytest.raises(SinkError) as caught:
        await sink.write(LINES)
    return caught.value


async def test_the_lines_arrive_as_they_are_in_nanoseconds(kind: Kind, server: Scripted) -> None:
    async with opened(kind, server) as sink:
        await sink.write(LINES)

    assert server.bodies == [LINES]
    assert [query["precision"] for query in server.queries] == ["ns"]


@pytest.mark.parametrize(("answer", "expected", "said"), ANSWERS)
async def test_an_answer_says_what_to_do_next(
    kind: Kind, server: Scripted, answer: servers.Answer, expected: type[SinkError], said: str
) -> None:
    server.answer = answer
    async with opened(kind, server) as sink:
        error = await refusal(sink)

    assert type(error) is expected
    assert said in str(error)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_names_its_time(kind: Kind, server: Scripted, status: int) -> None:
    server.answer = says(status, Retry_After="12")
    async with opened(kind, server) as sink:
        error = await refusal(sink)

    assert isinstance(error, Retryable)
    assert error.after == 12.0


@pytest.mark.parametrize("silence", [Scripted.hangs, Scripted.hangs_midway])
async def test_silence_ends_with_the_time_out(kind: Kind, server: Scripted, silence: servers.Silence) -> None:
    server.answer = partial(silence, server)
    async with opened(kind, server, timeout_s=0.2) as sink:
        error = await refusal(sink)

    assert type(error) is Retryable
    assert "did not answer within 0.2 s" in str(error)


async def test_a_cut_connection_is_retryable(kind: Kind, server: Scripted) -> None:
    server.answer = resets
    async with opened(kind, server) as sink:
        error = await refusal(sink)

    assert type(error) is Retryable
    assert server.url.rstrip("/") in str(error)


async def test_after_any_failure_the_same_sink_writes(kind: Kind, server: Scripted) -> None:
    async with opened(kind, server) as sink:
        for server.answer in (says(503), says(400, "x" * 100_000), resets, says(413)):
            await refusal(sink)
        server.answer = says(204)
        await sink.write(LINES)

    assert len(server.bodies) == 5


async def test_of_a_long_explanation_only_the_beginning_is_kept(kind: Kind, server: Scripted) -> None:
    server.answer = says(400, "unable to parse " + "x" * 500_000)
    async with opened(kind, server) as sink:
        error = await refusal(sink)

    assert "unable to parse xxx" in str(error)
    assert len(str(error)) < 500


async def test_wrong_credentials_hold_the_lines_and_name_the_remedy(
    kind: Kind, server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = {"password": "letmein"} if kind is servers.KINDS[0] else {"token": "letmein"}
    async with opened(kind, server, **wrong) as sink:
        error = await refusal(sink)

    assert type(error) is Retryable
    assert "check user name and password, or the token" in str(error)
    assert "letmein" not in f"{error}{error!r}{error.__cause__!r}{caplog.text}"


async def test_a_cancelled_write_frees_its_connection(kind: Kind, server: Scripted) -> None:
    server.answer = server.hangs
    async with opened(kind, server) as sink:
        for _ in range(9):
            server.arrived.clear()
            writing = asyncio.create_task(sink.write(LINES))
            await server.arrived.wait()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        server.answer = says(204)
        await sink.write(LINES)

    assert len(server.bodies) == 10
