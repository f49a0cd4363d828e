"""The demo's order of things: prepare, start hub and city, watch, stop the city, take stock, stop the hub."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import ExitStack, asynccontextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.live import Live
from rich.progress import Progress

from hub.app.hub import Hub
from hub.app.run import run_hub
from hub.cli.demo.city import equip_devices, register_city
from hub.cli.demo.process import Sims, Simulation, simulation
from hub.cli.demo.stock import Outcome, take_stock
from hub.cli.demo.view import render
from hub.cli.init import write_home
from hub.errors import CityhubError, ungrouped
from hub.sim.fleet import DRAIN_S
from hub.sim.latency import LatencyProbe
from hub.sim.models import measurements_of
from hub.sim.plan import Behaviour, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from hub.cli.demo.board import Board
    from hub.settings import Settings
    from hub.sim.city import City
    from hub.sim.modbus.city import Polled
    from hub.sim.reader import Reader

LOOPBACK: Final = "127.0.0.1"
OWN_PORTS: Final = 7
EQUIPPED_AT_ONCE: Final = 10
PROBED: Final = 20
"""Devices on whose points the latency is measured."""
FRAMES: Final = 4
"""Pictures a second."""
BAR_S: Final = 2
PATIENCE_S: Final = 30.0
"""How long anything may take that is expected at once."""

log = logging.getLogger(__name__)


class DemoRun:
    """One demo in an empty folder.

    Args:
        rate: messages a second from each device that speaks MQTT.
    """

    def __init__(self, home: Path, city: City, polled: Polled, rate: float, board: Board) -> None:
        self._home = home
        self._city = city
        self._polled = polled
        self._board = board
        self._bundles = home / "devices"
        self._plan = Plan(bundles=self._bundles, rate=rate, devices=tuple(device.plan for device in city.devices))
        self._stop = asyncio.Event()

    async def show(self, seconds: float | None, *, live: bool) -> Outcome | None:
        """Run for so many seconds, or until SIGINT, SIGTERM or SIGHUP; a second signal cuts the orderly stop short.

        Returns:
            None when it was stopped before anything was counted, or by a second signal.

        Raises:
            CityhubError: something that the demo needs is missing or failed.
        """
        self._listen_to_signals()
        try:
            return await self._show(seconds, live=live)
        except asyncio.CancelledError:
            return None

    async def _show(self, seconds: float | None, *, live: bool) -> Outcome | None:
        with ungrouped(CityhubError):
            return await self._run(seconds, live=live)

    async def _run(self, seconds: float | None, *, live: bool) -> Outcome | None:
        ports = _free_ports(OWN_PORTS + len(self._polled.buses))
        own, buses = ports[:OWN_PORTS], ports[OWN_PORTS:]
        settings = write_home(self._home, _overrides(own))
        await self._prepare(settings, buses)
        if self._stop.is_set():
            return None
        async with (
            self._simulation("hub.sim.modbus", "units") as units,
            _running_hub(settings) as hub,
            hub.reader() as reader,
            self._simulation("hub.sim", "devices") as devices,
        ):
            return await self._observe(hub, reader, Sims(devices, units), seconds, live=live)

    def _simulation(self, module: str, name: str) -> AbstractAsyncContextManager[Simulation]:
        home = self._home
        return simulation(module, home / f"{name}.json", home / f"{name}.log", self._board.tell)

    def _listen_to_signals(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def signalled() -> None:
            if self._stop.is_set() and task is not None:
                task.cancel()
            self._stop.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, signalled)

    async def _prepare(self, settings: Settings, buses: list[int]) -> None:
        """Register the city and equip its devices, a few at a time, so that a signal is heard."""
        (self._home / "devices.json").write_text(self._plan.model_dump_json(), encoding="utf-8")
        (self._home / "units.json").write_text(self._polled.plan(buses).model_dump_json(), encoding="utf-8")
        devices = self._city.devices
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("Menyiapkan perangkat · preparing devices", total=len(devices))
            await asyncio.to_thread(register_city, settings, self._city, self._polled, buses)
            for start in range(0, len(devices), EQUIPPED_AT_ONCE):
                if self._stop.is_set():
                    return
                some = devices[start : start + EQUIPPED_AT_ONCE]
                await asyncio.to_thread(equip_devices, settings, some, self._bundles)
                progress.advance(bar, len(some))

    async def _observe(
        self, hub: Hub, reader: Reader, sims: Sims, seconds: float | None, *, live: bool
    ) -> Outcome | None:
        probe = self._probe(reader)
        async with asyncio.TaskGroup() as tasks:
            said = [tasks.create_task(sim.follow(), name="simulation") for sim in (sims.devices, sims.units)]
            measuring = tasks.create_task(_measure(sims.devices, probe), name="latency")
            watching = tasks.create_task(self._watch(hub, sims, probe, live=live), name="view")
            await _wait(self._stop, seconds)
            self._stage("Kota berhenti · stopping the city")
            sims.finish()
            _, late = await asyncio.wait(said, timeout=DRAIN_S + PATIENCE_S)
            if late:
                raise CityhubError(f"the simulated city does not end; see devices.log and units.log in {self._home}")
            measuring.cancel()
            self._stage("Menghitung · taking stock")
            outcome = await take_stock(hub, reader, sims, probe, PATIENCE_S)
            watching.cancel()
        return outcome

    def _stage(self, text: str) -> None:
        self._board.stage = text
        log.info("%s", text)

    async def _watch(self, hub: Hub, sims: Sims, probe: LatencyProbe, *, live: bool) -> None:
        """Count the messages, and draw if somebody looks."""
        with ExitStack() as stack:
            screen = stack.enter_context(Live(screen=True, auto_refresh=False)) if live else None
            while True:
                self._board.count(hub.counters.messages, probe)
                for _ in range(BAR_S * FRAMES):
                    if screen:
                        screen.update(render(self._board.snapshot(hub, sims)), refresh=True)
                    await asyncio.sleep(1 / FRAMES)

    def _probe(self, reader: Reader) -> LatencyProbe:
        """Measure on a few devices of one kind that send at once what they measure."""
        steady = [device.plan for device in self._city.devices if device.plan.behaviour is Behaviour.STEADY]
        measurement = measurements_of(steady[0].model)[0]
        alike = [plan.id for plan in steady if measurement in measurements_of(plan.model)]
        where = f'"device" =~ /^({"|".join(alike[:PROBED])})$/'
        return LatencyProbe(reader, time_ns, where, measurement=measurement)


@asynccontextmanager
async def _running_hub(settings: Settings) -> AsyncIterator[Hub]:
    """Run a hub in this process: the block begins when it hears the broker, and the hub stops in order after it."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_hub(settings, stop, started.set_result), name="hub")
        try:
            hub: Hub = await started
            await _connected(hub)
            yield hub
        finally:
            stop.set()


async def _connected(hub: Hub) -> None:
    """What devices publish before the hub has subscribed would reach nobody."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not hub.source.connected:  # noqa: ASYNC110 - the hub offers a state to look at, no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise CityhubError("the hub cannot reach its own broker; the log says why") from None


async def _measure(sim: Simulation, probe: LatencyProbe) -> None:
    """Measure from the moment when all devices are connected: what they sampled before had to wait for that."""
    await sim.complete.wait()
    await probe.run()


async def _wait(stop: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


def _overrides(ports: list[int]) -> dict[str, dict[str, Any]]:
    broker, hub, influx, rpc, web, api, grafana = ports
    return {
        "city": {"name": "Purbalingga"},
        "bundle": {"broker_host": LOOPBACK},
        "local_broker": {"listen": LOOPBACK, "port": broker, "hub_port": hub},
        "local_influxdb": {"port": influx, "rpc_port": rpc},
        "local_grafana": {"port": grafana, "anonymous": True},
        "spool": {"max_mb": 512, "reserve_mb": 64},
        "web": {"port": web},
        "api": {"listen": LOOPBACK, "port": api},
    }


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]
