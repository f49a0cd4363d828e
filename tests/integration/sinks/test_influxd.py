"""What only InfluxDB 1.x itself can show: its refusals, its settings, and reading back with InfluxQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.errors import Refused, Retryable
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.options import InfluxV1Options
from hub.sinks.query import InfluxReader, QueryError, Series, quote_ident, quote_string
from tests.integration.sinks import servers
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

WRONG = "letmein"
NANOSECOND = 1_700_000_000_000_000_001
STRANGE = [
    "",
    "it's",
    '"quoted"',
    "back\\slash",
    "\\",
    "new\nline",
    "Padamara ★ Kali Klawing",
    "; DROP DATABASE cityhub",
]


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Influxd]:
    with servers.Influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


def options(influxd: servers.Influxd, **changes: object) -> InfluxV1Options:
    mine = {"url": influxd.url, "username": "hub", "password": servers.SECRET}
    return InfluxV1Options.model_validate(mine | changes)


@pytest.fixture
async def sink(influxd: servers.Influxd) -> AsyncIterator[InfluxV1Sink]:
    opened = InfluxV1Sink(options(influxd))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def reader(influxd: servers.Influxd) -> AsyncIterator[InfluxReader]:
    async with InfluxReader(options(influxd)) as opened:
        yield opened


async def retryable(options: InfluxV1Options) -> str:
    sink = InfluxV1Sink(options)
    await sink.open()
    try:
        with pytest.raises(Retryable) as caught:
            await sink.write(b"m value=1 1\n")
    finally:
        await sink.close()
    return str(caught.value)


@pytest.mark.parametrize("bad", ["refused value= 2", 'refused value="text" 2', "refused value=nan 2"])
async def test_a_condemned_line_is_refused_and_its_neighbours_are_kept(sink: InfluxV1Sink, bad: str) -> None:
    await sink.write(b"refused value=1 1\n")

    with pytest.raises(Refused, match="partial write"):
        await sink.write(f"{bad}\nrefused value=3 3\n".encode())
    with pytest.raises(Refused):
        await sink.write(f"{bad}\n".encode())


async def test_a_wrong_password_is_retryable(influxd: servers.Influxd) -> None:
    said = await retryable(options(influxd, password=WRONG))

    assert "authorization failed; check user name and password" in said


async def test_a_user_without_rights_is_retryable(influxd: servers.Influxd) -> None:
    influxd.execute(f"CREATE USER guest WITH PASSWORD '{WRONG}'")

    said = await retryable(options(influxd, username="guest", password=WRONG))

    assert "its right to this database" in said


async def test_a_missing_database_is_retryable(influxd: servers.Influxd) -> None:
    said = await retryable(options(influxd, database="no such & strange name"))

    assert 'database not found: "no such & strange name"; create the database' in said


async def test_a_missing_retention_policy_is_retryable(influxd: servers.Influxd) -> None:
    influxd.execute("CREATE DATABASE bare")
    influxd.execute("DROP RETENTION POLICY autogen ON bare")

    said = await retryable(options(influxd, database="bare"))

    assert "retention policy not found: autogen" in said
    assert "default retention policy" in said


async def test_another_kind_of_server_at_the_url_is_named(influxd: servers.Influxd) -> None:
    sink = servers.sink(servers.options(servers.KINDS[1], influxd.url))
    await sink.open()

    with pytest.raises(Retryable, match=r"404 page not found; .*`version`"):
        await sink.write(b"m value=1 1\n")
    await sink.close()


async def test_what_was_written_is_read_back_to_the_nanosecond(sink: InfluxV1Sink, reader: InfluxReader) -> None:
    await sink.write(
        f'gps,device=a speed=2.5,satellites=7i,fix=true,note="ok" {NANOSECOND}\ngps,device=b speed=3 2\n'.encode()
    )

    series = await reader.query("SELECT fix, note, satellites, speed FROM gps GROUP BY device; SHOW MEASUREMENTS")

    columns = ["time", "fix", "note", "satellites", "speed"]
    assert series[:2] == [
        Series("gps", {"device": "a"}, columns, [[NANOSECOND, True, "ok", 7, 2.5]]),
        Series("gps", {"device": "b"}, columns, [[2, None, None, None, 3]]),
    ]
    assert ["gps"] in series[2].values


async def test_nothing_stored_is_no_series(reader: InfluxReader) -> None:
    assert await reader.query("SELECT count(value) FROM nothing") == []


@pytest.mark.parametrize("text", STRANGE)
async def test_influxdb_reads_our_quotes_as_we_mean_them(sink: InfluxV1Sink, reader: InfluxReader, text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    await sink.write(f'strange note="{escaped}" 1\n'.encode())
    name = text or "x"  # InfluxQL has no empty name

    query = f"SELECT note AS {quote_ident(name)} FROM strange WHERE note = {quote_string(text)}"
    by_string = await reader.query(query)
    by_parameter = await reader.query("SELECT note FROM strange WHERE note = $text", {"text": text})

    assert by_string == [Series("strange", {}, ["time", name], [[1, text]])]
    assert [series.values for series in by_parameter] == [[[1, text]]]


async def test_a_wrong_query_says_where(reader: InfluxReader) -> None:
    with pytest.raises(QueryError, match="refused the query: error parsing query: found SELEKT"):
        await reader.query("SELEKT 1")


async def test_an_answer_that_leaves_rows_out_is_an_error(sink: InfluxV1Sink, reader: InfluxReader) -> None:
    await sink.write(b"".join(f"long value={n} {n}\n".encode() for n in range(101)))

    with pytest.raises(QueryError, match="max-row-limit"):
        await reader.query("SELECT value FROM long")


async def test_a_reader_without_rights_is_told_the_remedy(influxd: servers.Influxd) -> None:
    async with InfluxReader(options(influxd, password=WRONG)) as reader:
        with pytest.raises(Retryable, match="check user name and password"):
            await reader.query("SHOW MEASUREMENTS")


async def test_a_missing_database_is_said_by_name(influxd: servers.Influxd) -> None:
    async with InfluxReader(options(influxd, database="nowhere")) as reader:
        with pytest.raises(QueryError, match="database not found: nowhere"):
            await reader.query("SELECT value FROM gps")


async def test_a_database_that_is_away_is_retryable() -> None:
    away = InfluxV1Options(url=f"http://127.0.0.1:{free_port()}")

    async with InfluxReader(away) as reader:
        with pytest.raises(Retryable, match="is it running"):
            await reader.query("SHOW MEASUREMENTS")


async def test_a_server_without_influxql_is_said() -> None:
    async with servers.Scripted() as server, InfluxReader(InfluxV1Options(url=server.url)) as reader:
        with pytest.raises(Retryable, match="404"):
            await reader.query("SHOW MEASUREMENTS")
