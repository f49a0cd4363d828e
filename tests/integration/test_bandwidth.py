"""From samples to a month's statement, through a real InfluxDB: to the byte, and written again when it was late."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from hub.__main__ import app
from hub.decode.watch import Watch
from hub.local.influxd import ManagedInflux
from hub.local.options import ManagedInfluxOptions
from hub.local.supervisor import Supervisor
from hub.pipeline.counters import Counters
from hub.pipeline.delivery import Delivery
from hub.pipeline.options import PipelineOptions
from hub.sinks.influx_v1 import InfluxV1Sink
from hub.sinks.query import InfluxReader
from hub.spool.options import SpoolOptions
from hub.spool.sqlite import SqliteSpool
from hub.status.bandwidth import Bandwidth
from hub.status.bookkeeper import Bookkeeper
from hub.status.ledger import Ledger
from hub.status.periods import SECOND, Periods
from hub.status.trips import Trips
from provisioning.database import open_engine
from provisioning.records import Agency, NewDevice, Site, Tariff, Uplink
from provisioning.registry import Registry
from tests.ports import free_ports
from tests.unit.status.city import City, Place, profile
from tests.unit.status.devices import Counter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings

from hub.cli.init import write_home

ZONE = Periods(ZoneInfo("Asia/Jakarta"))
CITY = City(
    {
        "gw-pasar": Place("gw-pasar", "router", "kominfo", "pasar"),
        "cam-1": Place("cam-1", "camera", "dishub", "pasar", ("traffic",)),
        "cam-2": Place("cam-2", "camera", "polres", "pasar", ("crime",)),
    },
    {"router": profile("gateway", "tx_bytes", "boot"), "camera": profile("cctv", "tx_bytes", "boot")},
)


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[tuple[Settings, ManagedInflux]]:
    """A home whose hub manages an InfluxDB, and that InfluxDB."""
    ports = free_ports(2)
    settings = write_home(folder / "home", {"local_influxdb": {"port": ports[0], "rpc_port": ports[1]}})
    influx = ManagedInflux(ManagedInfluxOptions(port=ports[0], rpc_port=ports[1]), settings.state_dir / "influxdb")
    supervisor = Supervisor(influx.prepare())
    task = asyncio.create_task(supervisor.run())
    try:
        await supervisor.ready()
        await influx.bootstrap()
        yield settings, influx
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def fill(settings: Settings) -> Registry:
    registry = Registry(open_engine(settings.registry_url), time_ns)
    for agency in ("kominfo", "dishub", "polres"):
        registry.add(Agency(agency))
    registry.add(Site("pasar", agency="kominfo"))
    registry.add_devices([NewDevice(id=name, profile="generic_ipcamera") for name in CITY.entries])
    registry.add(Uplink("fiber", "pasar", 100_000_000, Tariff.PER_GIGABYTE, 10_000, router="gw-pasar"))
    return registry


@pytest.mark.slow
async def test_a_month_is_summed_up_from_the_history(tmp_path: Path) -> None:
    async with database(tmp_path) as (settings, influx):
        registry = fill(settings)
        month_ns, _ = ZONE.month("2026-10")
        options = influx.sink_options().history()
        sink = InfluxV1Sink(options)
        await sink.open()
        now = [month_ns]
        async with SqliteSpool(tmp_path / "history.db", SpoolOptions(reserve_mb=0)) as spool:
            ledger = Ledger(tmp_path / "ledger.db", ZONE)
            bandwidth = Bandwidth(CITY, ZONE, ledger.meters())
            keeper = Bookkeeper(
                bandwidth, Trips(CITY, {}), ledger=ledger, periods=ZONE, spool=spool, registry=registry,
                clock=lambda: now[0],
            )  # fmt: skip
            await keeper.load()
            delivery = asyncio.create_task(
                Delivery(spool, sink, PipelineOptions(), Counters(), time_ns).run(), name="delivery"
            )
            devices = {name: Counter(boot=True, now_ns=month_ns) for name in CITY.entries}
            chance = random.Random(5)
            for step in range(60):
                now[0] = month_ns + step * 3600 * SECOND
                for index, (name, device) in enumerate(devices.items()):
                    device.now_ns = now[0]
                    reading = device.poll()
                    sample = (reading.time_ns, now[0], reading.value, reading.boot)
                    bandwidth.observe(CITY.entries[name], Watch(name, index), [sample], now[0])
                    device.count += chance.randrange(10**9)
                    if chance.randrange(20) == 0:
                        device.reboot()
                await keeper.keep()
                if step % 10 == 9:
                    await keeper.publish()
            async with asyncio.timeout(60):
                while spool.lines:  # noqa: ASYNC110 - the spool has no event for being empty
                    await asyncio.sleep(0.05)
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)
        await sink.close()
        keeper.close()
        sent = {name: device.visible for name, device in devices.items()}
        await check_statement(settings, sent)
        async with InfluxReader(options) as reader:
            (hours,) = await reader.query("SELECT COUNT(tx_bytes), SUM(tx_bytes) FROM uplink_hour")
        assert hours.values[0][1:] == [59, sent["gw-pasar"]]


async def check_statement(settings: Settings, sent: dict[str, int]) -> None:
    """The command says what the devices' counters say."""

    async def ask(by: str) -> dict[str, dict[str, int]]:
        words = ["--config", str(settings.file), "bandwidth", "--by", by, "--month", "2026-10", "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, words, catch_exceptions=False)
        answer = json.loads(result.output)
        return {row["name"]: row for row in [*answer["rows"], answer["total"]]}

    rest = sent["gw-pasar"] - sent["cam-1"] - sent["cam-2"]
    by_agency = await ask("agency")
    assert {name: row["bytes"] for name, row in by_agency.items()} == {
        "dishub": sent["cam-1"], "polres": sent["cam-2"], "(unattributed)": rest, "total": sent["gw-pasar"],
    }  # fmt: skip
    assert by_agency["total"]["rupiah"] == (sent["gw-pasar"] * 10_000 + 500_000_000) // 10**9
    by_device = await ask("device")
    assert {name: row["bytes"] for name, row in by_device.items() if name.startswith("cam")} == {
        "cam-1": sent["cam-1"], "cam-2": sent["cam-2"],
    }  # fmt: skip
    assert (await ask("zone"))["traffic"]["bytes"] == sent["cam-1"]
    assert (await ask("site"))["pasar"]["bytes"] == sent["cam-1"] + sent["cam-2"]
    assert (await ask("uplink"))["fiber (unattributed)"]["bytes"] == rest
    words = ["--config", str(settings.file), "bandwidth", "--month", "2026-10"]
    shown = await asyncio.to_thread(CliRunner().invoke, app, words, catch_exceptions=False)
    assert f"{sent['gw-pasar'] / 1e9:,.3f}" in shown.output
    empty = await asyncio.to_thread(CliRunner().invoke, app, [*words[:-1], "2026-09"], catch_exceptions=False)
    assert "total" in empty.output
