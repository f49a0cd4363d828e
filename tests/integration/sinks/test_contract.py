"""What `Sink` promises, tried on every kind of database against a real one."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

import pytest

from hub.errors import Retryable
from tests.integration.sinks import servers
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hub.sinks.base import Sink
    from tests.integration.sinks.servers import Kind

BASE_MS = 1_700_000_000_000
_names = (f"contract{number}" for number in count())


def lines(measurement: str, first: int, last: int) -> bytes:
    """Return one line a millisecond, so that a server with coarser clocks than ours still tells them apart."""
    return b"".join(
        f"{measurement},device=d{n % 7} value={n}.5 {BASE_MS + n}000000\n".encode() for n in range(first, last)
    )


@pytest.fixture(scope="module", params=servers.KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="module")
def peer(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Peer]:
    with servers.peer(kind, tmp_path_factory.mktemp("peer")) as running:
        yield running


@pytest.fixture
async def sink(kind: Kind, peer: servers.Peer) -> AsyncIterator[Sink]:
    opened = servers.sink(servers.options(kind, peer.url))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def measurement() -> str:
    return next(_names)


async def test_what_is_confirmed_is_stored(sink: Sink, peer: servers.Peer, measurement: str) -> None:
    await sink.write(lines(measurement, 0, 1000))

    assert peer.count(measurement) == 1000


async def test_writing_the_same_lines_again_changes_nothing(sink: Sink, peer: servers.Peer, measurement: str) -> None:
    for _ in range(3):
        await sink.write(lines(measurement, 0, 100))

    assert peer.count(measurement) == 100


async def test_writes_from_several_tasks_are_all_stored(sink: Sink, peer: servers.Peer, measurement: str) -> None:
    batches = [lines(measurement, n * 50, (n + 1) * 50) for n in range(20)]

    await asyncio.gather(*(sink.write(batch) for batch in batches))

    assert peer.count(measurement) == 1000


@pytest.mark.filterwarnings("ignore:Sending a large body directly with raw bytes:ResourceWarning")
async def test_a_batch_of_several_megabytes_is_stored(sink: Sink, peer: servers.Peer, measurement: str) -> None:
    batch = lines(measurement, 0, 50_000)
    assert len(batch) > 2**21

    await sink.write(batch)

    assert peer.count(measurement) == 50_000


async def test_a_database_that_was_away_is_written_by_the_same_sink(
    sink: Sink, peer: servers.Peer, measurement: str
) -> None:
    await sink.write(lines(measurement, 0, 10))
    peer.stop()
    try:
        with pytest.raises(Retryable, match="is it running"):
            await sink.write(lines(measurement, 10, 20))
    finally:
        peer.start()
    await sink.write(lines(measurement, 10, 20))

    assert peer.count(measurement) == 20


async def test_a_sink_opens_while_its_database_is_away(kind: Kind) -> None:
    sink = servers.sink(servers.options(kind, f"http://127.0.0.1:{free_port()}"))

    await sink.open()
    await sink.close()


async def test_closing_twice_is_harmless(sink: Sink, measurement: str) -> None:
    await sink.write(lines(measurement, 0, 1))

    await sink.close()
    await sink.close()


async def test_a_sink_that_was_never_opened_closes_and_does_not_write(kind: Kind, peer: servers.Peer) -> None:
    sink = servers.sink(servers.options(kind, peer.url))

    with pytest.raises(RuntimeError, match=r"open\(\) comes before write\(\)"):
        await sink.write(b"m v=1 1\n")
    await sink.close()
